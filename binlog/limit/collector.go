package limit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
)

// Source is what of the server that wrote the log decides how its statements are read.
type Source struct {
	LowerCaseTableNames int
	Flavor, Version     string
}

// Parse reads a statement of the log.
func (s Source) Parse(q *event.Query) (*ddl.Statement, error) {
	session := ddl.Session{
		Schema: q.Schema, ClientCharset: q.Context.ClientCharset, LowerCaseTableNames: s.LowerCaseTableNames,
		UpdatedSchemas: q.Context.UpdatedSchemas, TooManySchemas: q.Context.TooManySchemas, Unread: q.Context.NamesUnread(), Flavor: s.Flavor, Version: s.Version,
	}
	if q.Context.SQLMode != nil {
		session.SQLMode = *q.Context.SQLMode
	}
	return ddl.Parse(q.SQL, session)
}

// HidesCascades tells whether a rows event may have changed rows of other tables, by foreign keys, that the log does not
// show. MySQL 9 marks, in front of the rows, tables to which foreign keys refer, cascading or not (9.7: from the statement on that
// makes the first such key, to the one that takes the last away); of other servers nobody has proved that they do.
func (s Source) HidesCascades(rows *event.Rows) bool {
	return rows.HidesCascades() && (rows.Table.Flags&event.TableMapReferredByForeign != 0 || !s.marksParents())
}

func (s Source) marksParents() bool {
	text, _, _ := strings.Cut(s.Version, ".")
	major, err := strconv.Atoi(text)
	return err == nil && s.Flavor == "mysql" && major >= 9
}

// Prepared is an XA transaction that waits for its end.
type Prepared struct {
	Prepare binlog.Position
	Tables  []schema.Name // none: not known, or too many
	Limits  []segment.Limit
}

// Collector reads limits off the events of one timeline, in log order: the hooks of an
// event.Assembler feed it, and End gives what an entry was. The zero value is of no use.
type Collector struct {
	source   Source
	prepared map[string]Prepared
	limits   []segment.Limit // of the open entry

	temporaries Temporaries
}

// NewCollector begins at a place at which these transactions are prepared.
func NewCollector(source Source, prepared map[string]Prepared) *Collector {
	c := &Collector{source: source, prepared: map[string]Prepared{}}
	for xid, p := range prepared {
		c.prepared[xid] = p
	}
	return c
}

// Begin forgets an entry whose rest never came.
func (c *Collector) Begin() { c.limits = nil }

// add joins what differs in its tables only.
func (c *Collector) add(l segment.Limit) {
	for i := range c.limits {
		o := &c.limits[i]
		if o.Kind != l.Kind || !o.Rows || !l.Rows || o.Kind == segment.LimitStatement {
			continue
		}
		for _, n := range l.Tables {
			if !o.EveryTable && !slices.Contains(o.Tables, n) {
				o.Tables = append(o.Tables, n)
			}
		}
		bound(o)
		return
	}
	if len(c.limits) < segment.MaxLimits {
		c.limits = append(c.limits, l)
		return
	}
	last := &c.limits[len(c.limits)-1] // a transaction of very many statements
	last.Tables, last.Schemas, last.EveryTable, last.ByTriggers = nil, nil, true, false
}

// Query takes a statement of an entry. What it returns is the statement as it was read, nil where
// it cannot be.
func (c *Collector) Query(e *event.Entry, q *event.Query) *ddl.Statement {
	st, err := c.source.Parse(q)
	if err != nil {
		c.add(segment.Limit{Kind: segment.LimitText, EveryTable: true})
		return nil
	}
	c.temporaries.Enter(e)
	c.temporaries.Settle(c.source, q, st)
	if l, ok := OfQuery(st, q); ok {
		c.add(l)
	}
	return st
}

