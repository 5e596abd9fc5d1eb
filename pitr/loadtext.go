package pitr

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// loadText writes the chunk's text by statements, where the target forbids LOCAL, and returns
// the count of written rows.
func loadText(ctx context.Context, s *session, j loadJob, text io.Reader, packet int) (int64, error) {
	columns, err := loadColumns(j)
	if err != nil {
		return 0, err
	}
	b := rewriter.NewTextBatch(j.load.Table, columns, j.load.Replace)
	limit := min(statementBytes, packet/2)
	lines := bufio.NewReaderSize(text, 1<<16)
	zeros := newZeroEnums(j)
	var written int64
	flush := func() error {
		if b.Rows() == 0 {
			return nil
		}
		counts, err := s.counts(ctx, string(b.SQL()))
		if err != nil {
			return err
		}
		written += counts[0]
		b.Reset()
		return checkWarnings(ctx, s, zeros)
	}
	var long []byte
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, line...)
			continue
		case err == io.EOF && len(line)+len(long) == 0:
			return written, flush()
		case err == io.EOF:
			return written, fmt.Errorf("the last line of the chunk has no end")
		case err != nil:
			return written, err
		}
		if len(long) > 0 {
			long = append(long, line...)
			line = long
		}
		zeros.count(line)
		if err := b.Add(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return written, err
		}
		long = long[:0]
		if b.Size() >= limit {
			if err := flush(); err != nil {
				return written, err
			}
		}
	}
}

// loadColumns finds the columns of the text in the table's definition.
func loadColumns(j loadJob) ([]*schema.Column, error) {
	columns := make([]*schema.Column, len(j.load.Columns))
	for i, c := range j.load.Columns {
		if columns[i], _ = j.def.Column(c.Name); columns[i] == nil {
			return nil, fmt.Errorf("the table has no column %s", c.Name)
		}
	}
	return columns, nil
}
