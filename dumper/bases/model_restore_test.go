package bases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// mTarget is a restore in one session: it carries out what the manifest's sides say.
type mTarget struct {
	d        *mDumper
	manifest *catalog.Manifest
	sides    *catalog.Sides
	taken    uint16 // the names that are restored
	tables   [nNames]*mTable
	schemas  [nSchemas]mSchema
	problem  string
}

func (d *mDumper) manifest() *catalog.Manifest {
	r := d.bases.Result()
	return &catalog.Manifest{
		Floor: binlog.Point{Position: r.Floor}, RecoverableFrom: r.RecoverableFrom, End: binlog.Point{Position: r.End},
		Names: r.Names, Schemas: r.Schemas, Objects: r.Objects,
	}
}

func (g *mTarget) fail(format string, args ...any) {
	if g.problem == "" {
		g.problem = fmt.Sprintf(format, args...)
	}
}

// excludedProblem begins the problems that stem from tables which the backup was told to leave out.
const excludedProblem = "outside"

func (g *mTarget) takes(n int) bool { return g.taken&bit(n) != 0 }

func (g *mTarget) outside(n int) bool { return g.sides.Base(tableNames[n]).Base == catalog.BaseOutside }

// restore restores the taken names to the state before entry stop.
func (d *mDumper) restore(m *catalog.Manifest, stop int, taken uint16) *mTarget {
	g := &mTarget{d: d, manifest: m, sides: m.Sides(), taken: taken}
	g.load()
	for i := entryAt(m.Floor.Position); i < stop && g.problem == ""; i++ {
		e := &d.log[i]
		if e.kind != kTransaction {
			g.statement(i, e)
			continue
		}
		for j := range e.rows {
			if g.takes(e.rows[j].n) {
				g.row(i, &e.rows[j])
			}
		}
	}
	return g
}

func (g *mTarget) load() {
	for _, s := range g.manifest.Schemas {
		i := s.Name[0] - 'a'
		g.schemas[i] = mSchema{s.Exists, g.d.charsets[i]}
	}
	for i := range g.manifest.Names {
		b := &g.manifest.Names[i]
		n := number(b.Name)
		if b.Base != catalog.BaseRead || b.Absent || !g.takes(n) {
			continue
		}
		content := &g.d.content[n]
		t := &mTable{def: content.def}
		for _, c := range content.chunks {
			if !sameColumns(&c.def, &content.def) {
				g.fail("load %s: chunk of %+v, definition %+v", b.Name, c.def, content.def)
				return
			}
			for _, r := range c.rows {
				t.replace(r)
			}
		}
		g.tables[n] = t
	}
}

// replace is REPLACE of a row.
func (t *mTable) replace(r mRow) {
	if t.def.keyed {
		t.rows = slices.DeleteFunc(t.rows, func(q mRow) bool { return q.k == r.k || t.def.uniq && r.u != 0 && q.u == r.u })
	}
	t.rows = append(t.rows, r)
}

func (g *mTarget) row(i int, ev *mRowEvent) {
	name := tableNames[ev.n]
	side := g.sides.RowSide(name, place(i))
	if side == binlog.Skip {
		return
	}
	t := g.tables[ev.n]
	switch {
	case t == nil:
		g.fail("row event %d for %s, which does not exist", i, name)
	case !sameColumns(&ev.def, &t.def):
		g.fail("row event %d for %s has %+v, target %+v", i, name, ev.def, t.def)
	case side == binlog.Inside && !t.def.keyed:
		g.fail("row event %d in the window of keyless %s", i, name)
	case side == binlog.Inside:
		t.converge(ev)
	default:
		g.account(i, t, ev)
	}
}

// converge is rule A of fact 11.1: the binlog wins.
func (t *mTable) converge(ev *mRowEvent) {
	if ev.before != nil && (ev.after == nil || ev.before.k != ev.after.k) {
		t.rows = slices.DeleteFunc(t.rows, func(q mRow) bool { return q.k == ev.before.k })
	}
	if ev.after != nil {
		t.replace(*ev.after)
	}
}

// account carries out a row event behind the window and holds the result to account.
func (g *mTarget) account(i int, t *mTable, ev *mRowEvent) {
	if ev.before != nil {
		j := slices.Index(t.rows, *ev.before)
		if j < 0 {
			g.fail("divergence: row event %d: %v of %s is missing", i, *ev.before, tableNames[ev.n])
			return
		}
		t.remove(j)
	}
	if ev.after == nil {
		return
	}
	if t.def.keyed && slices.ContainsFunc(t.rows, func(q mRow) bool {
		return q.k == ev.after.k || t.def.uniq && q.u != 0 && q.u == ev.after.u
	}) {
		g.fail("divergence: row event %d: %v of %s exists", i, *ev.after, tableNames[ev.n])
		return
	}
	t.rows = append(t.rows, *ev.after)
}

