package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/tripod-db/tripod/pitr"
)

// What a restore measured is what the next estimate goes by, target by target; what cannot be
// read is no reason to fail.
func TestRatesOfARestoreAreKept(t *testing.T) {
	state := t.TempDir()
	inv := &invocation{log: slog.New(slog.DiscardHandler), env: func(name string) (string, bool) { return state, name == "XDG_STATE_HOME" }}
	plan := &pitr.Plan{Load: pitr.LoadPlan{Bytes: 1000, Local: true}, Replay: pitr.ReplayPlan{Bytes: 9000}}
	inv.keepRates("a", plan, &pitr.Result{Seconds: pitr.Seconds{Load: 1, Replay: 1}}) // too short to tell
	if r := inv.knownRates("a"); r != (pitr.Rates{}) {
		t.Errorf("%+v", r)
	}
	inv.keepRates("a", plan, &pitr.Result{Seconds: pitr.Seconds{Load: 20, Replay: 30}})
	inv.keepRates("b", plan, &pitr.Result{Seconds: pitr.Seconds{Load: 10, Replay: 10}})
	if r := inv.knownRates("a"); r.Load != 50 || r.Replay != 300 || r.From == "" {
		t.Errorf("%+v", r)
	}
	if r := inv.knownRates("b"); r.Load != 100 || r.Replay != 900 {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(filepath.Join(state, "tripod", "rates.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := inv.knownRates("a"); r != (pitr.Rates{}) {
		t.Errorf("%+v", r)
	}
	inv.keepRates("a", plan, &pitr.Result{Seconds: pitr.Seconds{Load: 20, Replay: 30}})
	if r := inv.knownRates("a"); r.Load != 50 {
		t.Errorf("%+v", r)
	}
}
