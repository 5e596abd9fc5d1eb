package pitr

import (
	"context"
	"errors"
	"sync"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// Bounds of a batch of the ordered lane.
const (
	// batchBytes is how much SQL one transaction on the target takes: large enough that its two
	// round trips and its fsync do not count, small enough that three batches (one being filled,
	// one waiting, one running) are a few percent of the memory allowed.
	batchBytes = 2 << 20
	// statementBytes bounds the statement that neighbours are joined into: beyond it parsing costs
	// more than the round trips that are saved.
	statementBytes = 256 << 10
)

// orderedLane writes changes in commit order through one connection. While one batch runs on
// the target, the next is filled.
type orderedLane struct {
	writer  *batchWriter
	current *rewriter.Batch
	limit   int // bytes of a batch

	work chan orderedWork
	free chan *rewriter.Batch // batches to fill

	done   chan struct{} // closed when the goroutine has ended
	once   sync.Once
	failed error // set before done is closed
}

// orderedWork is a filled batch, or a fence: a channel that is closed when all before it is done.
type orderedWork struct {
	batch *rewriter.Batch
	fence chan struct{}
}

// startOrdered starts the lane's goroutine; Close ends it. ctx ends its work early.
func startOrdered(ctx context.Context, w *batchWriter) *orderedLane {
	const batches = 3
	l := &orderedLane{
		writer: w, limit: min(batchBytes, w.packet/2),
		work: make(chan orderedWork, batches), free: make(chan *rewriter.Batch, batches), done: make(chan struct{}),
	}
	for range batches {
		l.free <- rewriter.NewBatch(w.keepAlternatives())
	}
	go l.run(ctx)
	return l
}

func (l *orderedLane) run(ctx context.Context) {
	defer close(l.done)
	for w := range l.work {
		if w.fence != nil {
			close(w.fence)
			continue
		}
		if err := l.writer.write(ctx, w.batch); err != nil {
			l.failed = err
			return
		}
		w.batch.Reset()
		l.free <- w.batch
	}
}

var errLaneClosed = errors.New("the lane is closed")

// ended is the error of a lane whose goroutine is no more.
func (l *orderedLane) ended() error {
	if l.failed != nil {
		return l.failed
	}
	return errLaneClosed
}

// Apply implements lane.
func (l *orderedLane) Apply(ctx context.Context, t *table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	if l.current != nil && l.current.Mixes(t.write) {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	if l.current == nil {
		select {
		case l.current = <-l.free:
		case <-l.done:
			return l.ended()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := l.current.Add(t.write, rule, c, o); err != nil {
		return err
	}
	if l.current.Size() < l.limit {
		return nil
	}
	return l.flush(ctx)
}

// flush hands the current batch to the goroutine.
func (l *orderedLane) flush(ctx context.Context) error {
	if l.current == nil || l.current.Len() == 0 {
		return nil
	}
	if err := l.send(ctx, orderedWork{batch: l.current}); err != nil {
		return err
	}
	l.current = nil
	return nil
}

func (l *orderedLane) send(ctx context.Context, w orderedWork) error {
	select {
	case l.work <- w:
		return nil
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Fence implements lane: the ordered lane drains as a whole, whatever the tables.
func (l *orderedLane) Fence(ctx context.Context, _ []schema.Name) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	fence := make(chan struct{})
	if err := l.send(ctx, orderedWork{fence: fence}); err != nil {
		return err
	}
	select {
	case <-fence:
		return nil
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements lane.
func (l *orderedLane) Close() error {
	l.once.Do(func() { close(l.work) })
	<-l.done
	return l.failed
}