// executes tells whether a meaning statement is carried out for the name.
func (g *mTarget) executes(n, i int, side binlog.Side) bool {
	if !g.takes(n) {
		return false
	}
	if side == binlog.Inside {
		g.fail("statement %d (%s) in the window of %s", i, &g.d.log[i], tableNames[n])
	}
	return side == binlog.After
}

func (g *mTarget) on(n, i int) bool {
	return g.executes(n, i, g.sides.StatementSide(tableNames[n], place(i)))
}

func (g *mTarget) there(n, i int) bool {
	if g.tables[n] == nil {
		g.fail("statement %d (%s): %s does not exist", i, &g.d.log[i], tableNames[n])
	}
	return g.tables[n] != nil
}

func (g *mTarget) vacant(n, i int) bool {
	if g.tables[n] != nil {
		g.fail("statement %d (%s): %s exists", i, &g.d.log[i], tableNames[n])
	}
	return g.tables[n] == nil
}

func (g *mTarget) statement(i int, e *mEntry) {
	switch e.kind {
	case kCreate, kSelect, kLike:
		g.create(i, e)
	case kDrop:
		for _, n := range e.names {
			if g.on(n, i) && g.there(n, i) {
				g.tables[n] = nil
			}
		}
	case kRename:
		for _, p := range e.pairs {
			g.rename(i, e, p[0], p[1])
		}
	case kExchange:
		g.exchange(i, e)
	case kDropSchema, kCreateSchema, kAlterSchema, kReplaceSchema:
		g.schemaStatement(i, e)
	default:
		g.alter(i, e)
	}
}

func (g *mTarget) create(i int, e *mEntry) {
	side := g.sides.CreateSide(tableNames[e.n], place(i), e.ifNotExists)
	if !g.executes(e.n, i, side) || e.ifNotExists && g.tables[e.n] != nil || !g.vacant(e.n, i) {
		return
	}
	if e.kind == kLike {
		if g.outside(e.m) {
			g.fail("%s: statement %d (%s)", excludedProblem, i, e)
			return
		}
		if g.there(e.m, i) {
			g.tables[e.n] = &mTable{def: g.tables[e.m].def}
		}
		return
	}
	t := &mTable{def: e.def}
	t.def.charset = g.schemas[schemaOf(e.n)].charset
	for j := range e.rows {
		t.rows = append(t.rows, *e.rows[j].after)
	}
	g.tables[e.n] = t
}

func (g *mTarget) rename(i int, e *mEntry, from, to int) {
	source, destination := g.sides.RenameSides(tableNames[from], tableNames[to], place(i))
	away, in := g.executes(from, i, source), g.executes(to, i, destination)
	switch {
	case away && in:
		if g.there(from, i) && g.vacant(to, i) {
			g.tables[to], g.tables[from] = g.tables[from], nil
		}
	case away:
		if g.there(from, i) {
			g.tables[from] = nil
		}
	case in && g.outside(from):
		g.fail("%s: statement %d (%s)", excludedProblem, i, e)
	case in:
		g.fail("statement %d (%s): %s is not there to be renamed", i, e, tableNames[from])
	}
}

func (g *mTarget) exchange(i int, e *mEntry) {
	a, b := g.on(e.n, i), g.on(e.m, i)
	switch {
	case a && b:
		if g.there(e.n, i) && g.there(e.m, i) {
			exchange(g.tables[e.n], g.tables[e.m])
		}
	case a != b && (g.outside(e.n) || g.outside(e.m)):
		g.fail("%s: statement %d (%s)", excludedProblem, i, e)
	case a != b:
		g.fail("statement %d (%s): one of the two is read later", i, e)
	}
}

func (g *mTarget) alter(i int, e *mEntry) {
	side := g.sides.StatementSide(tableNames[e.n], place(i))
	if e.kind == kComment {
		side = g.sides.DefinitionSide(tableNames[e.n], place(i))
	}
	if g.executes(e.n, i, side) && g.there(e.n, i) && !g.tables[e.n].alter(e) {
		g.fail("statement %d (%s) is not possible on %s", i, e, g.tables[e.n])
	}
}

