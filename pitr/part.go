package pitr

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// part is what a restore takes of an instance, and what it is called on the target. A restore of
// everything under its own names has none: there the log's RENAMEs are carried out as they stand.
type part struct {
	members map[life]*member
	renames *renames
	// schemas are the target's names of the schemas that are restored, with their defaults, by
	// folded name; extra are schemas into which only tables are renamed.
	schemas map[string]string
	extra   []string
	// idle are the patterns of --exclude that mean nothing at the stop point.
	idle []string
	// from is R11 for the names taken and their lineage.
	from binlog.Position
}

// worksIn tells whether the restore makes anything in a schema of the target.
func (p *part) worksIn(name string) bool {
	return slices.Contains(p.extra, name) || slices.Contains(slices.Collect(maps.Values(p.schemas)), name)
}

// isPart tells whether a wish names a part of an instance, or other names, or leaves something out.
func (w Wish) isPart() bool {
	return len(w.Selection.Databases)+len(w.Selection.Tables)+len(w.Selection.Exclude)+len(w.Rename) > 0 || !w.SkipGTID.IsEmpty()
}

// follow makes the director one of a part: it follows the lives of all tables.
func (d *director) follow(m *catalog.Manifest, p *part) {
	d.part, d.released, d.emptied = p, map[life]bool{}, map[life]bool{}
	d.lives = newLives(m, d.fold)
	d.lives.isView = func(n schema.Name) bool { return d.objects.get(catalog.KindView, n) != nil || d.movedViews[d.fold(n)] }
	classes := map[life]schema.Class{}
	for i := range m.Names {
		if id, ok := d.lives.get(m.Names[i].Name); ok {
			classes[id] = schema.Class(m.Names[i].Class)
		}
	}
	class := func(n schema.Name) schema.Class {
		id, _ := d.lives.get(n)
		return classes[id]
	}
	d.keyless = func(n schema.Name) bool { return class(n) == schema.Snapshot }
	d.rollsBack = func(n schema.Name) bool {
		return class(n) != schema.NonTransactional && class(n) != schema.NoRows
	}
	d.schemas = map[string]*schemaState{}
	for _, s := range m.Schemas {
		if s.Exists && !d.isSystem(s.Name) {
			key := d.foldSchema(s.Name)
			d.schemas[key] = &schemaState{name: s.Name, target: p.schemas[key], exists: true, collation: s.Collation}
		}
	}
	for key := range p.schemas {
		if d.schemas[key] == nil { // the log makes it
			d.schemas[key] = &schemaState{name: key, target: p.schemas[key]}
		}
	}
}

// member returns the table of the part that has a name now, nil for none.
func (d *director) member(n schema.Name) *member {
	id, ok := d.lives.get(n)
	if !ok {
		return nil
	}
	return d.active(id)
}

// active returns a member that is still needed.
func (d *director) active(id life) *member {
	if d.released[id] {
		return nil
	}
	return d.part.members[id]
}

// onTarget is what a table of the source is called on the target now, and under which name a
// foreign key there refers to one that is not taken.
func (d *director) onTarget(n schema.Name) schema.Name {
	if d.part == nil {
		return n
	}
	if m := d.member(n); m != nil {
		return m.working
	}
	return d.part.renames.table(n)
}

// onSource is what a table of the target is called on the source now.
func (d *director) onSource(n schema.Name) (name schema.Name, ok bool) {
	if d.part == nil {
		return n, d.exists(n)
	}
	for id, m := range d.part.members {
		if d.fold(m.working) == d.fold(n) {
			name, ok = d.lives.now[id]
			return name, ok
		}
	}
	return n, false
}

// shown is the final name of a table of the target, for people.
func (d *director) shown(n schema.Name) schema.Name {
	if d.part != nil {
		for _, m := range d.part.members {
			if m.wanted() && m.working == n {
				return m.final
			}
		}
	}
	return n
}

// rowTable returns the target's table for rows of a table of the source; ok is false where they
// are not needed.
func (d *director) rowTable(n schema.Name) (onTarget schema.Name, ok bool) {
	if d.part == nil {
		return n, d.selected.Object(n)
	}
	id, known := d.lives.get(n)
	if m := d.active(id); known && m != nil && m.rows && !d.emptied[id] {
		return m.working, true
	}
	return n, false
}

