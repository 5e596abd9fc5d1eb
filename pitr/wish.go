package pitr

import (
	"log/slog"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Config is what a restore works with. Log and Progress may be nil.
type Config struct {
	Catalog *catalog.Catalog
	Target  *server.Server // opened with server.Target
	Program string         // tripod's version
	// Memory bounds the bytes that Run works on, beside one event and one row (promise 8); 0 is
	// the default of 512 MiB.
	Memory int64
	// Rates are what plan estimates by; zero for UsualRates.
	Rates    Rates
	Log      *slog.Logger
	Progress progress.Sink
}

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c Config) progress() progress.Sink {
	if c.Progress == nil {
		return progress.Discard
	}
	return c.Progress
}

// Verify says what is read back behind the load.
type Verify string

// The values of --verify.
const (
	VerifyNone   Verify = "none"
	VerifyChunks Verify = "chunks"
)

// OnDivergence says what happens when the target does not hold what the log says it held.
type OnDivergence string

// The values of --on-divergence.
const (
	StopOnDivergence OnDivergence = "stop"
	BinlogWins       OnDivergence = "binlog-wins"
)

// EventStatus says how events are created.
type EventStatus string

// The values of --events.
const (
	KeepEvents    EventStatus = "keep"
	DisableEvents EventStatus = "disable"
)

// Wish is what the operator asks for, as given. The zero value of everything but Instance means
// the default.
type Wish struct {
	Instance string
	Backup   string // id; empty: the newest that serves the stop point
	Stop     binlog.StopPoint
	SkipGTID binlog.GTIDSet
	// Selection names what is restored, at the stop point; empty for all.
	Selection catalog.Selection
	// Rename gives tables (a.t=b.u) and schemas (a=b) other names on the target.
	Rename  []string
	Threads int // connections of the load; 0: DefaultThreads
	Verify  Verify
	// OnDivergence, Events: see their types.
	OnDivergence OnDivergence
	Events       EventStatus
	// OmitUsers leaves out the users and roles of a backup that has them. A part never has them.
	OmitUsers bool `json:",omitempty"`
	// Force drops the objects on the target that stand in the way, and nothing else.
	Force bool
}

// DefaultThreads is the number of connections that load when none is given: more than two per
// core of a small server only wait for each other's locks and redo.
const DefaultThreads = 4

func (w Wish) threads() int {
	if w.Threads > 0 {
		return w.Threads
	}
	return DefaultThreads
}

// scope is what of the instance the wish is about.
func (w Wish) scope() director.Scope {
	return director.Scope{Selection: w.Selection, Rename: w.Rename, SkipGTID: w.SkipGTID, OmitUsers: w.OmitUsers}
}

// newDirector is the director of a wish, for the target at hand.
func newDirector(c Config, m *catalog.Manifest, w Wish, p *director.Part) (*director.Director, error) {
	d, err := director.New(m, w.scope(), p)
	if err != nil {
		return nil, err
	}
	facts := c.Target.Facts()
	d.TargetFlavor, d.TargetVersion = facts.Flavor, facts.Version
	return d, nil
}