func (g *mTarget) schemaStatement(i int, e *mEntry) {
	if e.kind == kDropSchema || e.kind == kReplaceSchema {
		for n := range g.tables {
			if schemaOf(n) == e.schema && g.on(n, i) {
				g.tables[n] = nil
			}
		}
	}
	if g.sides.SchemaSide(schemaNames[e.schema], place(i)) != binlog.After {
		return
	}
	s := &g.schemas[e.schema]
	switch {
	case e.kind == kDropSchema:
		*s = mSchema{}
	case e.kind == kAlterSchema:
		s.charset = e.arg
	case !s.exists || e.kind == kReplaceSchema:
		*s = mSchema{true, e.arg}
	}
}

// lineage returns the names from which n's content at entry stop descends.
func (d *mDumper) lineage(m *catalog.Manifest, n, stop int) uint16 {
	sides, taken := m.Sides(), bit(n)
	executes := func(n, i int) bool { return sides.StatementSide(tableNames[n], place(i)) == binlog.After }
	for before := uint16(0); before != taken; {
		before = taken
		for i := entryAt(m.Floor.Position); i < stop; i++ {
			e := &d.log[i]
			switch e.kind {
			case kRename:
				for _, p := range e.pairs {
					if _, to := sides.RenameSides(tableNames[p[0]], tableNames[p[1]], place(i)); taken&bit(p[1]) != 0 && to == binlog.After {
						taken |= bit(p[0])
					}
				}
			case kExchange:
				if taken&e.on != 0 && executes(e.n, i) {
					taken |= e.on
				}
			case kLike:
				if taken&bit(e.n) != 0 && executes(e.n, i) {
					taken |= bit(e.m)
				}
			}
		}
	}
	return taken
}

// states returns what the source held before each entry.
func (d *mDumper) states() []*mState {
	s := d.initial.clone()
	states := []*mState{s.clone()}
	for i := range d.log {
		s.apply(&d.log[i])
		states = append(states, s.clone())
	}
	return states
}

// check makes one history, restores it whole and in part to several stop points, and returns
// the first difference from the source.
func (d *mDumper) check() string {
	if problem := d.run(); problem != "" {
		return problem
	}
	m, states := d.manifest(), d.states()
	from, end := entryAt(m.RecoverableFrom.Position), len(d.log)
	for _, stop := range []int{from, end, from + d.n(end-from+1)} {
		g := d.restore(m, stop, 1<<nNames-1)
		if strings.HasPrefix(g.problem, excludedProblem) {
			continue
		}
		if g.problem != "" {
			return fmt.Sprintf("restore to %d: %s", stop, g.problem)
		}
		for i, want := range states[stop].schemas {
			if g.schemas[i] != want {
				return fmt.Sprintf("restore to %d: schema %s is %v, source %v", stop, schemaNames[i], g.schemas[i], want)
			}
		}
		for n, want := range states[stop].tables {
			if !g.outside(n) && !equalTables(g.tables[n], want) {
				return fmt.Sprintf("restore to %d: %s is %s, source %s", stop, tableNames[n], g.tables[n], want)
			}
		}
	}
	for range 3 {
		if problem := d.checkPart(m, states, d.n(nNames)); problem != "" {
			return problem
		}
	}
	return ""
}

// checkPart restores one table with its lineage.
func (d *mDumper) checkPart(m *catalog.Manifest, states []*mState, n int) string {
	from, sides := entryAt(m.Floor.Position), m.Sides()
	taken := uint16(0)
	stop := from
	for { // the lineage depends on the stop point, and its bases bound the stop point
		taken = d.lineage(m, n, stop)
		next := from
		for i, name := range tableNames {
			if taken&bit(i) != 0 {
				next = max(next, entryAt(sides.RecoverableFrom(name)))
			}
		}
		if next <= stop {
			break
		}
		stop = next
	}
	if stop > len(d.log) {
		return ""
	}
	if d.n(2) == 1 {
		further := stop + d.n(len(d.log)-stop+1)
		if d.lineage(m, n, further) == taken {
			stop = further
		}
	}
	g := d.restore(m, stop, taken)
	if g.outside(n) || strings.HasPrefix(g.problem, excludedProblem) {
		return ""
	}
	if g.problem != "" {
		return fmt.Sprintf("partial restore of %s to %d: %s", tableNames[n], stop, g.problem)
	}
	if want := states[stop].tables[n]; !equalTables(g.tables[n], want) {
		return fmt.Sprintf("partial restore of %s to %d: %s, source %s", tableNames[n], stop, g.tables[n], want)
	}
	return ""
}
