package director

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Part is what a restore takes of an instance, and what it is called on the target. A restore of
// everything under its own names has none: there the log's RENAMEs are carried out as they stand.
type Part struct {
	// Members are the tables that it takes in.
	Members map[Life]*Member
	renames *renames
	// views are the numbers of the steps that make the views of the stop point; nil in front of that being known.
	views map[int]bool
	// schemas are the target's names of the schemas that are restored, with their defaults, by
	// folded name; Extra are schemas into which only tables are renamed.
	schemas map[string]string
	Extra   []string
	// Idle are the patterns of --exclude that mean nothing at the stop point.
	Idle []string
	// From is R11 for the names taken and their lineage.
	From binlog.Position
}

// worksIn tells whether the restore makes anything in a schema of the target.
func (p *Part) worksIn(name string) bool {
	return slices.Contains(p.Extra, name) || slices.Contains(slices.Collect(maps.Values(p.schemas)), name)
}

// Whole tells whether a schema of the target is one that the restore was asked for as a whole.
func (d *Director) Whole(onTarget string) bool {
	if d.Part == nil {
		return true
	}
	for name, target := range d.Part.schemas {
		if target == onTarget {
			return d.selected.wholeSchema(name)
		}
	}
	return false
}

// follow makes the director one of a part: it follows the lives of all tables.
func (d *Director) follow(m *catalog.Manifest, p *Part) error {
	d.Part, d.released, d.emptied = p, map[Life]bool{}, map[Life]bool{}
	d.lives = newLives(m, d.Fold)
	d.lives.isView = func(n schema.Name) bool { return d.objects.get(catalog.KindView, n) != nil || d.movedViews[d.Fold(n)] }
	classes, keyless := map[Life]schema.Class{}, map[Life]bool{}
	for i := range m.Names {
		if id, ok := d.lives.get(m.Names[i].Name); ok {
			classes[id], keyless[id] = schema.Class(m.Names[i].Class), isKeyless(&m.Names[i])
		}
	}
	d.Keyless = func(n schema.Name) bool {
		id, _ := d.lives.get(n)
		return keyless[id]
	}
	d.Class = func(n schema.Name) schema.Class {
		id, _ := d.lives.get(n)
		return classes[id]
	}
	d.Schemas = map[string]*SchemaState{}
	for i := range m.Schemas {
		if s := &m.Schemas[i]; s.Exists && !d.isSystem(s.Name) {
			key := d.FoldSchema(s.Name)
			var err error
			if d.Schemas[key], err = schemaState(s, p.schemas[key]); err != nil {
				return err
			}
		}
	}
	for key := range p.schemas {
		if d.Schemas[key] == nil { // the log makes it
			d.Schemas[key] = &SchemaState{Name: key, Target: p.schemas[key]}
		}
	}
	return nil
}

// member returns the table of the part that has a name now, nil for none.
func (d *Director) member(n schema.Name) *Member {
	id, ok := d.lives.get(n)
	if !ok {
		return nil
	}
	return d.active(id)
}

// active returns a member that is still needed.
func (d *Director) active(id Life) *Member {
	if d.released[id] {
		return nil
	}
	return d.Part.Members[id]
}

// OnTarget is what a table of the source is called on the target now, and under which name a
// foreign key there refers to one that is not taken.
func (d *Director) OnTarget(n schema.Name) schema.Name {
	if d.Part == nil {
		return n
	}
	if m := d.member(n); m != nil {
		return m.Working
	}
	return d.Part.renames.table(n)
}

// OnSource is what a table of the target is called on the source now.
func (d *Director) OnSource(n schema.Name) (name schema.Name, ok bool) {
	if d.Part == nil {
		return n, d.Exists(n)
	}
	for id, m := range d.Part.Members {
		if d.Fold(m.Working) == d.Fold(n) {
			name, ok = d.lives.now[id]
			return name, ok
		}
	}
	return n, false
}

// Shown is the final name of a table of the target, for people.
func (d *Director) Shown(n schema.Name) schema.Name {
	if d.Part != nil {
		for _, m := range d.Part.Members {
			if m.Wanted() && m.Working == n {
				return m.Final
			}
		}
	}
	return n
}

// RowTable returns the target's table for rows of a table of the source; ok is false where they
// are not needed.
func (d *Director) RowTable(n schema.Name) (onTarget schema.Name, ok bool) {
	if d.Part == nil {
		return n, d.selected.Object(n)
	}
	id, known := d.lives.get(n)
	if m := d.active(id); known && m != nil && m.rows && !d.emptied[id] {
		return m.Working, true
	}
	return n, false
}

