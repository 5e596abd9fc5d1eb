package source_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// tellingSamples is how many samples of a statement's kind must fall so closely beside it that they could
// have shown something else; on a busy machine they were 5 of 150. Fewer than these prove nothing: then more are taken, up
// to tellingTries times.
const (
	tellingSamples = 3
	tellingTries   = 6
)

// TestFact15_19_HardStatements repeats facts 1.15 and 15.19, and tries EXCHANGE and partition
// management: what a read shows is never older than the last statement at or before a file:pos
// taken before it, and never newer than one taken after it. So t0.high is a safe low mark for
// hard statements, and t1.high a safe high one.
func TestFact15_19_HardStatements(t *testing.T) {
	for name, v := range verbs {
		t.Run(name, func(t *testing.T) { holdsMarks(t, mysqltest.MySQL97, v) })
	}
}

// holdsMarks samples a verb on a server and judges what the reads show, until enough of them tell.
func holdsMarks(t *testing.T, kind mysqltest.Kind, v verb) {
	t.Helper()
	telling := 0
	for try := range tellingTries {
		if !t.Run(fmt.Sprintf("try=%d", try), func(t *testing.T) { telling += tellMarks(t, kind, v) }) || telling >= tellingSamples {
			return
		}
	}
	t.Errorf("only %d samples of %d tries tell anything", telling, tellingTries)
}

// tellMarks judges the samples of one try, and returns how many of them tell.
func tellMarks(t *testing.T, kind mysqltest.Kind, v verb) int {
	t.Helper()
	h := newHammerOn(t, kind, kind == mysqltest.MySQL97)
	h.inFlight = map[int64]bool{}
	h.delaySync(t, 3000)
	mysqltest.Exec(t, h.server, append(slices.Clone(v.setup), marker)...)
	samples := sampleStatements(t, h, v)
	steps := locateSteps(t, h.server)
	possible := map[string]bool{}
	for k := range steps {
		possible[v.state(k)] = true
	}
	informative := 0
	for _, s := range samples {
		if s.seen == again {
			continue
		}
		// The state may be that of any step between the two looks, and of the one that
		// was the last at the first look.
		first, last := stepAt(steps, s.before), stepAt(steps, s.after)
		for v.rows != nil && first > 0 && v.rows(first) {
			first--
		}
		if v.ahead {
			last++
		}
		states := map[string]bool{}
		for k := first; k <= last; k++ {
			states[v.state(k)] = true
		}
		if !states[s.seen] {
			t.Errorf("between steps %d (at or before %s) and %d (at or before %s) a read shows %q", first, s.before, last, s.after, s.seen)
		}
		if first > 0 && len(states) < len(possible) {
			informative++
		}
	}
	t.Logf("%d of %d samples tell, %d statements", informative, len(samples), len(steps))
	if len(steps) < ddlSteps {
		t.Errorf("%d samples with %d statements", len(samples), len(steps))
	}
	return informative
}
