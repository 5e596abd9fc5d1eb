package dumper

import (
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
)

func at(pos uint64) binlog.Position {
	return binlog.Position{Timeline: "here", File: "binlog.000001", Pos: pos}
}

// TestR5TriesWaitForTheStream: while it comes nearer; then, and when it does not, they go on.
func TestR5TriesWaitForTheStream(t *testing.T) {
	const limit = 10 * time.Second
	began := time.Now()
	now := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }
	tick := func(n int64, seconds float64) source.Tick {
		return source.Tick{N: n, High: at(100 * uint64(n)), Answered: now(seconds)}
	}
	var l lag
	check := func(seconds float64, near, hopeless bool) {
		t.Helper()
		if n, h := l.near(now(seconds), limit); n != near || h != hopeless {
			t.Errorf("after %v s: near %v, hopeless %v, want %v, %v (%v)", seconds, n, h, near, hopeless, &l)
		}
	}
	check(0, true, false) // nothing is known yet
	l.look(now(0), at(4), tick(1, 0))
	l.look(now(0.5), at(4), tick(5, 0.5))
	check(0.5, true, false)
	l.look(now(5), at(4), tick(50, 5))
	check(5, false, false)
	before := l.mark()
	l.look(now(8), at(120), tick(80, 8)) // tick 1 is passed, 8 s late
	l.look(now(12), at(8000), tick(120, 12))
	check(12, false, false) // 4 s late: nearer
	if l.mark() == before {
		t.Error("that the stream came nearer is no progress")
	}
	l.look(now(18), at(8100), tick(180, 18))
	check(21, false, false)
	check(22, true, true) // nothing since second 12
	l.look(now(22), at(20000), tick(220, 22))
	l.look(now(22.1), at(22000), tick(221, 22.1))
	check(22.1, true, false)
	if l.mark() != "" {
		t.Errorf("mark %q although nobody waits", l.mark())
	}
}

// TestW4OnlyTheWayToTheEndIsProgress: an archive that has passed the place and does not cover it
// will not cover it by going on.
func TestW4OnlyTheWayToTheEndIsProgress(t *testing.T) {
	for _, c := range []struct{ p, target, want uint64 }{{10, 50, 10}, {50, 50, 50}, {60, 50, 50}, {70, 50, 50}} {
		if got := nearer(at(c.p), at(c.target)); got != at(c.want) {
			t.Errorf("%d on the way to %d is %s", c.p, c.target, got)
		}
	}
}
