package bases

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// A model of a server that does not log what its foreign keys cascade, of a backup whose chunks are read at
// moments of their own under the rules of this package, and of a restore that carries the cascades
// out (package pitr). Tables have a key id and columns a and b; foreign keys join them at random: in
// chains, in diamonds, with themselves, in circles.

const cNull = -1

type (
	cRow   [3]int // id, a, b
	cState map[string]map[int]cRow
)

var cColumns = []string{"id", "a", "b"}

func cOrdinal(name string) int { return slices.Index(cColumns, name) }

// cWorld is the tables with their foreign keys.
type cWorld struct {
	names  []string
	tables map[string]*schema.Table
	seed   uint64
}

func newCascadeWorld(seed uint64, r *rand.Rand) *cWorld {
	w := &cWorld{tables: map[string]*schema.Table{}, seed: seed}
	for i := range 2 + r.IntN(3) {
		name := string(rune('p' + i))
		t := &schema.Table{Name: named(name), Engine: "InnoDB", Keys: []schema.Key{{Name: "PRIMARY", Unique: true, Primary: true, Parts: []schema.KeyPart{{Column: "id"}}}}}
		for _, c := range cColumns {
			t.Columns = append(t.Columns, schema.Column{Name: c, Type: "int"})
		}
		w.names, w.tables[name] = append(w.names, name), t
	}
	for i, name := range w.names {
		for k := range r.IntN(3) {
			parent := w.names[r.IntN(len(w.names))]
			if i > 0 && r.IntN(4) > 0 {
				parent = w.names[r.IntN(i)] // mostly no circle
			}
			w.tables[name].ForeignKeys = append(w.tables[name].ForeignKeys, schema.ForeignKey{
				Name: fmt.Sprintf("f%d", k), Columns: []string{cColumns[1+r.IntN(2)]}, Parent: named(parent), References: []string{cColumns[r.IntN(2)]},
				OnDelete: []schema.Reference{schema.Cascade, schema.Cascade, schema.SetNull}[r.IntN(3)],
				OnUpdate: []schema.Reference{schema.Cascade, schema.SetNull, schema.Restrict}[r.IntN(3)],
			})
		}
	}
	return w
}

func (s cState) clone() cState {
	c := cState{}
	for n, rows := range s {
		c[n] = maps.Clone(rows)
	}
	return c
}

func (s cState) String() string {
	var list []string
	for _, n := range slices.Sorted(maps.Keys(s)) {
		for _, id := range slices.Sorted(maps.Keys(s[n])) {
			list = append(list, n+fmt.Sprint(s[n][id]))
		}
	}
	return strings.Join(list, " ")
}

// cEvent is the change of a row that the log holds.
type cEvent struct {
	table         string
	before, after *cRow
}

func (e cEvent) String() string {
	switch {
	case e.before == nil:
		return fmt.Sprintf("insert %s%v", e.table, *e.after)
	case e.after == nil:
		return fmt.Sprintf("delete %s%v", e.table, *e.before)
	}
	return fmt.Sprintf("update %s%v to %v", e.table, *e.before, *e.after)
}

func (e cEvent) effect() schema.Effect {
	if e.after == nil {
		return schema.Effect{Deleted: true}
	}
	var on schema.Effect
	for i, c := range cColumns {
		if e.before[i] != e.after[i] {
			on.Changed = append(on.Changed, c)
		}
	}
	return on
}

