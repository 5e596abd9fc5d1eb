package director

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
)

// What foreign keys cascade below the log (fact 4.2) a replay carries out itself, where it has all the tables through
// which it comes down: rows of one that is not restored nobody can ask for. So a change of a table from which a restored one
// descends by way of one that is left out ends the range of that.

// Causes of refused row events.
var (
	ErrCascades     = errors.New("the source does not log what its foreign keys cascade (innodb_native_foreign_keys)")
	ErrLeftOutAbove = errors.New("the transaction is left out by --skip-gtid, and the source does not log what its foreign keys cascaded in it")
)

// HiddenCascades returns the fault of a rows event that may have changed rows of restored tables without a trace in the log, in
// a way that no replay can tell.
func (d *Director) HiddenCascades(e *event.Entry, rows *event.Rows) error {
	skips := d.Skips(e)
	if d.Part == nil && d.ancestry.whole || !d.LogSource().HidesCascades(rows) {
		return nil
	}
	below, err := d.ancestry.below(rows.Table.Name, rows.Action)
	if err != nil {
		return err
	}
	var names, missing []schema.Name
	cause := ErrLeftOutAbove
	for _, b := range below {
		if !skips && len(b.missing) == 0 || d.Sides.RowSide(b.name, e.Start) == binlog.Skip {
			continue
		}
		if names = append(names, b.name); len(b.missing) > 0 {
			cause = ErrCascades
		}
		missing = append(missing, b.missing...)
	}
	if len(names) == 0 {
		return nil
	}
	f := fault.Of(Refused(e.Start, sortedNames(names), "row event of "+rows.Table.Name.String(), cause))
	hint := f.Hint
	if list := sortedNames(missing); len(list) > 0 && len(list) <= mostNames {
		if refused := (*RefusedError)(nil); errors.As(f, &refused) {
			refused.Lists = append(refused.Lists, list)
		}
		hint += fmt.Sprintf(", or restore with them what is above them: %s", schema.Patterns(list...))
	}
	return fault.New(f.Code, f.Kind, hint, "%w", f)
}

func sortedNames(list []schema.Name) []schema.Name {
	slices.SortFunc(list, schema.Name.Compare)
	return slices.Compact(list)
}

// MayCascade tells whether changes of a table, in a unit of the archive that ends there, may be such.
func (d *Director) MayCascade(t *segment.Touched, end binlog.Position) bool {
	if d.Part == nil && d.ancestry.whole || t.Cascades == segment.CascadesNone || d.ancestry.definition == nil {
		return false
	}
	for _, action := range []event.Action{event.Update, event.Delete} {
		below, err := d.ancestry.below(t.Name, action)
		if err != nil {
			return true // reading tells
		}
		if slices.ContainsFunc(below, func(b descendant) bool { return len(b.missing) > 0 && d.Sides.RowSide(b.name, end) != binlog.Skip }) {
			return true
		}
	}
	return false
}

// ReadsDefinitions tells how the definitions of the backup are read, by their names there: those of tables from which restored ones
// descend are needed where the source hides what it cascades.
func (d *Director) ReadsDefinitions(read func(schema.Name) (*schema.Table, error)) {
	d.ancestry.definition = read
}

// descendant is a restored table into which changes of another one may cascade.
type descendant struct {
	name    schema.Name
	missing []schema.Name // through which they come, and that are not restored
}

// asked is what below was asked for.
type asked struct {
	name   schema.Name
	action event.Action
}

