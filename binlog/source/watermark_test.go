package source_test

import (
	"database/sql"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// read is one chunk's read as a dump does it, with its two ticks.
type read struct {
	settled int64
	t0, t1  source.Tick
	visible map[int64]bool
}

// readsUnderLoad reads a table while 16 sessions commit to it, commits being held for a while
// between the log and the engine, and returns the reads, where each commit stands, and the
// resolver that has seen the whole log.
func readsUnderLoad(t *testing.T, gtid bool, count int) ([]read, map[int64]location, *source.Resolver) {
	t.Helper()
	h := newHammer(t, gtid)
	// Longer than a tick: a mark that runs ahead of visibility is caught by most reads.
	mysqltest.Exec(t, h.server, "SET GLOBAL binlog_group_commit_sync_delay=150000")
	return h.reads(t, 0, count)
}

// reads is readsUnderLoad on a source that is there.
func (h *hammer) reads(t *testing.T, interval time.Duration, count int) ([]read, map[int64]location, *source.Resolver) {
	t.Helper()
	h.inFlight = map[int64]bool{}
	start := firstFile(t, h.server)
	resolver := source.NewResolver(start)
	feed(t, h.server, start, resolver)
	clock, err := source.StartClock(t.Context(), h.srv, source.ClockConfig{Timeline: timeline, Resolver: resolver, Interval: interval})
	if err != nil {
		t.Fatal(err)
	}
	defer clock.Close()
	var conns []*sql.Conn
	for range committers {
		conns = append(conns, session(t, h.server, "a"))
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop.Store(true)
	h.commitAll(t, conns, &stop, &wg)

	c := rawConn(t, h.srv)
	var reads []read
	// Some reads see the first commits arrive, others many.
	for len(reads) < count || h.settled() < 4*committers {
		r := read{settled: h.settled(), visible: map[int64]bool{}}
		if r.t0, err = clock.Before(t.Context()); err != nil {
			t.Fatal(err)
		}
		results := batch(t, c, "START TRANSACTION; SELECT "+h.srv.Facts().Identity()+"; SELECT id FROM a.h WHERE id > "+strconv.FormatInt(r.settled, 10)+"; COMMIT")
		received := time.Now()
		if results[0][0][0] != r.t0.ServerUUID {
			t.Fatal("W6: the chunk and its tick come from two servers")
		}
		for _, row := range results[1] {
			id, err := strconv.ParseInt(row[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			r.visible[id] = true
		}
		if r.t1, err = clock.After(t.Context(), received); err != nil {
			t.Fatal(err)
		}
		reads = append(reads, r)
	}
	stop.Store(true)
	wg.Wait()
	for _, r := range reads {
		if err := resolver.AwaitPassed(t.Context(), r.t1.High); err != nil {
			t.Fatal(err)
		}
	}
	return reads, locate(t, h.server), resolver
}

// violations counts the reads that break W1 and W2.
func violations(t *testing.T, reads []read, log map[int64]location, resolver *source.Resolver) (w1, w2 int) {
	t.Helper()
	for _, r := range reads {
		low, err := resolver.AwaitLow(t.Context(), r.t0)
		if err != nil {
			t.Fatal(err)
		}
		window := binlog.Window{Low: low, High: r.t1.High}
		brokenLow, brokenHigh := false, false
		for id, at := range log {
			side := window.Side(at.start)
			seen := id <= r.settled || r.visible[id]
			brokenLow = brokenLow || !seen && side == binlog.Skip
			brokenHigh = brokenHigh || seen && side == binlog.After
		}
		if brokenLow {
			w1++
		}
		if brokenHigh {
			w2++
		}
	}
	return w1, w2
}

const readsWanted = 40

func TestW1_W2_ReadsLieBetweenTheirTicks(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(gtidName(gtid), func(t *testing.T) {
			reads, log, resolver := readsUnderLoad(t, gtid, readsWanted)
			w1, w2 := violations(t, reads, log, resolver)
			if w1 > 0 || w2 > 0 {
				t.Errorf("of %d reads %d broke W1 and %d broke W2", len(reads), w1, w2)
			}
			// Marks that never move would keep both invariants too.
			sharp, highs := 0, map[binlog.Position]bool{}
			for _, r := range reads {
				low, _ := resolver.Low(r.t0)
				if low.Pos != binlog.FirstOffset {
					sharp++
				}
				highs[r.t1.High] = true
			}
			if gtid && sharp < len(reads)/2 || len(highs) < len(reads)/4 {
				t.Errorf("of %d reads only %d have a low inside a file, and there are %d different highs", len(reads), sharp, len(highs))
			}
		})
	}
}

// The two tests of the mutation table: with a mark that facts forbid, the test above fails.
func TestW1_MutationIsCaught(t *testing.T) {
	mysqltest.Failpoint(t, "binlog/source/w1-off", "return(true)")
	reads, log, resolver := readsUnderLoad(t, true, readsWanted)
	if w1, _ := violations(t, reads, log, resolver); w1 == 0 {
		t.Errorf("file:pos as low watermark was not caught in %d reads", len(reads))
	}
}

func TestW2_MutationIsCaught(t *testing.T) {
	mysqltest.Failpoint(t, "binlog/source/w2-off", "return(true)")
	reads, log, resolver := readsUnderLoad(t, true, readsWanted)
	if _, w2 := violations(t, reads, log, resolver); w2 == 0 {
		t.Errorf("a tick from before the read as high watermark was not caught in %d reads", len(reads))
	}
}
