package pitr

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// longLine is the length from which a line passes by itself: it is held once, and its statement
// goes out while it is rendered.
const longLine = 1 << 20

// textLoader writes chunks by statements, where the target forbids LOCAL.
type textLoader struct {
	*target.RowSession
	packet int
	memory *lanes.Memory
	lines  *bufio.Reader
	line   []byte // of several reads
	row    rewriter.LongRow
}

func openText(ctx context.Context, t *target.Target, packet int, m *lanes.Memory) (rowLoader, error) {
	s, err := t.RowSession(ctx)
	if err != nil {
		return nil, err
	}
	return &textLoader{RowSession: s, packet: packet, memory: m, lines: bufio.NewReaderSize(nil, 1<<16)}, nil
}

// write implements rowLoader.
func (l *textLoader) write(ctx context.Context, j loadJob, text io.Reader) (int64, error) {
	columns, err := loadColumns(j)
	if err != nil {
		return 0, err
	}
	l.lines.Reset(text)
	c := &textChunk{textLoader: l, job: j, batch: rewriter.NewTextBatch(j.load.Table, columns, j.load.Replace), zeros: newZeroEnums(j), left: int64(j.chunk.Bytes)}
	limit := min(lanes.StatementBytes, l.packet/2)
	for {
		line, whole, err := c.next()
		if err != nil && (!errors.Is(err, io.EOF) || len(line) > 0) {
			return c.written, cutOff(err)
		}
		switch {
		case errors.Is(err, io.EOF):
			return c.written, c.flush(ctx)
		case !whole:
			err = c.long(ctx, line)
		default:
			c.zeros.count(line)
			err = c.batch.Add(bytes.TrimSuffix(line, []byte("\n")))
		}
		if err == nil && (c.batch.Size() >= limit || j.computed != nil && c.batch.Rows() >= j.atOnce) {
			err = c.flush(ctx)
		}
		if err != nil {
			return c.written, err
		}
	}
}

// cutOff names the end of the text where a line has none.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the last line of the chunk has no end")
	}
	return err
}

// textChunk is one chunk on its way.
type textChunk struct {
	*textLoader
	job     loadJob
	batch   *rewriter.TextBatch
	zeros   *zeroEnums
	left    int64 // bytes of the chunk that were not read yet
	written int64
}

// next reads a line with its line feed, or, where whole is false, the beginning of a long one.
// The bytes are valid until the next call.
func (c *textChunk) next() (line []byte, whole bool, err error) {
	c.line = c.line[:0]
	for {
		piece, err := c.lines.ReadSlice('\n')
		c.left -= int64(len(piece))
		full := errors.Is(err, bufio.ErrBufferFull)
		if !full && len(c.line) == 0 {
			return piece, true, err
		}
		c.line = append(c.line, piece...)
		switch {
		case !full:
			return c.line, true, err
		case len(c.line) >= longLine:
			return c.line, false, nil
		}
	}
}

// long writes a row whose line begins with begun. It may take what is left of the chunk; where
// the memory does not allow that beside others, it passes alone.
func (c *textChunk) long(ctx context.Context, begun []byte) error {
	if err := c.flush(ctx); err != nil {
		return err
	}
	release, err := c.memory.Acquire(ctx, int64(len(begun))+c.left)
	if err != nil {
		return err
	}
	defer release()
	defer c.row.Reset()
	c.row.Append(begun)
	c.zeros.count(begun)
	for full := true; full; {
		piece, err := c.lines.ReadSlice('\n')
		if full = errors.Is(err, bufio.ErrBufferFull); err != nil && !full {
			return cutOff(err)
		}
		c.left -= int64(len(piece))
		c.zeros.count(piece)
		c.row.Append(bytes.TrimSuffix(piece, []byte("\n")))
	}
	s, err := c.batch.Long(&c.row)
	if err != nil {
		return err
	}
	return c.send(ctx, s)
}

// flush sends the rows that were gathered.
func (c *textChunk) flush(ctx context.Context) error {
	if c.batch.Rows() == 0 {
		return nil
	}
	defer c.batch.Reset()
	return c.send(ctx, bytes.NewReader(c.batch.SQL()))
}

func (c *textChunk) send(ctx context.Context, text server.Text) error {
	if n := text.Len(); n > c.packet {
		return fault.New(fault.CodeFailed, fault.KindTarget, target.PacketHint(n),
			"a row needs a statement of %d bytes, more than max_allowed_packet of the target allows", n)
	}
	counts, err := c.Counts(ctx, text)
	if err != nil {
		return err
	}
	c.written += counts[0]
	return checkWarnings(ctx, c, c.job, c.zeros)
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