// below lists the restored tables into which a change of a table may cascade.
func (a *ancestry) below(n schema.Name, action event.Action) ([]descendant, error) {
	question := asked{a.Fold(n), action}
	if list, known := a.answers[question]; known {
		return list, nil
	}
	g, err := a.family()
	if err != nil {
		return nil, err
	}
	w := walkBelow{ancestry: a, family: g, seen: map[string]bool{}, found: map[schema.Name][]schema.Name{}}
	on := change{deleted: true}
	if action != event.Delete {
		on = change{any: true}
	}
	w.from(n, on, w.lacking(nil, n))
	for _, t := range g.unknown { // which may refer to any
		w.into(t, change{deleted: true, any: true}, append(w.lacking(nil, n), t.name))
	}
	var list []descendant
	for _, name := range slices.SortedFunc(maps.Keys(w.found), schema.Name.Compare) {
		list = append(list, descendant{name, w.found[name]})
	}
	if a.answers == nil {
		a.answers = map[asked][]descendant{}
	}
	a.answers[question] = list
	return list, nil
}

// family is what there is above the restored tables.
type family struct {
	children map[schema.Name][]child // by the parent's folded name
	unknown  []*relation             // that may refer to any table
}

type child struct {
	*relation
	key *schema.ForeignKey
}

// family goes up from the restored tables: what is not above one of them is of no matter.
func (a *ancestry) family() (*family, error) {
	if a.above != nil {
		return a.above, nil
	}
	g := &family{children: map[schema.Name][]child{}}
	var queue []*relation
	seen := map[*relation]bool{}
	add := func(list []*relation) {
		for _, t := range list {
			if !seen[t] {
				seen[t] = true
				queue = append(queue, t)
			}
		}
	}
	for _, n := range a.Tables() {
		if a.restores(n) {
			add(a.byName[a.Fold(n)])
		}
	}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if err := a.read(t); err != nil {
			return nil, err
		}
		if t.unknown {
			g.unknown = append(g.unknown, t)
		}
		for _, r := range t.refers {
			key := a.Fold(r.parent)
			known := len(g.children[key]) > 0
			g.children[key] = append(g.children[key], child{t, r.key})
			if !known {
				add(a.named(r.parent))
			}
		}
	}
	a.above = g
	return g, nil
}

// restores tells whether rows of a table are restored now.
func (d *Director) restores(n schema.Name) bool {
	if d.Part == nil && !d.Exists(n) {
		return false
	}
	_, rows := d.RowTable(n)
	return rows
}

// change is what happens to rows of a table: some go, some get other values in the columns that are named, or in any.
type change struct {
	deleted bool
	columns []string
	any     bool
}

// through returns what a foreign key makes of it.
func (c change) through(key *schema.ForeignKey) (on change, acts bool) {
	if key == nil {
		return change{deleted: true, any: true}, true
	}
	changed := c.columns
	if c.any {
		changed = key.References
	}
	for _, e := range []schema.Effect{{Deleted: c.deleted}, {Changed: changed}} {
		if !e.Deleted && len(e.Changed) == 0 {
			continue
		}
		if effect, ok := key.Effect(e); ok {
			acts = true
			on.deleted, on.columns = on.deleted || effect.Deleted, append(on.columns, effect.Changed...)
		}
	}
	return on, acts
}

// walkBelow goes down from a table.
type walkBelow struct {
	*ancestry
	*family
	seen  map[string]bool
	found map[schema.Name][]schema.Name
}

func (w *walkBelow) lacking(missing []schema.Name, n schema.Name) []schema.Name {
	if w.restores(n) || slices.Contains(missing, n) {
		return missing
	}
	return append(slices.Clone(missing), n)
}

func (w *walkBelow) from(parent schema.Name, on change, missing []schema.Name) {
	for _, c := range w.children[w.Fold(parent)] {
		if effect, acts := on.through(c.key); acts {
			w.into(c.relation, effect, missing)
		}
	}
}

// into arrives at a child, by way of tables of which some are missing.
func (w *walkBelow) into(t *relation, on change, missing []schema.Name) {
	id := fmt.Sprint(t.name.Quoted(), on, len(missing) > 0)
	if w.seen[id] {
		return
	}
	w.seen[id] = true
	if w.restores(t.name) {
		list := w.found[t.name]
		for _, n := range missing {
			if !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
		w.found[t.name] = list
	}
	w.from(t.name, on, w.lacking(missing, t.name))
}
