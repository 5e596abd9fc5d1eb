package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
)

var testServer = uuid.MustParse("11111111-2222-3333-4444-555555555555")

func at(file int, pos uint64) binlog.Position {
	return binlog.Position{Timeline: "t", File: fmt.Sprintf("binlog.%06d", file), Pos: pos}
}

func number(n int64) binlog.GTID { return binlog.GTID{SID: testServer, GNO: n} }

func numbers(ns ...int64) binlog.GTIDSet {
	var set binlog.GTIDSet
	for _, n := range ns {
		set.Add(number(n))
	}
	return set
}

func gtidTick(set binlog.GTIDSet, high binlog.Position) Tick {
	return Tick{Mark: MarkGTID, LowGTID: set, High: high, low: newLow()}
}

func wantLow(t *testing.T, r *Resolver, tick Tick, want binlog.Position) {
	t.Helper()
	low, known := r.Low(tick)
	if !known {
		t.Fatalf("the low of %s is unknown, want %s", tick, want)
	}
	if low != want {
		t.Fatalf("the low of %s is %s, want %s", tick, low, want)
	}
}

func wantUnknown(t *testing.T, r *Resolver, tick Tick) {
	t.Helper()
	if low, known := r.Low(tick); known {
		t.Fatalf("the low of %s is %s although the stream has not come far enough", tick, low)
	}
}

func TestLowIsTheFirstEntryNotInTheSet(t *testing.T) {
	r := NewResolver(at(1, 4))
	for n := int64(1); n <= 4; n++ {
		r.Entry(at(1, uint64(100*n)), number(n))
		r.Passed(at(1, uint64(100*n+100)))
	}
	// 2 is missing although 3 is there: order_commits=OFF. The set as such would skip 3.
	gap := gtidTick(numbers(1, 3), at(1, 500))
	r.Observe(gap)
	wantLow(t, r, gap, at(1, 200))
	whole := gtidTick(numbers(1, 2, 3, 4), at(1, 500))
	r.Observe(whole)
	wantLow(t, r, whole, at(1, 500))
	wantLow(t, r, gap, at(1, 200))
}

func TestLowWaitsForTheStream(t *testing.T) {
	r := NewResolver(at(1, 4))
	tick := gtidTick(numbers(1, 2), at(1, 300))
	later := gtidTick(numbers(1, 2, 3), at(1, 400))
	r.Observe(tick)
	r.Observe(later)
	r.Entry(at(1, 100), number(1))
	r.Passed(at(1, 200))
	wantUnknown(t, r, tick)
	r.Entry(at(1, 200), number(2))
	wantUnknown(t, r, tick)
	r.Passed(at(1, 300))
	wantLow(t, r, tick, at(1, 300))
	wantUnknown(t, r, later)
	r.Entry(at(1, 300), number(3))
	wantUnknown(t, r, later)
	r.Passed(at(2, 4)) // the file ended behind it
	wantLow(t, r, later, at(2, 4))
}

func TestLowOfAnIdleServerIsItsEnd(t *testing.T) {
	r := NewResolver(at(7, 4))
	r.Passed(at(7, 158)) // behind the file's header events
	tick := gtidTick(numbers(1, 2, 3), at(7, 158))
	r.Observe(tick)
	wantLow(t, r, tick, at(7, 158))
}

func TestAnonymousEntriesAreInNoSet(t *testing.T) {
	r := NewResolver(at(1, 4))
	r.Entry(at(1, 100), binlog.GTID{})
	r.Passed(at(1, 200))
	tick := gtidTick(numbers(1), at(1, 200))
	r.Observe(tick)
	wantLow(t, r, tick, at(1, 100))
}

func TestFileMarksNeedNoStream(t *testing.T) {
	r := NewResolver(at(1, 4))
	tick := Tick{Mark: MarkFile, LowPosition: at(3, 4), High: at(3, 900), low: newLow()}
	r.Observe(tick)
	wantLow(t, r, tick, at(3, 4))
}

func TestAwait(t *testing.T) {
	r := NewResolver(at(1, 4))
	tick := gtidTick(numbers(1), at(1, 200))
	r.Observe(tick)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.AwaitLow(ctx, tick); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	passed := make(chan error, 1)
	go func() { passed <- r.AwaitPassed(t.Context(), at(1, 150)) }()
	low := make(chan binlog.Position, 1)
	go func() {
		p, err := r.AwaitLow(t.Context(), tick)
		if err != nil {
			t.Error(err)
		}
		low <- p
	}()
	r.Entry(at(1, 100), number(1))
	r.Passed(at(1, 200))
	if err := <-passed; err != nil {
		t.Fatal(err)
	}
	if p := <-low; p != at(1, 200) {
		t.Fatalf("low %s", p)
	}
}

