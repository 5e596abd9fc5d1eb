package bases

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

var (
	histories = flag.Int("histories", 20000, "random histories of the rules' model")
	firstSeed = flag.Uint64("seed", 0, "first seed of the random histories; 0 takes the clock")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func history(seed uint64, trace bool) (problem string, d *mDumper) {
	w := newSource(rand.New(rand.NewPCG(seed, 0)))
	w.tracing = trace
	d = newDumper(w)
	return d.check(), d
}

func seed() uint64 {
	if *firstSeed != 0 {
		return *firstSeed
	}
	return uint64(time.Now().UnixNano()) % 1e12
}

// TestRulesConverge: whatever the source does meanwhile, what a backup by R1 to R6 and R11
// holds becomes the source's state at every stop point, whole and in part.
func TestRulesConverge(t *testing.T) {
	first := seed()
	t.Logf("first seed %d", first)
	rereads, statements := 0, 0
	for i := range uint64(*histories) {
		problem, d := history(first+i, false)
		if problem != "" {
			_, d = history(first+i, true)
			t.Fatalf("seed %d: %s\n%s", first+i, problem, strings.Join(d.trace[:min(len(d.trace), 200)], "\n"))
		}
		rereads += d.rereads
		for j := range d.log {
			if d.log[j].kind != kTransaction {
				statements++
			}
		}
	}
	t.Logf("%d histories, %d statements, %d tables read again", *histories, statements, rereads)
	if *histories >= 1000 && rereads < *histories/2 {
		t.Errorf("only %d tables were read again: the histories prove little", rereads)
	}
}

// TestMutants: with a rule switched off the histories find it within a few thousand.
func TestMutants(t *testing.T) {
	for _, rule := range []string{"W1", "W2", "W3", "R3", "R4", "R6"} {
		t.Run(rule, func(t *testing.T) {
			mysqltest.Failpoint(t, "dumper/bases/"+rule, "return(true)")
			first := seed()
			for i := range uint64(20000) {
				if problem, _ := history(first+i, false); problem != "" {
					t.Logf("seed %d: %s", first+i, problem)
					return
				}
			}
			t.Errorf("20,000 histories from seed %d pass without %s", first, rule)
		})
	}
}
