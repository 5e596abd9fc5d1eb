package archive

import (
	"context"
	"sync"

	"github.com/tripod-db/tripod/binlog/segment"
)

// cut is an extent that was ended, before its bytes are durable.
type cut struct {
	extent *extent
	header segment.Header
}

// queue is the way of extents from the receiver to the store: cut, then sealed, then uploaded.
// It counts the spool's bytes and makes the receiver wait when they are too many.
type queue struct {
	mu      sync.Mutex
	cuts    []cut
	sealed  []*sealed
	sealing bool // a cut is being sealed
	closed  bool
	bytes   int64 // of the spool: in the open extent, cut, sealed
	changed chan struct{}
}

func newQueue() *queue { return &queue{changed: make(chan struct{})} }

// wake tells everybody who waits that something changed. The caller holds mu.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// update changes the queue and wakes whoever waits for it.
func (q *queue) update(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
	q.wake()
}

// await waits until condition, which is called under the lock, is true.
func (q *queue) await(ctx context.Context, condition func() bool) error {
	for {
		q.mu.Lock()
		ok, changed := condition(), q.changed
		q.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// grow counts received bytes.
func (q *queue) grow(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes += n
}

func (q *queue) size() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// put adds an extent that was cut.
func (q *queue) put(c cut) { q.update(func() { q.cuts = append(q.cuts, c) }) }

// close says that no more is cut.
func (q *queue) close() { q.update(func() { q.closed = true }) }

// nextCut waits for an extent to seal; ok is false when there will be none.
func (q *queue) nextCut(ctx context.Context) (c cut, ok bool, err error) {
	err = q.await(ctx, func() bool {
		if len(q.cuts) > 0 {
			c, ok, q.cuts, q.sealing = q.cuts[0], true, q.cuts[1:], true
		}
		return ok || q.closed
	})
	return c, ok, err
}

// putSealed adds what nextCut gave, sealed.
func (q *queue) putSealed(s *sealed) {
	q.update(func() { q.sealed, q.sealing = append(q.sealed, s), false })
}

// head returns the next extent to upload, nil where there is none now. more is false when there
// will be none.
func (q *queue) head() (s *sealed, more bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.sealed) > 0 {
		return q.sealed[0], true, q.changed
	}
	return nil, !q.closed || len(q.cuts) > 0 || q.sealing, q.changed
}

// pop removes the extent that head returned: it is in the store.
func (q *queue) pop() {
	q.update(func() {
		q.bytes -= q.sealed[0].size()
		q.sealed = q.sealed[1:]
	})
}

// awaitRoom waits until the spool has room for more.
func (q *queue) awaitRoom(ctx context.Context, limit int64, waits func(why string) (over func())) error {
	var over func()
	defer func() {
		if over != nil {
			over()
		}
	}()
	return q.await(ctx, func() bool {
		if q.bytes >= limit && over == nil {
			over = waits("for the store to take what fills the spool (--spool-size)")
		}
		return q.bytes < limit
	})
}

// awaitEmpty waits until everything that was cut is in the store.
func (q *queue) awaitEmpty(ctx context.Context) error {
	return q.await(ctx, func() bool { return len(q.cuts) == 0 && !q.sealing && len(q.sealed) == 0 })
}

// seal makes what is cut durable until nothing more comes.
func (q *queue) seal(ctx context.Context) error {
	for {
		c, ok, err := q.nextCut(ctx)
		if err != nil || !ok {
			return err
		}
		s, err := c.extent.seal(c.header)
		if err != nil {
			return err
		}
		q.putSealed(s)
	}
}
