package director

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// errSkippedStatement: what a table would be without it, nobody knows.
var errSkippedStatement = errors.New("the statement is left out by --skip-gtid, and so is what its tables hold from there on")

// Skips tells whether an entry of the log is left out. An XA transaction is by the GTID of its commit,
// and by that of its prepare, which is where its rows are seen in the log.
func (d *Director) Skips(e *event.Entry) bool {
	return d.skip.Contains(e.GTID) || d.skip.Contains(e.Prepared)
}

// Entry is statement for an entry that may be left out.
func (d *Director) Entry(e *event.Entry, q *event.Query) (Verdict, error) {
	d.temporaries.Enter(e)
	if d.Skips(e) {
		return d.leaveOut(e.Start, q)
	}
	return d.statement(e.Start, q)
}

// leaveOut is a statement that is left out: tables and objects that it names must not be asked
// for. The names in the log go on as they were on the source.
func (d *Director) leaveOut(start binlog.Position, q *event.Query) (v Verdict, err error) {
	st, err := d.LogSource().Parse(q)
	if err != nil {
		return v, Refused(start, nil, string(q.SQL), fmt.Errorf("%w: %w", limit.ErrText, err))
	}
	d.temporaries.Settle(d.LogSource(), q, st)
	v.Sides = d.sidesBefore(start, st)
	d.ancestry.statement(start, st, q.ErrorCode)
	switch st.Kind {
	case ddl.TransactionControl, ddl.Account, ddl.None:
		return v, nil
	case ddl.Schema, ddl.OtherObject, ddl.NotInLog, ddl.Meaning, ddl.DefinitionOnly:
	}
	if names := d.leftOut(start, st); len(names) > 0 {
		return v, fault.New(fault.CodeRange, fault.KindStatement, "leave out what the statement names: --exclude "+schema.Patterns(names...)+", or restore to a point before it",
			"replay of %s at %s (%s): %w", schema.Patterns(names...), start, Excerpt(st.Text), errSkippedStatement)
	}
	d.partObjects(start, st, q.ErrorCode)
	for _, e := range d.lives.statement(start, st, q.ErrorCode) {
		if d.trail == nil {
			continue
		}
		*d.trail = append(*d.trail, trailed{start: start, effect: e})
		for _, id := range []Life{e.life, e.other} {
			if id == e.life || e.kind == exchanged {
				cause := Refused(start, []schema.Name{d.lives.now[id]}, st.Text, errSkippedStatement)
				*d.trail = append(*d.trail, trailed{start: start, effect: effect{kind: lost, life: id, to: d.lives.now[id], err: cause}})
			}
		}
	}
	return v, nil
}

// leftOut lists what a statement changes that is asked for, as --exclude takes it: a whole schema without Name.
func (d *Director) leftOut(start binlog.Position, st *ddl.Statement) (names []schema.Name) {
	add := func(name schema.Name) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, t := range st.Tables {
		if t.Role.Changes() && d.selected.Object(t.Name) && d.Sides.StatementSide(t.Name, start) != binlog.Skip {
			add(t.Name)
		}
	}
	if st.Uncertain || st.DropsSchema() {
		tables := d.Tables()
		if d.lives != nil {
			tables = d.lives.tables()
		}
		for _, n := range tables {
			if len(st.Touches(n)) > 0 && d.selected.Object(n) && d.Sides.StatementSide(n, start) != binlog.Skip {
				add(n)
			}
		}
	}
	if st.Kind == ddl.Schema && !d.isSystem(st.Schema) && d.selected.Schema(st.Schema) && d.Sides.SchemaSide(st.Schema, start) != binlog.Skip {
		add(schema.Name{Schema: st.Schema})
	}
	for _, o := range st.Objects {
		kind, known := objectKinds[o.Kind]
		if !known || d.isSystem(o.Name.Schema) {
			continue
		}
		asked := d.selected.Object(o.Name)
		if kind == catalog.KindTrigger {
			table := o.Table
			if existing := d.objects.get(kind, o.Name); existing != nil {
				table = existing.Table
			}
			asked = d.selected.Trigger(o.Name, table)
		}
		if asked && d.Sides.ObjectSide(kind, o.Name, start) != binlog.Skip {
			add(o.Name)
		}
	}
	return names
}

// touch is a table that a transaction changes which is left out.
type touch struct {
	gtid string
	life Life
	name schema.Name
	side binlog.Side
}

// skipped is what plan finds out about --skip-gtid in the log of one backup.
type skipped struct {
	found   binlog.GTIDSet
	touches []touch
}

// note takes an entry that is left out.
func (s *skipped) note(e *event.Entry) {
	s.found.Add(e.GTID)
	s.found.Add(e.Prepared)
}

func (s *skipped) rows(d *Director, e *event.Entry, n schema.Name) {
	id, ok := d.lives.get(n)
	t := touch{gtid: e.GTID.String(), life: id, name: n, side: d.Sides.RowSide(n, e.Start)}
	if ok && !slices.Contains(s.touches, t) {
		s.touches = append(s.touches, t)
	}
}

// check refuses what cannot be left out with this backup.
func (s *skipped) check(wanted binlog.GTIDSet, m *catalog.Manifest, p *Part, stop binlog.Position) error {
	if missing := wanted.Minus(s.found); !missing.IsEmpty() {
		return fault.New(fault.CodeRange, fault.KindRange, "name transactions between the beginning of a backup and the stop point; tripod list shows the backups",
			"--skip-gtid: %s is not in the log between %s, where backup %s begins, and the stop point %s", missing, m.Floor.Position, m.ID, stop)
	}
	for _, t := range s.touches {
		if member := p.Members[t.life]; member != nil && member.rows && t.side != binlog.After {
			return fault.New(fault.CodeRange, fault.KindRange, "name an older backup, leave the table out with --exclude, or restore to the point before with --before-gtid "+t.gtid,
				"--skip-gtid: %s may be in what backup %s read of %s", t.gtid, m.ID, t.name)
		}
	}
	return nil
}
