package pitr

import (
	"fmt"
	"strings"
	"time"
)

// Rates are how fast restores go, in bytes of chunk text and of log per second. From says where
// that is known from.
type Rates struct {
	Load   float64 `json:"load_bytes_per_second"`
	Replay float64 `json:"replay_bytes_per_second"`
	From   string  `json:"from"`
}

// UsualRates were measured on a server with two busy cores, with rows of 200 bytes, and are on
// the careful side. Who has restored into a target knows better ones.
var UsualRates = Rates{Load: 8 << 20, Replay: 12 << 20, From: "usual rates of a small server"}

const (
	// withoutLocalFactor: batches of REPLACE instead of LOAD DATA.
	withoutLocalFactor = 3
	// perStatement is what a DDL statement of the log, a definition or an object takes beside all rows.
	perStatement = 50 * time.Millisecond
)

// Estimate is how long a restore may take. It is no promise: that hangs on the target, the
// indexes, and on what the log does to the rows.
type Estimate struct {
	Minutes float64 `json:"minutes"`
	Seconds Seconds `json:"seconds"`
	Rates   Rates   `json:"rates"`
	// ReadSeconds is how long plan took to read the log: a replay takes no less.
	ReadSeconds float64 `json:"read_seconds"`
}

// estimate is pure. read is how long it took to read the log.
func estimate(p *Plan, rates Rates, read time.Duration) Estimate {
	if rates.Load <= 0 || rates.Replay <= 0 {
		rates = UsualRates
	}
	e := Estimate{Rates: rates, ReadSeconds: seconds(read)}
	load := float64(p.Load.Bytes) / rates.Load
	if !p.Load.Local {
		load *= withoutLocalFactor
	}
	each := perStatement.Seconds()
	e.Seconds.Load = load + each*float64(len(p.Tables)+len(p.Schemas))
	e.Seconds.Replay = max(float64(p.Replay.Bytes)/rates.Replay, e.ReadSeconds) + each*float64(p.Replay.Statements)
	e.Seconds.Finish = each * float64(len(p.Creates)+len(p.Existing))
	e.Seconds.Total = e.Seconds.Load + e.Seconds.Replay + e.Seconds.Finish
	e.Minutes = e.Seconds.Total / 60
	return e
}

// String prints the estimate for people.
func (e Estimate) String() string {
	return fmt.Sprintf("about %s: load %s, replay %s, finish %s; by %s (load %s/s, replay %s/s of log); reading the log took %s",
		roughly(e.Seconds.Total), roughly(e.Seconds.Load), roughly(e.Seconds.Replay), roughly(e.Seconds.Finish),
		e.Rates.From, size(uint64(e.Rates.Load)), size(uint64(e.Rates.Replay)), roughly(e.ReadSeconds))
}

// roughly prints seconds with the precision that an estimate has.
func roughly(s float64) string {
	switch {
	case s < 1:
		return "a second"
	case s < 90:
		return fmt.Sprintf("%.0f s", s)
	}
	return strings.TrimSuffix(time.Duration(s*float64(time.Second)).Round(time.Minute).String(), "0s")
}

// Rates returns how fast the restore was; ok is false where it was too short to tell.
func (r *Result) Rates(p *Plan) (rates Rates, ok bool) {
	const enough = 10 // seconds
	if r.Seconds.Load < enough || r.Seconds.Replay < enough || !p.Load.Local {
		return Rates{}, false
	}
	return Rates{Load: float64(p.Load.Bytes) / r.Seconds.Load, Replay: float64(p.Replay.Bytes) / r.Seconds.Replay}, true
}
