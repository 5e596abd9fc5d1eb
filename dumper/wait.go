package dumper

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
)

// stillness bounds a wait without progress.
type stillness struct {
	limit time.Duration
	since time.Time
	last  string
}

// lasts tells whether mark has been the same for longer than the limit.
func (s *stillness) lasts(mark string) bool {
	if mark != s.last {
		s.last, s.since = mark, time.Now()
		return false
	}
	return time.Since(s.since) >= s.limit
}

// check fails when mark has been the same for longer than the limit.
func (s *stillness) check(mark, what string) error {
	if !s.lasts(mark) {
		return nil
	}
	return timeout("%s: nothing has come nearer to its end for %v", what, s.limit)
}

// timeout is the fault of a wait that came to its bound.
func timeout(format string, args ...any) error {
	return fault.New(fault.CodeFailed, fault.KindTimeout, "see what holds it up, or allow more time with --wait", format, args...)
}

// errWaited ends a call that has taken as long as cfg.Wait.
var errWaited = errors.New("the wait has ended")

// bounded makes a call, of the store or of the source, that is no part of reading: there untilDone
// sees to it. It lasts for cfg.Wait at most; what says for what it waits.
func (b *backup) bounded(ctx context.Context, what string, call func(context.Context) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, b.cfg.Wait, errWaited)
	defer cancel()
	err := call(limited)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errWaited) {
		return timeout("%s has brought no answer for %v: %w", what, b.cfg.Wait, err)
	}
	return err
}

// nearer is how far p has come on the way to target; behind it no step counts. The zero p, of an archive that
// has not begun, has not come anywhere, and is of no timeline.
func nearer(p, target binlog.Position) binlog.Position {
	if target.IsZero() || !p.IsZero() && target.Before(p) {
		return target
	}
	return p
}

// advances counts what brings a backup nearer to its end: answers of discovery, results that the
// rules took, stored chunks, rows of the SELECT that reads a whole table. Each of them is bounded:
// by what there is, and by the number of tries. That the stream moves is not among them.
type advances struct{ steps atomic.Uint64 }

func (a *advances) step() { a.steps.Add(1) }

// progressMark changes whenever the run has come nearer to its end: by a step, by the stream on
// its way to what it has to pass, or by a stream that is less far behind than it was.
func (b *backup) progressMark() string {
	target := look(b.board, func(s *bases.Bases) binlog.Position { return s.Target() })
	return fmt.Sprint(b.advances.steps.Load(), nearer(b.resolver.Reached(), target), b.lag.mark())
}

// awaitStream waits until the stream has passed p, for as long as it comes nearer.
func (b *backup) awaitStream(ctx context.Context, p binlog.Position) error {
	b.board.update(func(s *bases.Bases) { s.MustPass(p) })
	defer b.phase.Waits("for the stream of the source's log to pass " + p.String())()
	still := stillness{limit: b.cfg.Wait, since: time.Now()}
	for {
		waiting, cancel := context.WithTimeout(ctx, min(time.Second, b.cfg.Wait))
		err := b.resolver.AwaitPassed(waiting, p)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		reached := b.resolver.Reached()
		if err := still.check(reached.String(), fmt.Sprintf("the stream of the source's log does not reach %s, it stands at %s", p, reached)); err != nil {
			return err
		}
	}
}