// cascade carries out what foreign keys make of a row's change. may says which tables' rows change;
// it returns false where a server refuses the statement: a table is updated on the way to itself, or a
// restricting key has children.
func (w *cWorld) cascade(s cState, table string, before cRow, after *cRow, on schema.Effect, way []string, may func(string) bool) bool {
	for _, name := range w.names {
		for i := range w.tables[name].ForeignKeys {
			f := &w.tables[name].ForeignKeys[i]
			if f.Parent.Name != table || !may(name) {
				continue
			}
			value := before[cOrdinal(f.References[0])]
			column := cOrdinal(f.Columns[0])
			effect, acts := f.Effect(on)
			if !acts && (on.Deleted || slices.Contains(on.Changed, f.References[0])) { // it restricts
				for _, r := range s[name] {
					if value != cNull && r[column] == value {
						return false
					}
				}
			}
			if !acts || value == cNull {
				continue
			}
			if len(way) > 14 || !effect.Deleted && slices.Contains(append(way, table), name) && !on.Deleted {
				for _, r := range s[name] {
					if r[column] == value {
						return false
					}
				}
				continue
			}
			for _, id := range slices.Sorted(maps.Keys(s[name])) {
				r, there := s[name][id]
				if !there || r[column] != value {
					continue
				}
				changed := r
				next := &changed
				if effect.Deleted {
					delete(s[name], id)
					next = nil
				} else {
					changed[column] = cNull
					if f.Carries(on) {
						changed[column] = after[cOrdinal(f.References[0])]
					}
					s[name][id] = changed
				}
				if !w.cascade(s, name, r, next, effect, append(slices.Clone(way), table), may) {
					return false
				}
			}
		}
	}
	return true
}

// entries is how long the log of a history is.
const entries = 16

func everyTable(string) bool { return true }

// change draws a statement of one row that the server carries out; nil where it refuses it.
func (w *cWorld) change(r *rand.Rand, s cState) (cState, *cEvent) {
	table := w.names[r.IntN(len(w.names))]
	value := func(column int) int { return w.value(r, s, table, column) }
	next := s.clone()
	ids := slices.Sorted(maps.Keys(s[table]))
	e := &cEvent{table: table}
	switch kind := r.IntN(10); {
	case len(ids) == 0 || kind < 5:
		row := cRow{r.IntN(cIDs), value(1), value(2)}
		if _, there := s[table][row[0]]; there {
			return s, nil
		}
		e.after = &row
	default:
		row := s[table][ids[r.IntN(len(ids))]]
		e.before = &row
		if kind < 8 {
			changed := row
			column := 1 + r.IntN(2)
			changed[column] = value(column)
			if r.IntN(3) == 0 {
				changed[0] = r.IntN(cIDs)
			}
			if _, there := s[table][changed[0]]; changed == row || there && changed[0] != row[0] {
				return s, nil
			}
			e.after = &changed
		}
	}
	next.put(e)
	if e.after != nil && !w.refersToSomething(next, table, *e.after, e.before) {
		return s, nil
	}
	if e.before != nil && !w.cascade(next, table, *e.before, e.after, e.effect(), nil, everyTable) {
		return s, nil
	}
	return next, e
}

// cIDs is how many keys there are in a table.
const cIDs = 6

// value draws one that mostly refers to something.
func (w *cWorld) value(r *rand.Rand, s cState, table string, column int) int {
	for i := range w.tables[table].ForeignKeys {
		f := &w.tables[table].ForeignKeys[i]
		ids := slices.Sorted(maps.Keys(s[f.Parent.Name]))
		if cOrdinal(f.Columns[0]) == column && len(ids) > 0 && r.IntN(8) > 0 {
			return s[f.Parent.Name][ids[r.IntN(len(ids))]][cOrdinal(f.References[0])]
		}
	}
	return r.IntN(cIDs+1) + cNull
}

// put is a row event by the rule of the window; behind it no other leads elsewhere, unless the account fails.
func (s cState) put(e *cEvent) {
	if e.before != nil {
		delete(s[e.table], e.before[0])
	}
	if e.after != nil {
		s[e.table][e.after[0]] = *e.after
	}
}

// refersToSomething is the check of foreign keys whose columns get a value.
func (w *cWorld) refersToSomething(s cState, table string, row cRow, before *cRow) bool {
	for i := range w.tables[table].ForeignKeys {
		f := &w.tables[table].ForeignKeys[i]
		c := cOrdinal(f.Columns[0])
		if row[c] == cNull || before != nil && before[c] == row[c] {
			continue
		}
		found := false
		for _, p := range s[f.Parent.Name] {
			found = found || p[cOrdinal(f.References[0])] == row[c]
		}
		if !found {
			return false
		}
	}
	return true
}
