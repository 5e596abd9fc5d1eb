package dumper

import (
	"context"
	"sync"
	"time"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// board holds the rules' state, hands out what has to be read, and wakes who waits for a change.
type board struct {
	mu      sync.Mutex
	bases   *bases.Bases
	changed chan struct{}
	// busy are the things that somebody works at, be it for a result that is void by now: two
	// workers at one table would write the same chunks.
	busy map[thing]bool
	// due is from when on a thing may be read once more.
	due map[thing]pause
}

// thing is what a Want is about.
type thing struct {
	kind   bases.WantKind
	object catalog.ObjectKind
	name   schema.Name
}

type pause struct {
	attempt int
	until   time.Time
}

func thingOf(w bases.Want) thing {
	kind := w.Kind
	if kind == bases.WantDefinition {
		kind = bases.WantTable
	}
	return thing{kind: kind, object: w.Object, name: w.Name}
}

func newBoard(b *bases.Bases) *board {
	return &board{bases: b, changed: make(chan struct{}), busy: map[thing]bool{}, due: map[thing]pause{}}
}

// update changes the state and wakes everybody.
func (b *board) update(change func(*bases.Bases)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b.bases)
	b.wake()
}

func (b *board) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// feed changes the state without waking anybody: what transactions do to rows is looked at
// when the coordinator does.
func (b *board) feed(change func(*bases.Bases)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b.bases)
}

// look reads the state.
func look[T any](b *board, read func(*bases.Bases) T) T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return read(b.bases)
}

const (
	// firstPause and longestPause: a table is read again at once, then with back-off (R3).
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// pauseBefore is how long to wait before a read that has been made void n times.
func pauseBefore(n int) time.Duration {
	if n < 2 {
		return 0
	}
	return min(longestPause, firstPause<<min(n-2, 10))
}

// next returns the next thing to read, which is the caller's until release. It waits for one
// until ctx ends.
func (b *board) next(ctx context.Context) (bases.Want, error) {
	for {
		b.mu.Lock()
		w, ok, wait := b.take(time.Now())
		changed := b.changed
		b.mu.Unlock()
		if ok {
			return w, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return bases.Want{}, context.Cause(ctx)
		}
		timer.Stop()
	}
}

func (b *board) take(now time.Time) (w bases.Want, ok bool, wait time.Duration) {
	wait = time.Minute
	w, ok = b.bases.Take(func(w bases.Want) bool {
		t := thingOf(w)
		if b.busy[t] {
			return false
		}
		p, known := b.due[t]
		if !known || p.attempt != w.Attempt {
			p = pause{attempt: w.Attempt, until: now.Add(pauseBefore(len(w.Again)))}
			b.due[t] = p
		}
		if p.until.After(now) {
			wait = min(wait, p.until.Sub(now))
			return false
		}
		return true
	})
	if ok {
		b.busy[thingOf(w)] = true
	}
	return w, ok, wait
}

// release says that nobody works at w any more.
func (b *board) release(w bases.Want) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.busy, thingOf(w))
	b.wake()
}

// current tells whether the read of w still counts.
func (b *board) current(w bases.Want) bool {
	return look(b, func(s *bases.Bases) bool { return s.Current(w) })
}
