package archive

import (
	"context"
	"slices"
	"sync"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// journal keeps the definitions that tables have behind each statement of the log. It reads them
// from the source when the statement has come through the stream, and looks, when the stream has
// passed the end that the log had behind that read, whether another statement came in between.
// Archiving never waits for it: what it cannot do is not known.
type journal struct {
	config Config
	tenure *tenure

	mu      sync.Mutex
	noted   []*noted // in log order
	passed  binlog.Position
	ended   bool
	dropped bool
	change  chan struct{}
}

// maxNoted bounds the statements that wait. The oldest go first: what comes behind decides about
// those in front of it, never the other way round.
const maxNoted = 1000

// noted is an entry's statements on their way into the journal.
type noted struct {
	catalog.Definitions
	statements []*ddl.Statement
	unreadable bool                          // one of them: it may touch any table
	parents    map[schema.Name][]schema.Name // of each definition, by its foreign keys
	read       bool
}

func newJournal(cfg Config, t *tenure) *journal {
	return &journal{config: cfg, tenure: t, change: make(chan struct{}, 1)}
}

// note takes the statements of an entry that has ended.
func (j *journal) note(e *event.Entry, statements []*ddl.Statement) {
	n := &noted{Definitions: catalog.Definitions{Start: e.Start, End: e.End}}
	for _, st := range statements {
		if st == nil {
			n.unreadable = true
			continue
		}
		tables := j.definedBy(st)
		switch st.Kind {
		case ddl.Meaning, ddl.DefinitionOnly, ddl.Schema:
		case ddl.NotInLog:
			if len(tables) == 0 && !st.Uncertain {
				continue // rows alone
			}
		case ddl.None, ddl.OtherObject, ddl.TransactionControl, ddl.Account:
			continue
		}
		n.statements = append(n.statements, st)
		n.Verb = string(st.Verb)
		for _, d := range tables {
			if !slices.ContainsFunc(n.Tables, func(o catalog.Definition) bool { return o.Name == d.Name }) {
				n.Tables = append(n.Tables, d)
			}
		}
	}
	if len(n.statements) == 0 && !n.unreadable {
		return
	}
	if !e.GTID.IsZero() {
		n.GTID = e.GTID.String()
	}
	j.update(func() {
		if len(j.noted) >= maxNoted {
			j.noted, j.dropped = j.noted[1:], true
		}
		j.noted = append(j.noted, n)
	})
}

// touches tells whether one of the statements may touch a table.
func (n *noted) touches(name schema.Name) bool {
	return n.unreadable || slices.ContainsFunc(n.statements, func(st *ddl.Statement) bool { return len(st.Touches(name)) > 0 })
}

// definedBy lists the tables that a statement leaves behind with a definition.
func (j *journal) definedBy(st *ddl.Statement) []catalog.Definition {
	var list []catalog.Definition
	for _, t := range st.Tables {
		switch t.Role {
		case ddl.Created, ddl.Altered, ddl.RenamedTo, ddl.Exchanged, ddl.Partitioned, ddl.Truncated:
		default:
			continue
		}
		if schema.IsSystem(t.Name.Schema, j.config.Server.Facts().LowerCaseTableNames != 0) ||
			slices.ContainsFunc(list, func(d catalog.Definition) bool { return d.Name == t.Name }) {
			continue
		}
		d := catalog.Definition{Name: t.Name}
		if !t.Hard {
			d.Unknown = "the statement need not have waited for the table's lock"
		}
		list = append(list, d)
	}
	return list
}

// pass takes how far the stream has come.
func (j *journal) pass(p binlog.Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.passed = p; len(j.noted) > 0 {
		j.wake()
	}
}

// end lets run return when it can do nothing more.
func (j *journal) end() { j.update(func() { j.ended = true }) }

func (j *journal) update(change func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change()
	j.wake()
}

func (j *journal) wake() {
	select {
	case j.change <- struct{}{}:
	default:
	}
}

// run keeps the journal until ctx ends, the lease is lost, or, behind end, nothing can be done any more.
func (j *journal) run(ctx context.Context) {
	reader := &definitionReader{server: j.config.Server}
	defer reader.close()
	for {
		if n := j.unread(); n != nil {
			tables, parents := reader.read(ctx, n.Start.Timeline, n.Tables)
			if ctx.Err() != nil {
				return
			}
			j.update(func() { n.Tables, n.parents, n.read = tables, parents, true })
			continue
		}
		settled, ended := j.settled()
		if settled != nil {
			if err := j.put(ctx, *settled); err != nil {
				if ctx.Err() != nil {
					return
				}
				j.config.Log.Warn("could not keep the definitions behind a statement", "position", settled.Start.String(), "error", err)
			}
			continue
		}
		if ended {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-j.change:
		}
	}
}

// unread returns the first statement whose tables were not read.
func (j *journal) unread() *noted {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dropped {
		j.dropped = false
		j.config.Log.Warn("more statements than their definitions can be read; those behind the oldest are not known")
	}
	for _, n := range j.noted {
		if !n.read {
			return n
		}
	}
	return nil
}

// settled takes the first statement out if it is decided about it; ended tells that no more will be.
func (j *journal) settled() (d *catalog.Definitions, ended bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.noted) > 0 {
		n := j.noted[0]
		if !n.read { // it has come since
			return nil, false
		}
		for _, t := range n.Tables {
			if t.Unknown == "" && !j.hasPassed(t.Until) {
				return nil, j.ended
			}
		}
		for i := range n.Tables {
			j.decide(n, &n.Tables[i])
		}
		j.noted = j.noted[1:]
		if len(n.Tables) > 0 {
			return &n.Definitions, false
		}
	}
	return nil, j.ended
}

// hasPassed tells whether the stream has passed a place, or has left its history, in which it never will.
func (j *journal) hasPassed(p binlog.Position) bool {
	return !j.passed.IsZero() && (j.passed.Timeline != p.Timeline || p.AtOrBefore(j.passed))
}

// decide forgets a definition that may be another statement's.
func (j *journal) decide(n *noted, d *catalog.Definition) {
	if d.Unknown != "" {
		return
	}
	// The end of a log that was reset lies before the statement.
	if j.passed.Timeline != n.Start.Timeline || d.Until.Before(n.End) {
		d.Create, d.Until, d.Unknown = "", binlog.Position{}, "the source got another history before it could be read"
		return
	}
	for _, later := range j.noted {
		if later == n || later.Start.Timeline != n.Start.Timeline || !later.Start.Before(d.Until) {
			continue
		}
		// A table that a foreign key names is in the child's definition with its name.
		for _, name := range append(n.parents[d.Name], d.Name) {
			if later.touches(name) {
				d.Create, d.Until, d.Unknown = "", binlog.Position{}, "another statement, at "+later.Start.String()+", came before it could be read"
				return
			}
		}
	}
}

func (j *journal) put(ctx context.Context, d catalog.Definitions) error {
	if err := j.tenure.check(ctx); err != nil {
		return err
	}
	d.Epoch = j.tenure.epoch()
	if err := j.config.Catalog.PutDefinitions(ctx, j.config.Instance, d); err != nil {
		return err
	}
	failpoint.Inject("journaled", nil)
	return nil
}
