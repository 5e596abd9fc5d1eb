package source

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tripod-db/tripod/binlog"
)

// Resolver turns the low samples of ticks into positions while the stream passes. It is told
// of every tick in order (Observe, by the clock) and of every log entry in order (Entry and
// Passed, by whoever reads the stream). Safe for concurrent use.
//
// The low of a GTID set is the start of the first log entry that the set does not contain, even
// if later ones are in it: a set with gaps used as such would lose rows or bring them back.
type Resolver struct {
	mu      sync.Mutex
	reached binlog.Position // everything before it has been seen
	// entries are those seen that the newest resolved tick does not contain, and those behind
	// the first such one. The sets of successive ticks grow, so what one tick contains in front
	// of the queue is of no interest to any later tick.
	entries []entries
	pending []Tick // GTID ticks without a position, in order
	changed chan struct{}
	// checkpoint is the start of the newest file that a binlog checkpoint named; zero before the first.
	checkpoint binlog.Position
	// highs are the greatest highs of ticks in files that the stream has not left yet.
	highs map[string]uint64
}

// entries is one log entry, or a run of them that is only looked at as a whole.
type entries struct {
	start     binlog.Position
	count     int
	gtid      binlog.GTID    // of one entry
	run       binlog.GTIDSet // of several
	anonymous bool           // one of them has no GTID: no set contains it
}

func (e *entries) containedIn(set binlog.GTIDSet) bool {
	switch {
	case e.anonymous:
		return false
	case e.run.IsEmpty():
		return set.Contains(e.gtid)
	}
	return set.ContainsSet(e.run)
}

const (
	// maxEntries bounds the queue while no tick comes (promise 8): beyond it, entries become runs
	// of runLength, and longer ones when that is not enough. A low then falls on a run's start:
	// earlier, so as safe.
	maxEntries = 1 << 16
	runLength  = 64
)

// NewResolver begins where the stream does: at a file's start, chosen before the first tick (W4).
func NewResolver(start binlog.Position) *Resolver {
	return &Resolver{reached: start, changed: make(chan struct{}), highs: map[string]uint64{}}
}

// Observe takes a tick of the clock, in order.
func (r *Resolver) Observe(t Tick) {
	r.sawHigh(t.High)
	if t.Mark != MarkGTID {
		low := t.LowPosition
		t.low.Store(&low)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, t)
	r.resolve()
}

func (r *Resolver) sawHigh(p binlog.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.highs[p.File] = max(r.highs[p.File], p.Pos)
}

// FileEnded tells that the stream has left a file whose last event ended there. It is an error if a tick saw more in it: a crash
// of the source has cut the file off (fact 1.7), and what was read up to then may hold what the source has lost.
func (r *Resolver) FileEnded(file string, end uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	high := r.highs[file]
	delete(r.highs, file)
	if high > end {
		return OtherHistory("%s had come to %d, and ends at %d now", file, high, end)
	}
	return nil
}

// Event tells of a raw event of the log: of MariaDB's binlog checkpoints each moves the low watermark.
// Nothing but they need be told.
func (r *Resolver) Event(raw []byte) {
	file, ok := checkpointOf(raw)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checkpoint = binlog.Later(r.checkpoint, startOf(r.reached.Timeline, file))
}

// checkpointed returns the start of the newest file that a checkpoint named, zero where none came.
func (r *Resolver) checkpointed() binlog.Position {
	if r == nil {
		return binlog.Position{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checkpoint
}

// Entry tells of the next log entry: where it starts and its GTID (zero if anonymous).
func (r *Resolver) Entry(start binlog.Position, gtid binlog.GTID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, entries{start: start, count: 1, gtid: gtid, anonymous: gtid.IsZero()})
	r.resolve()
	for length := runLength; len(r.entries) > maxEntries; length *= 2 {
		r.entries = joinRuns(r.entries, length)
	}
}

// Passed tells that the stream has come to pos, a boundary between entries: Entry was called
// for everything before it.
func (r *Resolver) Passed(pos binlog.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pos.AtOrBefore(r.reached) {
		return
	}
	r.reached = pos
	r.resolve()
	r.notify()
}

func (r *Resolver) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// resolve gives positions to pending ticks, oldest first, as far as the entries seen allow.
func (r *Resolver) resolve() {
	resolved := false
	for len(r.pending) > 0 {
		t := r.pending[0]
		for len(r.entries) > 0 && r.entries[0].containedIn(t.LowGTID) {
			r.entries = r.entries[1:]
		}
		var low binlog.Position
		switch {
		case len(r.entries) > 0:
			low = r.entries[0].start
		case t.High.AtOrBefore(r.reached):
			// What the set contains was in the log before the high sample was taken, so the
			// first entry that it lacks is one that has not come yet: it starts here or later.
			low = r.reached
		default:
			if resolved {
				r.notify()
			}
			return
		}
		t.low.Store(&low)
		r.pending = r.pending[1:]
		resolved = true
	}
	if resolved {
		r.notify()
	}
}

// joinRuns makes neighbours into runs of at most length entries.
func joinRuns(in []entries, length int) []entries {
	var out []entries
	for _, e := range in {
		if last := len(out) - 1; last >= 0 && out[last].count+e.count <= length {
			out[last].join(e)
			continue
		}
		out = append(out, e)
	}
	return out
}

func (e *entries) join(o entries) {
	e.run.Add(e.gtid)
	e.run.Add(o.gtid)
	e.run.AddSet(o.run)
	e.gtid = binlog.GTID{}
	e.anonymous = e.anonymous || o.anonymous
	e.count += o.count
}

// Low returns the tick's low watermark, once the stream has come far enough to know it.
func (r *Resolver) Low(t Tick) (binlog.Position, bool) {
	if t.low == nil {
		return binlog.Position{}, false
	}
	if p := t.low.Load(); p != nil {
		return *p, true
	}
	return binlog.Position{}, false
}

// Reached returns the place up to which the stream has been seen.
func (r *Resolver) Reached() binlog.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached
}

// AwaitPassed waits until the stream has come to pos.
func (r *Resolver) AwaitPassed(ctx context.Context, pos binlog.Position) error {
	return r.await(ctx, func() bool { return pos.AtOrBefore(r.reached) })
}

// AwaitLow waits until the tick's low watermark is known and returns it.
func (r *Resolver) AwaitLow(ctx context.Context, t Tick) (binlog.Position, error) {
	var low binlog.Position
	err := r.await(ctx, func() (known bool) {
		low, known = r.Low(t)
		return known
	})
	return low, err
}

func (r *Resolver) await(ctx context.Context, condition func() bool) error {
	for {
		r.mu.Lock()
		done, changed := condition(), r.changed
		r.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func newLow() *atomic.Pointer[binlog.Position] { return new(atomic.Pointer[binlog.Position]) }
