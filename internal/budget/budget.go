package budget

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Budget is a number of bytes shared by all who hold some. Safe for concurrent use; waiters are
// served in the order in which they came, so a large one is not starved by small ones.
type Budget struct {
	limit int64
	bytes *semaphore.Weighted

	mu       sync.Mutex
	held     int64
	most     int64
	reserved int64
}

// New makes a budget of limit bytes, which must be positive.
func New(limit int64) *Budget {
	if limit <= 0 {
		panic(fmt.Sprintf("budget: a limit of %d bytes lets nothing pass", limit))
	}
	return &Budget{limit: limit, bytes: semaphore.NewWeighted(limit)}
}

// Acquire waits until n more bytes fit and returns what gives them back. An n above the limit
// waits until nothing is held and then holds everything: it passes alone. Nothing is held when
// an error is returned, which is ctx's. Calling release again does nothing.
func (b *Budget) Acquire(ctx context.Context, n int64) (release func(), err error) {
	weight := b.weight(n)
	if err := b.bytes.Acquire(ctx, weight); err != nil {
		return nil, fmt.Errorf("wait for %d bytes of memory: %w", n, err)
	}
	return b.hold(n, weight), nil
}

// Reserve takes n bytes out of the budget for a while: what is acquired meanwhile shares the
// rest, and an oversize item passes when nothing is held beside the reservations. It is for
// memory that lives as long as a phase, so it is called, and given back, while no item is
// acquired or waited for. At least one byte stays.
func (b *Budget) Reserve(ctx context.Context, n int64) (release func(), err error) {
	n = b.weight(min(n, b.weight(b.limit)-1))
	free, err := b.Acquire(ctx, n)
	if err != nil {
		return nil, err
	}
	b.reserve(n)
	return sync.OnceFunc(func() {
		b.reserve(-n)
		free()
	}), nil
}

func (b *Budget) reserve(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved += n
}

// TryAcquire is Acquire without waiting; ok tells whether the bytes fit.
func (b *Budget) TryAcquire(n int64) (release func(), ok bool) {
	weight := b.weight(n)
	if !b.bytes.TryAcquire(weight) {
		return nil, false
	}
	return b.hold(n, weight), true
}

func (b *Budget) weight(n int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return min(max(n, 0), b.limit-b.reserved)
}

func (b *Budget) hold(n, weight int64) (release func()) {
	b.mu.Lock()
	b.held += n
	b.most = max(b.most, b.held)
	b.mu.Unlock()
	return sync.OnceFunc(func() {
		b.mu.Lock()
		b.held -= n
		b.mu.Unlock()
		b.bytes.Release(weight)
	})
}

// Limit returns the size of the budget in bytes.
func (b *Budget) Limit() int64 { return b.limit }

// Held returns the bytes in use now; they exceed the limit while an oversize item passes.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Most returns the greatest number of bytes that was ever in use.
func (b *Budget) Most() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most
}
