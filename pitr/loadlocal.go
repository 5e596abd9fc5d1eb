package pitr

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/pitr/target"
)

// readerNumber makes the names under which the driver finds readers unique in the process.
var readerNumber atomic.Uint64

// localLoader runs LOAD DATA LOCAL.
type localLoader struct{ *target.Session }

func openLocal(ctx context.Context, t *target.Target) (rowLoader, error) {
	s, err := t.Session(ctx)
	if err != nil {
		return nil, err
	}
	return localLoader{s}, nil
}

// write implements rowLoader.
func (s localLoader) write(ctx context.Context, j loadJob, text io.Reader) (int64, error) {
	name := "tripod-" + strconv.FormatUint(readerNumber.Add(1), 10)
	zeros := newZeroEnums(j)
	source := &contextReader{ctx: func() error { return ctx.Err() }, r: io.TeeReader(text, zeros)}
	mysql.RegisterReaderHandler(name, func() io.Reader { return source })
	defer mysql.DeregisterReaderHandler(name)
	counts, err := s.Counts(ctx, j.load.Statement("Reader::"+name))
	if source.err != nil {
		// The cause; the driver repeats it, or knows only that the transfer broke off.
		return 0, source.err
	}
	if err != nil {
		return 0, err
	}
	return counts[0], checkWarnings(ctx, s, zeros)
}

// contextReader ends a transfer soon after its context does and remembers what broke it off.
type contextReader struct {
	ctx func() error
	r   io.Reader
	err error
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx(); err != nil {
		c.err = err
		return 0, err
	}
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// checkWarnings fails a chunk on any warning: LOCAL turns errors into warnings and goes on with
// what it made of the value (fact 15.9). The only harmless one is that of an ENUM of index 0, which
// a chunk without STRICT may hold; the server keeps few texts of warnings but counts them all, so
// there must be exactly as many as there were such values.
func checkWarnings(ctx context.Context, s target.Querier, zeros *zeroEnums) error {
	expected := zeros.take()
	count, err := target.OneRow(ctx, s, "SELECT @@warning_count")
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(count[0], 10, 64)
	if err != nil {
		return fmt.Errorf("read the number of warnings: %w", err)
	}
	if n == expected {
		return nil
	}
	warnings, err := s.QueryRows(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	text := "no text of them is kept"
	for _, w := range warnings {
		if w[1] != target.WarnTruncated || !target.NamesColumn(w[2], zeros.names) {
			text = w[2] + " (" + w[0] + " " + w[1] + ")"
			break
		}
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, "compare the versions and settings of both servers",
		"the target does not take a value as it is: %s; %d warnings, %d of them expected", text, n, expected)
}
