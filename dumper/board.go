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
	// jobs are parts of tables that nobody walks yet, helping is how many are walked by others than
	// the table's own worker, resting how many workers have nothing to do.
	jobs             []rangeJob
	helping, resting int
	// lag, and for how long a try may wait until it is small.
	lag  *lag
	wait time.Duration
}

// thing is what a Want is about.
type thing struct {
	kind   bases.WantKind
	object catalog.ObjectKind
	name   schema.Name
}

type pause struct {
	times int // that the thing was read
	until time.Time
}

func thingOf(w bases.Want) thing {
	kind := w.Kind
	if kind == bases.WantDefinition {
		kind = bases.WantTable
	}
	return thing{kind: kind, object: w.Object, name: w.Name}
}

// newBoard makes a board on which a try waits for a small lag, for as long as wait brings it nearer.
func newBoard(wait time.Duration, l *lag, b *bases.Bases) *board {
	return &board{bases: b, changed: make(chan struct{}), busy: map[thing]bool{}, due: map[thing]pause{}, lag: l, wait: wait}
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

// evaluate has the rules look at everything received so far. It wakes readers if there may be
// something to read, not at every look: each would go through all names.
func (b *board) evaluate() (done bool, waiting string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bases.Evaluate()
	done, waiting = b.bases.Done()
	if b.bases.TakeAsked() && !done {
		b.wake()
	}
	return done, waiting
}

// idle tells whether nothing is being read.
func (b *board) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.busy) == 0 && b.helping == 0 && len(b.jobs) == 0
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

// next returns the next thing to read, which is the caller's until release, or a part of a table to
// help with. It waits for one until ctx ends.
func (b *board) next(ctx context.Context) (assignment, error) {
	for {
		a, ok, wait, changed := b.assign()
		if ok {
			return a, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		b.mu.Lock()
		b.resting--
		b.mu.Unlock()
		if ctx.Err() != nil {
			return assignment{}, context.Cause(ctx)
		}
	}
}

// assign returns what a worker does next. If there is nothing, the worker counts as resting.
func (b *board) assign() (a assignment, ok bool, wait time.Duration, changed chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.jobs) > 0 {
		a.help = &b.jobs[0]
		b.jobs = b.jobs[1:]
		b.helping++
		return a, true, 0, nil
	}
	if a.want, ok, wait = b.take(time.Now()); !ok {
		b.resting++
	}
	return a, ok, wait, b.changed
}

// hungry tells whether a worker has nothing to do.
func (b *board) hungry() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resting > len(b.jobs)
}

// helped says that a part has been walked, or given up.
func (b *board) helped() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.helping--
}

// offer has somebody walk a part of a table.
func (b *board) offer(j ...rangeJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobs = append(b.jobs, j...)
	b.wake()
}

func (b *board) take(now time.Time) (w bases.Want, ok bool, wait time.Duration) {
	wait = time.Minute
	w, ok = b.bases.Take(func(w bases.Want) bool {
		if b.busy[thingOf(w)] {
			return false
		}
		left := b.pauseLeft(w, now)
		if left > 0 {
			wait = min(wait, left)
		}
		return left <= 0
	})
	if ok {
		b.busy[thingOf(w)] = true
	}
	return w, ok, wait
}

// pauseLeft is for how long w has to wait still; the pause begins when it is asked for first.
func (b *board) pauseLeft(w bases.Want, now time.Time) time.Duration {
	t, times := thingOf(w), len(w.Again)
	p, known := b.due[t]
	if !known || p.times != times {
		p = pause{times: times, until: now.Add(pauseBefore(times))}
		b.due[t] = p
	}
	left := p.until.Sub(now)
	if left <= 0 && times > 0 && bases.ByRows(w.Again[times-1]) {
		if near, _ := b.lag.near(now, patience(b.wait)); !near {
			return evaluateEvery
		}
	}
	return left
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
