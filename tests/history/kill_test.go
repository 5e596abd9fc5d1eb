package history

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPromise5_KillsAtAnyMoment: ten kills of archivers, backups, restores, a source and a target. The
// soak (make soak-kill) has ten times as many, and wants every phase hit.
func TestPromise5_KillsAtAnyMoment(t *testing.T) {
	ctx := t.Context()
	fleet, binary := testFleet(t)
	c := Config{Seed: rand.Uint64N(1 << 40), Binary: binary, Transactions: DefaultTransactions, Writers: DefaultWriters, Stops: DefaultStops, Rows: DefaultRows}
	var out strings.Builder
	if err := KillSoak(ctx, fleet, c, 10, false, &out); err != nil {
		t.Error(err)
	}
	t.Log(out.String())
}

func TestKillsTellWhichPhaseWasMissed(t *testing.T) {
	k := Kills{}
	k.add(restoreVictim, "load")
	k.add(restoreVictim, "load")
	k.add(archiverVictim, "archive")
	if k.Total() != 3 || k.String() != "archiver (archive 1), restore (load 2)" {
		t.Errorf("%d: %s", k.Total(), k)
	}
	missed := strings.Join(k.missed(2), ", ")
	if strings.Contains(missed, "load") || !strings.Contains(missed, "archive of the archiver 1 times") || !strings.Contains(missed, "finish of the restore 0 times") {
		t.Error(missed)
	}
}
