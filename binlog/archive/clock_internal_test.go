package archive

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
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

// TestSamplesOfALongWayBehind: of an archiver that is thousands of samples behind as_of moves with what it holds, and the first sample stays.
func TestSamplesOfALongWayBehind(t *testing.T) {
	c := newClock(true, NewWanted())
	const all = 5 * keptSamples
	for i := range all {
		c.add(sample{asOf: binlog.Time(i + 1), file: "binlog.000001", pos: uint64(1000 + i)})
	}
	if len(c.samples) > keptSamples {
		t.Fatalf("%d samples are kept", len(c.samples))
	}
	if asOf, any := c.covered(segment.Header{File: "binlog.000001", End: 1000}); !any || asOf != 1 || !c.wanted() {
		t.Errorf("at the first sample's place as_of is %v, %v", asOf, any)
	}
	last := binlog.Time(0)
	for _, held := range []int{all / 4, all / 2, all - 10} {
		asOf, _ := c.covered(segment.Header{File: "binlog.000001", End: uint64(1000 + held)})
		if asOf <= last || int(asOf) < held-64 || int(asOf) > held+1 {
			t.Errorf("with %d held as_of is %v", held, asOf)
		}
		last = asOf
	}
}

// TestTimesThatASessionHasSet: a header's time that is hours ahead of what is logged behind it is no commit time.
func TestTimesThatASessionHasSet(t *testing.T) {
	const minute, hour = binlog.Time(60_000_000), binlog.Time(3_600_000_000)
	at := 100 * hour
	for name, c := range map[string]struct {
		before, t binlog.Time
		behind    []binlog.Time
		want      bool
	}{
		"in order":                      {at, at + minute, []binlog.Time{at + 2*minute}, false},
		"behind a rest":                 {at, at + 5*hour, []binlog.Time{at + 9*hour}, false},
		"set":                           {at, at + 1000*hour, []binlog.Time{at + minute}, true},
		"set, behind a rest":            {at, at + 1000*hour, []binlog.Time{at + 7*hour}, true},
		"set for several":               {at, at + 1000*hour, []binlog.Time{at + 1001*hour, at + minute, at + 2*minute}, true},
		"the last one":                  {at, at + 3*hour, nil, false},
		"nothing before":                {0, at, []binlog.Time{minute, at + minute}, false},
		"in front of one in the past":   {at, at + minute, []binlog.Time{minute, at + 2*minute}, false},
		"in front of one that is back":  {at, at + 12*hour, []binlog.Time{at + 12*hour, at + 8*hour, at + 12*hour + minute, at + 12*hour + 2*minute}, false},
		"the clock was set back by two": {at, at + minute, []binlog.Time{at - 2*hour, at - 2*hour + minute}, false},
	} {
		if got := outlying(c.before, c.t, c.behind); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
