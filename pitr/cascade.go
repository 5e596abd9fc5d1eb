package pitr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/rewriter"
)

// Servers before 9.x, and 9.x with innodb_native_foreign_keys=ON, do not log what their foreign keys
// cascade (fact 4.2). Which events those are is told by their flags, never by a setting: one with neither 0x10
// (cascades are logged) nor 0x2 (foreign_key_checks=0: there were none), that changes or takes
// away a row, has its foreign keys carried out here, by the definitions at that place of the log:
//
//	the child is in front of its window   its chunks hold what became of it: nothing
//	in it or behind it                    its rows that hold the parent's values are changed
//
// A window converges all the same. A row that was read later than the event and is hit by mistake holds
// what a later event gave it, or a foreign key: by an event it comes back whole, for that one is replayed;
// foreign keys give values with ON UPDATE CASCADE alone, and the dumper reads a child again that has one of these in its window,
// or an image that lacks columns, by which no row comes back whole.
// What the change of a child does to tables below is told by its rows on the target: the dumper sees to
// it that these are then those of the source, or that everything below is in front of its window.
// package dumper/bases has the rule (R5), and refusals here say that a manifest does not keep it.

var errCircular = errors.New("what its foreign keys cascade depends on rows that were not read yet")

// cascading carries out what foreign keys made of one rows event.
type cascading struct {
	*replay
	entry  *event.Entry
	rows   *event.Rows
	parent schema.Name // on the target

	known   bool
	graph   *rewriter.Referred // nil: nothing refers to the table
	sides   map[schema.Name]binlog.Side
	reached map[string][]*lanes.Table // what a kind of change may lead to
}

// alone carries them out where the rows themselves are not replayed. The rows count all the same (see row): others of
// the entry may be behind what an entry that is passed has on the target.
func (c *cascading) alone(ctx context.Context) error {
	if c == nil {
		return nil
	}
	passed := c.past.Passed(c.entry.Start)
	if !passed {
		if err := c.find(ctx); err != nil {
			return err
		}
	}
	if passed || c.graph == nil {
		n, err := c.rows.Count()
		if errors.Is(err, event.ErrUnsupported) {
			return nil // of a table that nobody restores; they have no numbers in any run
		}
		c.rowOfEntry += uint64(n)
		return err
	}
	return c.rows.Each(func(before, after event.Image) error { return c.row(ctx, before, after) })
}

// row is that of one row. It has a number of its own among the changes of its entry, whether or not there
// is something to do: runs that go on have to count alike.
func (c *cascading) row(ctx context.Context, before, after event.Image) error {
	if c == nil {
		return nil
	}
	o := rewriter.Origin{Entry: c.entry.Start, GTID: c.entry.GTID, Row: c.rowOfEntry}
	c.rowOfEntry++
	if c.past.Cascaded(o) {
		return nil
	}
	if err := c.find(ctx); err != nil || c.graph == nil {
		return err
	}
	change, err := rewriter.NewChange(c.rows, before, after)
	if err != nil {
		return fmt.Errorf("replay at %s: %w", o, err)
	}
	effect, err := c.graph.Effect(change)
	if err != nil {
		return c.applyFailed(c.entry, c.rows.Table.Name, err)
	}
	to, err := c.reach(effect)
	if err != nil {
		return err
	}
	list, err := c.graph.Cascades(change, effect)
	if untold := (*rewriter.UntoldError)(nil); errors.As(err, &untold) {
		return c.refused(err, untold.Child)
	}
	if err != nil || len(list) == 0 {
		return err
	}
	return c.lanes.Cascade(ctx, list, to, o)
}

// find makes the graph of the foreign keys that refer to the table, at this place of the log.
func (c *cascading) find(ctx context.Context) error {
	if c.known {
		return nil
	}
	if err := c.live(ctx); err != nil {
		return err
	}
	c.known = true
	if !c.tables.cascadingParent(c.parent) {
		return nil
	}
	c.sides = map[schema.Name]binlog.Side{}
	for _, t := range c.tables.sorted() {
		n, ok := c.director.OnSource(t.Name)
		if _, needed := c.director.RowTable(n); ok && needed {
			c.sides[t.Name] = c.director.Sides.RowSide(n, c.entry.Start)
		}
	}
	if !slices.ContainsFunc(c.tables.cascadingDescendants(c.parent), c.replayed) {
		return nil
	}
	t := c.tables.get(c.parent)
	if t == nil || c.director.Skips(c.entry) {
		return nil // nothing acts here, or HiddenCascades has refused it
	}
	if err := c.fitting(c.entry, c.rows, t); err != nil {
		return err
	}
	graph := map[schema.Name]*rewriter.Referred{}
	var err error
	c.graph, err = c.referred(t, graph)
	return err
}

