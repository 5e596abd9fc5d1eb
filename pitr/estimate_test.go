package pitr

import (
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/schema"
)

func TestEstimate(t *testing.T) {
	p := &Plan{Load: LoadPlan{Bytes: 6000, Local: true}, Replay: ReplayPlan{Bytes: 900, Statements: 20}, Creates: make([]schema.ObjectName, 10)}
	rates := Rates{Load: 100, Replay: 10, From: "a test"}
	e := estimate(p, rates, time.Second)
	if want := (Seconds{Load: 60, Replay: 91, Finish: 0.5, Total: 151.5}); e.Seconds != want || e.Minutes != want.Total/60 {
		t.Errorf("%+v, want %+v", e, want)
	}
	if text := e.String(); !strings.Contains(text, "3m") || !strings.Contains(text, "a test") || !strings.Contains(text, "60 s") {
		t.Errorf("%s", text)
	}
	// A replay takes no less than reading the log; without LOCAL the load takes longer.
	p.Load.Local = false
	if e := estimate(p, rates, 200*time.Second); e.Seconds.Replay != 201 || e.Seconds.Load != 180 {
		t.Errorf("%+v", e)
	}
	if e := estimate(p, Rates{}, 0); e.Rates != UsualRates {
		t.Errorf("%+v", e)
	}
}