// End returns the limits of an entry that ended. They lack what only the archive knows: what was
// executed before it.
func (c *Collector) End(e *event.Entry) []segment.Limit {
	list := c.limits
	c.limits = nil
	switch e.Kind {
	case event.XAPrepared:
		// What is in it counts where it is committed (fact 15.5).
		list = append(list, OfEntry(e)...)
		c.prepared[e.XID] = Prepared{Prepare: e.Start, Tables: touched(e, list...), Limits: list}
		return nil
	case event.XARollback:
		delete(c.prepared, e.XID)
		return nil
	case event.XACommit:
		p, known := c.prepared[e.XID]
		delete(c.prepared, e.XID)
		if list = slices.Clone(p.Limits); !known {
			list = []segment.Limit{Unprepared()}
		}
	case event.Transaction, event.Statement:
		list = append(list, OfEntry(e)...)
	}
	for i := range list {
		list[i].Start = e.Start.Pos
	}
	return list
}

// OfEntry returns what a whole transaction is as a limit, whatever its statements and rows are.
func OfEntry(e *event.Entry) (limits []segment.Limit) {
	if e.Incident {
		limits = append(limits, segment.Limit{Kind: segment.LimitIncident, EveryTable: true})
	}
	if e.UndoneUnclear {
		tables := touched(e)
		limits = append(limits, segment.Limit{Kind: segment.LimitRolledBack, Tables: tables, Rows: true, EveryTable: len(tables) == 0})
	}
	limits = appendOf(limits, e, segment.LimitReplaced, func(t *event.Touch) bool { return t.Doubtful })
	return appendOf(limits, e, segment.LimitBare, func(t *event.Touch) bool { return t.Bare })
}

// appendOf appends the limit of those tables that are concerned, where some are.
func appendOf(limits []segment.Limit, e *event.Entry, kind segment.LimitKind, concerned func(*event.Touch) bool) []segment.Limit {
	l := segment.Limit{Kind: kind, Rows: true}
	for i := range e.Tables {
		if concerned(&e.Tables[i]) {
			l.Tables = append(l.Tables, e.Tables[i].Name)
		}
	}
	if len(l.Tables) == 0 {
		return limits
	}
	slices.SortFunc(l.Tables, schema.Name.Compare)
	bound(&l)
	return append(limits, l)
}

// Unprepared is the commit of an XA transaction of which nobody has seen the prepare.
func Unprepared() segment.Limit {
	return segment.Limit{Kind: segment.LimitUnprepared, Rows: true, EveryTable: true}
}

// touched lists the tables with row events, and those of an entry's limits; none where there are
// too many.
func touched(e *event.Entry, limits ...segment.Limit) []schema.Name {
	var names []schema.Name
	for _, t := range e.Tables {
		names = append(names, t.Name)
	}
	for _, l := range limits {
		names = append(names, l.Tables...)
	}
	slices.SortFunc(names, schema.Name.Compare)
	if names = slices.Compact(names); len(names) > maxTables {
		return nil
	}
	return names
}

// bound lets a limit of very many tables stand for every table.
func bound(l *segment.Limit) {
	if len(l.Tables) > maxTables || len(l.Schemas) > maxTables {
		l.Tables, l.Schemas, l.EveryTable, l.ByTriggers = nil, nil, true, false
	}
}

// Open returns the transactions that are prepared now, in the order of their ids.
func (c *Collector) Open() []segment.OpenXA {
	var list []segment.OpenXA
	for xid, p := range c.prepared {
		list = append(list, segment.OpenXA{XID: xid, Prepare: p.Prepare, Tables: p.Tables, Limits: p.Limits})
	}
	slices.SortFunc(list, func(a, b segment.OpenXA) int { return strings.Compare(a.XID, b.XID) })
	return list
}

// PreparedIn are the transactions that are open at a segment's end.
func PreparedIn(list []segment.OpenXA) map[string]Prepared {
	prepared := map[string]Prepared{}
	for _, x := range list {
		prepared[x.XID] = Prepared{Prepare: x.Prepare, Tables: x.Tables, Limits: x.Limits}
	}
	return prepared
}
