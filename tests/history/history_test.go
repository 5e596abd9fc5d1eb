package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
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

// Five seeds that are always the same, most of them small ones, and three that never are: whatever a random one
// finds can be run again by its number, with make history SEED=n, and by its record.
func TestPromise2_RestoredEqualsWhatWasCommitted(t *testing.T) {
	ctx := t.Context()
	fleet, binary := testFleet(t)
	seeds := []uint64{1, 2, 3, 4, 5, rand.Uint64N(1 << 40), rand.Uint64N(1 << 40), rand.Uint64N(1 << 40)}
	ran, little, again, adopted := 0, 0, 0, 0
	for i, seed := range seeds {
		c := Config{
			Seed: seed, GTID: i%3 != 2, Binary: binary, Keep: filepath.Join("..", "..", ".cache", "histories"),
			Transactions: DefaultTransactions, Changes: DefaultChanges, Writers: DefaultWriters, Stops: DefaultStops, Rows: DefaultRows,
		}
		if i < 7 {
			c.Quick()
			c.Stops = 3
		}
		c.Without = []string{killArchivers.Name, killBackups.Name, bigTransactions.Name, largeEvents.Name, lowerCase.Name}
		if i == 1 || i == 5 {
			c.With = append(c.With, killArchivers.Name)
		}
		if i == 2 || i == 4 || i == 7 {
			c.With = append(c.With, killBackups.Name)
		}
		t.Run(fmt.Sprintf("seed=%d,gtid=%v,with=%s", seed, c.GTID, strings.Join(c.With, ",")), func(t *testing.T) {
			r, err := fleet.Run(ctx, c)
			if errors.Is(err, ErrTooLittle) { // a statement that was refused each time; a soak does not forgive it
				t.Log(err)
				little++
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", r)
			if r.ReadAgain > 0 {
				again++
			}
			adopted += r.Adopted
			ran++
		})
	}
	if little > 2 {
		t.Errorf("%d of %d histories held too little", little, len(seeds))
	}
	if all := ran == len(seeds); all && adopted == 0 {
		t.Error("three backups were killed, and not one chunk was adopted")
	}
	if again < ran-3 { // 9 of 10 is for a soak: nine are too few to tell, and small tables are read in a moment
		t.Errorf("a table was read again in only %d of %d histories", again, len(seeds))
	}
	t.Run("recorded", func(t *testing.T) { replayRecorded(t, fleet, binary) })
}

// A source of MySQL 5.6, restored into 9.7: what one and the other show is compared as 9.7 shows it.
func TestPromise2_OlderSource(t *testing.T) {
	fleet, binary := testFleet(t)
	c := Config{Seed: 6, Kind: "5.6", Into: "9.7", Writers: DefaultWriters, Binary: binary, Keep: filepath.Join("..", "..", ".cache", "histories")}
	c.Quick()
	c.Stops, c.Without = 3, []string{killArchivers.Name, killBackups.Name, bigTransactions.Name, lowerCase.Name, statements.Name}
	c.With = []string{cascades.Name}
	r, err := fleet.Run(t.Context(), c)
	if err != nil && !errors.Is(err, ErrTooLittle) { // as above: timing decides what is refused
		t.Fatal(err)
	}
	t.Logf("%+v, %v", r, err)
	if r.StopPoints != c.Stops || r.Transactions == 0 || r.Rows == 0 {
		t.Errorf("%d stop points, %d transactions, %d rows backed up", r.StopPoints, r.Transactions, r.Rows)
	}
}

// replayRecorded: a history that fails where rule W3 is switched off, as it was made small, fails again with the rule off,
// and does not with the rule. Which thread reads which part of a table is not in the record: one of six replays lets the ALTER come
// behind all of it.
func replayRecorded(t *testing.T, fleet *Fleet, binary string) {
	r, err := LoadRecord(filepath.Join("testdata", "w3.record"))
	must(t, err)
	again := func(failpoints string) (string, error) {
		report, err := Replay(t.Context(), fleet, Config{Binary: binary, Failpoints: failpoints}, r)
		must(t, err)
		return failureKind(report.Failure), report.Failure
	}
	const most = 6
	got := ""
	for n := 0; n < most && got == ""; n++ {
		got, err = again(r.Failpoints)
	}
	if got != r.Failure {
		t.Errorf("with %q it ends with %q, want %q: %v", r.Failpoints, got, r.Failure, err)
	}
	if got, err := again(""); got != "" {
		t.Errorf("with the rule it ends with %q: %v", got, err)
	}
}