// partStatement is statement for a part: RENAME moves names only, everything else is carried out
// for the tables that are taken, under their names on the target.
func (d *director) partStatement(start binlog.Position, q *event.Query, st *ddl.Statement) (verdict, error) {
	v := verdict{sides: d.sidesBefore(start, st)}
	switch st.Kind {
	case ddl.TransactionControl, ddl.Account, ddl.None, ddl.NotInLog:
		return v, nil
	case ddl.OtherObject:
		err := d.partObject(start, q, st)
		v.views = d.viewsMade(st)
		for _, view := range v.views {
			if d.trail == nil {
				break
			}
			for _, id := range d.tablesOf(view) {
				*d.trail = append(*d.trail, trailed{start: start, effect: effect{kind: seen, life: id, view: view}})
			}
		}
		return v, err
	case ddl.Schema:
		if st.Verb != ddl.DropDatabase {
			var err error
			v.executions, err = d.database(start, q, st)
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
			before[d.fold(t.Name)] = m.working
		}
	}
	v.renames = d.followed(start, st, before)
	d.partObjects(start, st)
	effects := d.lives.statement(start, st, q.ErrorCode)
	if d.trail != nil {
		for _, e := range effects {
			*d.trail = append(*d.trail, trailed{start: start, effect: e})
		}
	}
	v.renames, v.resolved = append(v.renames, d.adopted(effects)...), d.resolved(st, effects, before)
	p := partWalk{director: d, start: start, query: q, st: st, verdict: &v, before: before}
	for _, e := range effects {
		if err := p.effect(e); err != nil {
			return verdict{}, err
		}
	}
	p.release(effects)
	return v, nil
}