// replayed tells of a table of the target whether what the log does to its rows here is replayed.
func (c *cascading) replayed(n schema.Name) bool {
	side, ok := c.sides[n]
	return ok && side != binlog.Skip
}

// referred makes the part of the graph that is below a table.
func (c *cascading) referred(t *table, graph map[schema.Name]*rewriter.Referred) (*rewriter.Referred, error) {
	if p := graph[t.Name]; p != nil {
		return p, nil
	}
	p := &rewriter.Referred{Table: t.Write}
	graph[t.Name] = p
	for _, child := range c.tables.sorted() {
		aside, err := c.tables.asides.cascading(child)
		if err != nil {
			return nil, err
		}
		keys := child.def.CascadingKeys()
		for _, a := range aside {
			// One that a killed run noted, and did not take away, is there twice.
			if !slices.ContainsFunc(keys, func(k *schema.ForeignKey) bool { return strings.EqualFold(k.Name, a.Name) }) {
				keys = append(keys, a)
			}
		}
		for _, key := range keys {
			if c.tables.fold(key.Parent) != c.tables.fold(t.Name) {
				continue
			}
			below, err := c.referred(child, graph)
			if err != nil {
				return nil, err
			}
			p.By = append(p.By, &rewriter.Referring{Key: key, Child: below, Done: !c.replayed(child.Name)})
		}
	}
	// InnoDB has them by schema and name of the constraint (measured: of two on one column the first
	// by name decides).
	slices.SortStableFunc(p.By, func(a, b *rewriter.Referring) int {
		return cmp.Or(cmp.Compare(a.Child.Table.Name().Schema, b.Child.Table.Name().Schema), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	return p, nil
}

// reach tells which tables a change of the parent may change, and that it can be told how.
func (c *cascading) reach(on schema.Effect) ([]*lanes.Table, error) {
	id := fmt.Sprint(on)
	if to, known := c.reached[id]; known {
		return to, nil
	}
	w := walkDown{c, map[string]bool{}, nil}
	if err := w.follow(c.graph, on, true); err != nil {
		return nil, err
	}
	if c.reached == nil {
		c.reached = map[string][]*lanes.Table{}
	}
	c.reached[id] = w.to
	return w.to, nil
}

// walkDown goes through the foreign keys that a change sets off.
type walkDown struct {
	*cascading
	seen map[string]bool
	to   []*lanes.Table
}

// follow goes on from a table. The log has the values of the first one; those further down have theirs from
// rows of the target.
func (w *walkDown) follow(p *rewriter.Referred, on schema.Effect, logged bool) error {
	for _, by := range p.By {
		effect, acts := by.Key.Effect(on)
		if !acts {
			continue
		}
		child := w.tables.get(by.Child.Table.Name())
		unread := !by.Done && !logged && w.sides[p.Table.Name()] != binlog.After
		if unread || w.sides[child.Name] == binlog.Inside && (by.Key.Carries(on) || !child.Write.Keyed() || child.off != nil) {
			return director.Broken(w.entry.Start, "row event of "+w.rows.Table.Name.String(), fmt.Errorf("foreign key %s of %s: %w", by.Key.Name, child.Name, errCircular))
		}
		if !by.Done && !slices.Contains(w.to, &child.Table) {
			w.to = append(w.to, &child.Table)
		}
		if id := child.Name.String() + fmt.Sprint(effect); !w.seen[id] {
			w.seen[id] = true
			if err := w.follow(by.Child, effect, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// refused says that what a row event did to tables of the target is not known.
func (c *cascading) refused(cause error, onTarget ...schema.Name) error {
	var names []schema.Name
	for _, t := range onTarget {
		if n, ok := c.director.OnSource(t); ok && c.replayed(t) {
			names = append(names, n)
		}
	}
	return director.Refused(c.entry.Start, names, "row event of "+c.rows.Table.Name.String(), cause)
}

// cascades tells whether changes of a table may change restored ones without a trace in the log, be it
// restored itself or not. A run that goes on does not know yet: definitions are read where they are needed.
func (r *replay) cascades(n schema.Name) bool {
	if r.past.Phase == checkpoint.PhaseFinish {
		return false
	}
	return r.past.Resumed && !r.isLive || r.tables.cascadingParent(r.director.OnTarget(n))
}