// world is a server whose log runs ahead of gtid_executed, and a stream that lags behind both.
type world struct {
	random   *rand.Rand
	log      []entries
	ends     []binlog.Position
	end      binlog.Position
	executed binlog.GTIDSet
	inFlight []binlog.GTID
	streamed int
}

func (w *world) write() {
	e := entries{start: w.end, count: 1, gtid: number(int64(len(w.log) + 1))}
	w.log = append(w.log, e)
	w.inFlight = append(w.inFlight, e.gtid)
	w.end.Pos += 1 + w.random.Uint64N(50)
	w.ends = append(w.ends, w.end)
}

func (w *world) execute() {
	if len(w.inFlight) == 0 {
		return
	}
	i := w.random.IntN(min(len(w.inFlight), 4)) // not in order
	w.executed.Add(w.inFlight[i])
	w.inFlight = append(w.inFlight[:i], w.inFlight[i+1:]...)
}

func (w *world) stream(r *Resolver) {
	if w.streamed == len(w.log) {
		return
	}
	r.Entry(w.log[w.streamed].start, w.log[w.streamed].gtid)
	r.Passed(w.ends[w.streamed])
	w.streamed++
}

func TestLowInRandomHistories(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for run := range uint64(200) {
		w := &world{random: rand.New(rand.NewPCG(seed, run)), end: at(1, 4)}
		r := NewResolver(w.end)
		var ticks []Tick
		for range 400 {
			switch w.random.IntN(5) {
			case 0, 1:
				w.write()
			case 2:
				w.execute()
			case 3:
				w.stream(r)
			case 4:
				tick := gtidTick(w.executed.Clone(), w.end)
				ticks = append(ticks, tick)
				r.Observe(tick)
			}
		}
		for w.streamed < len(w.log) {
			w.stream(r)
		}
		for _, tick := range ticks {
			first := w.end
			for _, e := range w.log {
				if !tick.LowGTID.Contains(e.gtid) {
					first = e.start
					break
				}
			}
			low, known := r.Low(tick)
			if !known {
				t.Fatalf("run %d: the low of %s is unknown at the end", run, tick)
			}
			// Never past the first entry that the set lacks; as sharp as the tick allows.
			if first.Before(low) || low.Before(tick.High) && low != first {
				t.Fatalf("run %d: the low of %s is %s, the first entry that the set lacks starts at %s", run, tick, low, first)
			}
		}
		if len(r.pending) > 0 {
			t.Fatalf("run %d: %d ticks are kept for nothing", run, len(r.pending))
		}
	}
}

// While no tick comes the queue stays bounded, and lows stay safe.
func TestResolverIsBounded(t *testing.T) {
	r := NewResolver(at(1, 4))
	const entries = 5 * maxEntries
	pos := func(n int64) binlog.Position { return at(1, uint64(10*n)) }
	for n := int64(1); n <= entries; n++ {
		r.Entry(pos(n), number(n))
		r.Passed(pos(n + 1))
		if len(r.entries) > maxEntries {
			t.Fatalf("%d entries in the queue", len(r.entries))
		}
	}
	var most binlog.GTIDSet
	const missing = entries / 2
	for n := int64(1); n < missing; n++ {
		most.Add(number(n))
	}
	tick := gtidTick(most, pos(entries+1))
	r.Observe(tick)
	low, known := r.Low(tick)
	if !known || pos(missing).Before(low) || low.Before(pos(missing-runLength)) {
		t.Fatalf("low %s, the first entry that is missing starts at %s", low, pos(missing))
	}
	all := most.Clone()
	for n := int64(missing); n <= entries; n++ {
		all.Add(number(n))
	}
	last := gtidTick(all, pos(entries+1))
	r.Observe(last)
	wantLow(t, r, last, pos(entries+1))
	if len(r.entries) > 0 {
		t.Fatalf("%d entries are kept for nothing", len(r.entries))
	}
}

// TestW5_AFileThatEndsBeforeAHigh: a crash can cut a file off behind which a tick has been (fact 1.7). What was read up to that tick may
// hold what the source has lost, and the high is no place of the log any more.
func TestW5_AFileThatEndsBeforeAHigh(t *testing.T) {
	for _, c := range []struct {
		end  uint64
		lost bool
	}{{499, true}, {500, false}, {700, false}} {
		r := NewResolver(at(1, 4))
		for _, high := range []binlog.Position{at(1, 300), at(1, 500), at(2, 4)} {
			r.Observe(gtidTick(numbers(1), high))
		}
		err := r.FileEnded("binlog.000001", c.end)
		if (err != nil) != c.lost {
			t.Errorf("a file that had come to 500 and ends at %d: %v", c.end, err)
		}
		if c.lost && fault.Of(err).Kind != fault.KindSource {
			t.Errorf("kind %s", fault.Of(err).Kind)
		}
		if err := r.FileEnded("binlog.000002", 4); err != nil {
			t.Error(err)
		}
	}
}