// partObjects lets triggers and views go with what a statement does to tables, taken or not: which
// are wanted is told at the stop point.
func (d *director) partObjects(start binlog.Position, st *ddl.Statement) {
	d.movedViews = map[schema.Name]bool{}
	switch {
	case st.Verb == ddl.DropDatabase:
		d.objects.dropSchema(st.Schema, start)
		if s := d.schemas[d.foldSchema(st.Schema)]; s != nil && d.sides.SchemaSide(st.Schema, start) == binlog.After {
			s.exists = false
		}
	case len(st.Renames) > 0:
		var pairs [][2]schema.Name
		for _, p := range st.Renames {
			if _, table := d.lives.get(p[0]); table || !d.objects.renameView(p[0], p[1], start) {
				pairs = append(pairs, p)
				continue
			}
			d.movedViews[d.fold(p[0])] = true
		}
		// A trigger of which nobody knows whose it is is refused where it is wanted: see doubted.
		_ = d.objects.renameTables(pairs, start)
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
func (d *director) partObject(start binlog.Position, q *event.Query, st *ddl.Statement) error {
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
func (d *director) partUncertain(start binlog.Position, st *ddl.Statement) error {
	var touched []schema.Name
	for _, n := range d.tables() {
		if len(st.Touches(n)) > 0 && d.sides.StatementSide(n, start) != binlog.Skip {
			touched = append(touched, n)
		}
	}
	if len(touched) == 0 {
		return nil
	}
	return refused(start, touched, st.Text, fmt.Errorf("%w: %s", errUncertain, st.Reason))
}

// partWalk turns the effects of one statement into what the target has to do.
type partWalk struct {
	*director
	start   binlog.Position
	query   *event.Query
	st      *ddl.Statement
	verdict *verdict
	before  map[schema.Name]schema.Name // the working names in front of the statement, by folded name
}

func (p *partWalk) run(e execution) { p.verdict.executions = append(p.verdict.executions, e) }

func (p *partWalk) effect(e effect) error {
	m := p.active(e.life)
	switch e.kind {
	case seen:
	case lost:
		if m != nil {
			return e.err
		}
	case moved: // foreign keys follow: see followed
	case dropped:
		if m != nil {
			p.drop(e.life, m, e.from)
		}
	case made, copied:
		if m == nil {
			return nil
		}
		x, err := p.text(m, append(p.collation(m, e.to), p.st.ServerNoteEdits()...), e.to.Name)
		if err != nil {
			return err
		}
		x.created = []schema.Name{m.working}
		if e.kind == copied {
			source := p.part.members[e.other]
			x.copied, x.source = true, source.working
		}
		p.run(x)
	case changed:
		if m == nil {
			return nil
		}
		x, err := p.text(m, nil, p.changedName(e.life))
		if err != nil {
			return err
		}
		x.altered = []schema.Name{m.working}
		p.run(x)
	case truncated:
		if m != nil {
			p.run(p.truncated(m))
		}
	case exchanged:
		other := p.active(e.other)
		if m == nil || other == nil || !m.rows || !other.rows || p.emptied[e.life] || p.emptied[e.other] {
			return nil
		}
		x, err := p.text(m, nil, "")
		if err != nil {
			return err
		}
		x.altered = []schema.Name{m.working, other.working}
		p.run(x)
	}
	return nil
}

// changedName is the source's name of a table that a statement changes, in front of it.
func (p *partWalk) changedName(id life) string {
	if len(p.st.Renames) > 0 {
		return p.st.Renames[0][0].Name
	}
	return p.lives.now[id].Name
}

func (p *partWalk) drop(id life, m *member, name schema.Name) {
	x := p.ours(m, rewriter.DropTables(m.working))
	x.dropped = []schema.Name{m.working}
	if len(p.st.Renames) == 0 {
		p.verdict.partings = append(p.verdict.partings, [2]schema.Name{m.working, p.part.renames.table(name)})
	}
	p.released[id] = true
	p.run(x)
}

func (p *partWalk) truncated(m *member) execution {
	x := p.ours(m, rewriter.Truncate(m.working))
	x.truncated = []schema.Name{m.working}
	return x
}

// ours is the execution of a text that is not the log's.
func (p *partWalk) ours(m *member, text string) execution {
	x := p.built(p.start, p.query, p.st, text)
	x.schema, x.fence = m.working.Schema, []schema.Name{m.working}
	return x
}

// text is the execution of the log's statement with the names of the target. constraints names
// the table whose generated constraint names follow its own.
func (p *partWalk) text(m *member, edits []ddl.Edit, constraints string) (execution, error) {
	renamed := false
	target := func(n schema.Name) schema.Name {
		if working, ok := p.before[p.fold(n)]; ok {
			return working
		}
		return p.onTarget(n)
	}
	for _, t := range p.st.Tables {
		renamed = renamed || target(t.Name) != t.Name
	}
	s := p.schemas[p.foldSchema(p.query.Schema)]
	if renamed || p.query.Schema == "" || s == nil || s.target != p.query.Schema {
		if p.st.Lossy {
			return execution{}, refused(p.start, []schema.Name{m.final}, p.st.Text, fmt.Errorf("%w: the text does not allow other names", errUncertain))
		}
		edits = append(edits, p.st.NameEdits(target)...)
	}
	if constraints != "" && constraints != m.working.Name {
		edits = append(edits, p.st.ConstraintEdits(followConstraint(constraints, m.working.Name))...)
	}
	x := p.edited(p.start, p.query, p.st, edits)
	if x.raw == nil {
		x.schema = m.working.Schema
	}
	x.fence, x.calledAs = nil, constraints
	for _, t := range p.st.Tables {
		x.fence = append(x.fence, target(t.Name))
	}
	return x, nil
}

// collation spells the collation that a new table takes from its schema, where it is made in
// another one.
func (p *partWalk) collation(m *member, name schema.Name) []ddl.Edit {
	s := p.schemas[p.foldSchema(name.Schema)]
	if s == nil || s.collation == "" || s.target == m.working.Schema {
		return nil
	}
	return p.st.CollationEdits(s.collation)
}

// release takes away what the statement was the last to need.
func (p *partWalk) release(effects []effect) {
	for _, e := range effects {
		for _, id := range []life{e.life, e.other} {
			m := p.active(id)
			if m == nil || m.wanted() {
				continue
			}
			switch p.start {
			case m.until:
				p.drop(id, m, p.lives.now[id])
			case m.rowsUntil:
				if m.rows && !p.emptied[id] {
					p.emptied[id] = true
					p.run(p.truncated(m))
				}
			}
		}
	}
}

// memberTables lists the source's names of the members that exist now, in a stable order.
func (d *director) memberTables() []schema.Name {
	var list []schema.Name
	for id, n := range d.lives.now {
		if d.active(id) != nil {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, schema.Name.Compare)
	return list
}
