package history

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	build "github.com/tripod-db/tripod/tests/program"
)

// testFleet returns servers and a tripod with failpoints for the time of a test.
func testFleet(t *testing.T) (fleet *Fleet, binary string) {
	t.Helper()
	ctx := t.Context()
	binary, err := build.Build(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if fleet, err = NewFleet(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fleet.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	return fleet, binary
}

// Six seeds that are always the same, and three that never are: whatever a random one finds
// can be run again by its number, with make history SEED=n.
func TestPromise2_RestoredEqualsWhatWasCommitted(t *testing.T) {
	ctx := t.Context()
	fleet, binary := testFleet(t)
	seeds := []uint64{1, 2, 3, 4, 5, 6, rand.Uint64N(1 << 40), rand.Uint64N(1 << 40), rand.Uint64N(1 << 40)}
	again, adopted := 0, 0
	for i, seed := range seeds {
		c := Config{
			Seed: seed, GTID: i%3 != 2, Binary: binary,
			Transactions: DefaultTransactions, Changes: DefaultChanges, Writers: DefaultWriters,
		}
		c.Without = []string{killArchivers.Name, killBackups.Name}
		if i == 1 || i == 5 {
			c.With = append(c.With, killArchivers.Name)
		}
		if i == 2 || i == 4 || i == 7 {
			c.With = append(c.With, killBackups.Name)
		}
		t.Run(fmt.Sprintf("seed=%d,gtid=%v,with=%s", seed, c.GTID, strings.Join(c.With, ",")), func(t *testing.T) {
			r, err := fleet.Run(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", r)
			if r.ReadAgain > 0 {
				again++
			}
			adopted += r.Adopted
		})
	}
	if adopted == 0 {
		t.Error("three backups were killed, and not one chunk was adopted")
	}
	if again < len(seeds)-1 { // 9 of 10 is for a soak: nine are too few to tell
		t.Errorf("a table was read again in only %d of %d histories", again, len(seeds))
	}
}
