package archive

import (
	"testing"

	"github.com/tripod-db/tripod/binlog/segment"
)

// TestAsOfFollowsAClockThatIsSetBack: as_of is what the source's clock said last before a place that is held; what it said of the future
// before that is forgotten, and who waits for the first sample waits for its place.
func TestAsOfFollowsAClockThatIsSetBack(t *testing.T) {
	c := newClock(true, NewWanted())
	held := func(end uint64) segment.Header { return segment.Header{File: "binlog.000001", End: end} }
	if _, any := c.covered(held(1000)); any || c.wanted() {
		t.Error("no sample is covered, or wanted")
	}
	for i, s := range []sample{{asOf: 7200, file: "binlog.000001", pos: 100}, {asOf: 10, file: "binlog.000001", pos: 200}, {asOf: 20, file: "binlog.000001", pos: 300}} {
		c.add(s)
		if asOf, any := c.covered(held(s.pos - 1)); i == 0 && (any || c.wanted()) {
			t.Errorf("sample %d is covered before its place is: %v", i, asOf)
		}
		if asOf, any := c.covered(held(s.pos)); !any || asOf != s.asOf || !c.wanted() {
			t.Errorf("behind sample %d as_of is %v, %v", i, asOf, any)
		}
	}
	if !c.reached() || c.reached() {
		t.Error("the head of the first sample is told once")
	}
}