// partStatement is statement for a part: RENAME moves names only, everything else is carried out
// for the tables that are taken, under their names on the target.
func (d *Director) partStatement(start binlog.Position, q *event.Query, st *ddl.Statement) (Verdict, error) {
	v := Verdict{Sides: d.sidesBefore(start, st)}
	switch st.Kind {
	case ddl.TransactionControl, ddl.Account, ddl.None:
		return v, nil
	case ddl.NotInLog:
		effects := d.lives.statement(start, st, q.ErrorCode)
		if d.trail != nil {
			for _, e := range effects {
				*d.trail = append(*d.trail, trailed{start: start, effect: e})
			}
		}
		return v, nil
	case ddl.OtherObject:
		err := d.partObject(start, q, st)
		v.Views = d.viewsMade(st)
		for _, view := range v.Views {
			if d.trail == nil {
				break
			}
			for _, id := range d.tablesOf(view) {
				*d.trail = append(*d.trail, trailed{start: start, effect: effect{kind: seen, life: id, view: view}})
			}
		}
		return v, err
	case ddl.Schema:
		if !st.DropsSchema() {
			var err error
			v.Executions, err = d.database(start, q, st)
			return v, err
		}
	case ddl.Meaning, ddl.DefinitionOnly:
		if st.Uncertain {
			return v, d.partUncertain(start, st)
		}
	}
	before := map[schema.Name]schema.Name{}
	for _, t := range st.Tables {
		if m := d.member(t.Name); m != nil {
			before[d.Fold(t.Name)] = m.Working
		}
	}
	v.Renames = d.followed(start, st, before)
	d.partObjects(start, st, q.ErrorCode)
	effects := d.lives.statement(start, st, q.ErrorCode)
	if d.trail != nil {
		for _, e := range effects {
			*d.trail = append(*d.trail, trailed{start: start, effect: e})
		}
	}
	v.Renames, v.Resolved = append(v.Renames, d.adopted(effects)...), d.resolved(st, effects, before)
	p := partWalk{Director: d, start: start, query: q, st: st, verdict: &v, before: before}
	for _, e := range effects {
		if err := p.effect(e); err != nil {
			return Verdict{}, err
		}
	}
	p.release(effects)
	if st.Verb == ddl.CreateDatabase { // OR REPLACE: behind what it drops
		made, err := d.database(start, q, st)
		v.Executions = append(v.Executions, made...)
		return v, err
	}
	return v, nil
}

// partObjects lets triggers and views go with what a statement does to tables, taken or not: which
// are wanted is told at the stop point.
func (d *Director) partObjects(start binlog.Position, st *ddl.Statement, errorCode uint16) {
	d.movedViews = map[schema.Name]bool{}
	switch {
	case st.DropsSchema():
		d.objects.dropSchema(st.Schema, start)
		if s := d.Schemas[d.FoldSchema(st.Schema)]; s != nil && d.Sides.SchemaSide(st.Schema, start) == binlog.After {
			s.Exists = false
		}
	case len(st.Renames) > 0:
		var pairs [][2]schema.Name
		for _, p := range st.Renames {
			if _, table := d.lives.get(p[0]); table || !d.objects.renameView(p[0], p[1], start) {
				pairs = append(pairs, p)
				continue
			}
			d.movedViews[d.Fold(p[0])] = true
		}
		// A trigger of which nobody knows whose it is is refused where it is wanted: see doubted.
		_ = d.objects.renameTables(pairs, start)
	case st.DropFailed(errorCode): // with its table a trigger stays, or is refused
	default:
		for _, t := range st.Tables {
			if t.Role == ddl.Dropped || t.Role == ddl.Created && st.OrReplace {
				d.objects.dropTable(t.Name, start)
			}
		}
	}
}

// partObject keeps a statement on other objects. What is in the way of one that is not asked for
// is nobody's trouble.
func (d *Director) partObject(start binlog.Position, q *event.Query, st *ddl.Statement) error {
	for _, o := range st.Objects {
		kind, known := objectKinds[o.Kind]
		if !known || d.isSystem(o.Name.Schema) {
			continue
		}
		if kind == catalog.KindTrigger && o.Table != (schema.Name{}) {
			d.objects.noteTrigger(o.Table)
		}
		err := d.oneObject(start, q, st, kind, o)
		asked := d.selected.Object(o.Name)
		if existing := d.objects.get(kind, o.Name); existing != nil {
			asked = d.selected.object(existing)
		} else if kind == catalog.KindTrigger {
			asked = d.selected.Trigger(o.Name, o.Table)
		}
		if err != nil && asked {
			return err
		}
	}
	return nil
}

// partUncertain refuses a statement that may change taken tables.
func (d *Director) partUncertain(start binlog.Position, st *ddl.Statement) error {
	var touched []schema.Name
	for _, n := range d.Tables() {
		if len(st.Touches(n)) > 0 && d.Sides.StatementSide(n, start) != binlog.Skip {
			touched = append(touched, n)
		}
	}
	if len(touched) == 0 {
		return nil
	}
	return Refused(start, touched, st.Text, fmt.Errorf("%w: %s", errUncertain, st.Reason))
}

// memberTables lists the source's names of the members that exist now, in a stable order.
func (d *Director) memberTables() []schema.Name {
	var list []schema.Name
	for id, n := range d.lives.now {
		if d.active(id) != nil {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, schema.Name.Compare)
	return list
}
