package pitr

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
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
func (s localLoader) write(ctx context.Context, j loadJob, text io.Reader) (written int64, err error) {
	zeros := newZeroEnums(j)
	if j.computed == nil {
		return s.statement(ctx, j, text, zeros)
	}
	lines := &someLines{lines: bufio.NewReader(text)}
	for {
		more, err := lines.next(j.atOnce)
		if err != nil || !more {
			return written, err
		}
		n, err := s.statement(ctx, j, lines, zeros)
		if written += n; err != nil {
			return written, err
		}
	}
}

// statement loads a text by one statement.
func (s localLoader) statement(ctx context.Context, j loadJob, text io.Reader, zeros *zeroEnums) (int64, error) {
	name := "tripod-" + strconv.FormatUint(readerNumber.Add(1), 10)
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
	return counts[0], checkWarnings(ctx, s, j, zeros)
}

// someLines reads a text some lines at a time.
type someLines struct {
	lines *bufio.Reader
	left  int    // lines
	piece []byte // of the line at hand
}

// next lets Read go on by so many lines; more tells whether there are any.
func (l *someLines) next(lines int) (more bool, err error) {
	l.left = lines
	_, err = l.lines.Peek(1)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

func (l *someLines) Read(p []byte) (int, error) {
	if len(l.piece) == 0 {
		if l.left == 0 {
			return 0, io.EOF
		}
		var err error
		l.piece, err = l.lines.ReadSlice('\n')
		switch {
		case err == nil:
			l.left--
		case !errors.Is(err, bufio.ErrBufferFull) && len(l.piece) == 0:
			return 0, err
		}
	}
	n := copy(p, l.piece)
	l.piece = l.piece[n:]
	return n, nil
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

// checkWarnings fails a chunk on any warning that its values do not have to bring.
func checkWarnings(ctx context.Context, s target.Querier, j loadJob, zeros *zeroEnums) error {
	err := target.CheckWarnings(ctx, s, target.Allowed{Enums: zeros.names, Zeros: zeros.take(), Computed: j.computed})
	if err == nil || ctx.Err() != nil || server.IsTransient(err) {
		return err
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, "compare the versions and settings of both servers", "the target does not take a value as it is: %w", err)
}
