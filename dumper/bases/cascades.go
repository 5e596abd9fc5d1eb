package bases

import (
	"fmt"
	"slices"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// ReasonCascade has a table read again whose rows foreign keys changed without a trace in the log (R5).
const ReasonCascade = "foreign keys changed its rows while it was read, which is not in the log"

// cascades is R5 for foreign keys whose cascades are not logged. A restore carries them out, from the
// parent's row that the log holds and from rows of the target. In a child's window that converges,
// for the row of the parent is known, and a child's row that is hit by mistake, as it was read later, comes
// back by an event of its own. It does not
//
//   - where the foreign key gives values (ON UPDATE CASCADE): a row may hold one that no event gave it;
//   - where the child has no key: nothing converges there;
//   - where images in the child's window lack columns: a row that is hit by mistake does not come back whole;
//   - below a child: which rows go there only the child's rows tell. So a change that is not in front of
//     the window of the table at hand is behind that of the table above it. (Tables that are read behind
//     those above them always keep this; tables that refer to each other in a circle, or to themselves, when no such change is
//     in their window.)
//   - where the definitions of those above at that place are not known: they were read behind a statement
//     that the change is in front of.
//
// The common window of all connected tables, which the design has, does not give this: a child's row that was
// read behind its end leaves those below it for ever.
func (b *Bases) cascades() {
	off := false
	failpoint.Inject("R5Cascades", func() { off = true })
	if off || !slices.ContainsFunc(b.order, func(n *name) bool { return len(n.hidden.list) > 0 }) {
		return
	}
	for _, n := range b.order {
		if c, found := b.inTheWay(n); found {
			n.settle = n.settle || b.cfg.PlaceLow
			b.readAgainFrom(n, c.start, c.end, ReasonCascade)
		}
	}
}

// inTheWay returns the last change that a base of the name must not be older than.
func (b *Bases) inTheWay(n *name) (worst hiddenChange, found bool) {
	note := func(c hiddenChange) {
		if !found || worst.start.Before(c.start) {
			worst, found = c, true
		}
	}
	b.keysMadeLater(n, note)
	if !n.complete() || !n.present() || n.read.Table == nil || !b.setRows(n) {
		return worst, found
	}
	keys := n.read.Table.CascadingKeys()
	if len(keys) == 0 {
		return worst, found
	}
	for _, above := range b.above(n) {
		if unknown := b.definedFrom(above, n.read.definition.High); !unknown.IsZero() {
			b.anyWithin(binlog.Window{Low: n.base.Rows.Low, High: unknown}, note)
		}
		d := descent{b, n, above, map[string]binlog.Position{}}
		for _, c := range above.hidden.within(binlog.Window{Low: n.base.Rows.Low, High: b.lastHigh(n)}) {
			if past := d.mustBePast(c); !past.IsZero() && c.start.Before(past) {
				note(c)
			}
		}
	}
	return worst, found
}

// keysMadeLater is for foreign keys that the log makes behind what was read of the name: from then on
// a change above the parent has to be behind the parent's window.
func (b *Bases) keysMadeLater(n *name, note func(hiddenChange)) {
	if !n.settled() || n.outside() {
		return
	}
	for _, s := range n.statements {
		if len(s.Parents) == 0 || n.side(s, b.floor) != binlog.After {
			continue
		}
		for _, p := range s.Parents {
			if parent := b.names[p]; parent != nil && parent.complete() && parent.present() {
				b.anyWithin(binlog.Window{Low: s.start, High: parent.base.Rows.High}, note)
			}
		}
	}
}

// anyWithin notes all changes of all tables.
func (b *Bases) anyWithin(w binlog.Window, note func(hiddenChange)) {
	for _, o := range b.order {
		for _, c := range o.hidden.within(w) {
			note(c)
		}
	}
}

// above lists the tables whose changes may come down to a table by foreign keys; it may be one itself.
func (b *Bases) above(n *name) (list []*name) {
	for at, next := n, 0; ; next++ {
		for _, key := range at.cascadingKeys() {
			if p := b.names[b.key(key.Parent)]; p != nil && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		if next == len(list) {
			return list
		}
		at = list[next]
	}
}

func (n *name) cascadingKeys() []*schema.ForeignKey {
	if !n.present() || n.read.Table == nil {
		return nil
	}
	return n.read.Table.CascadingKeys()
}

// definedFrom is where the last statement ended that changed what a table is or is called, of those in front of the
// definition of it, or of a table below it (read), by which a restore goes.
func (b *Bases) definedFrom(n *name, read binlog.Position) (end binlog.Position) {
	until := read
	switch {
	case n.base.Base == catalog.BaseTombstone:
		until = binlog.Later(until, n.base.AtEnd)
	case n.present():
		until = binlog.Later(until, n.base.Statements.Low)
	}
	for _, s := range n.statements {
		if s.start.Before(until) && !s.DefinitionOnly {
			end = s.start
		}
	}
	return end
}

// lastHigh is the highest high of a table and those above it.
func (b *Bases) lastHigh(n *name) binlog.Position {
	high := n.base.Rows.High
	for _, a := range b.above(n) {
		if a.present() {
			high = binlog.Later(high, a.base.Rows.High)
		}
	}
	return high
}

// cascadedInto is R11 for what is not in the log: the last change above a table that its chunks may show, since it is in
// front of its high. No row event of the table tells of that.
func (b *Bases) cascadedInto(n *name) (last hiddenChange, found bool) {
	if len(n.cascadingKeys()) == 0 {
		return last, false
	}
	shown := binlog.Window{Low: b.floor, High: n.base.Rows.High}
	note := func(c hiddenChange) {
		if !c.start.Before(shown.High) { // one that stands for older ones
			c = hiddenChange{start: shown.High, end: shown.High}
		}
		if !found || last.start.Before(c.start) {
			last, found = c, true
		}
	}
	for _, above := range b.above(n) {
		if slices.ContainsFunc(above.statements, func(s *logged) bool { return s.start.Before(shown.High) && !s.DefinitionOnly }) {
			b.anyWithin(shown, note) // of a table that was something else, or was called otherwise
			continue
		}
		d := descent{b, n, above, nil}
		for _, c := range above.hidden.within(shown) {
			if slices.ContainsFunc(b.effects(above, c), d.reaches) {
				note(c)
			}
		}
	}
	return last, found
}

// descent finds out what changes above a table have to be behind that are not in front of its window.
type descent struct {
	*Bases
	n, above *name
	past     map[string]binlog.Position // of each kind of change; zero for nothing
}

func (d *descent) mustBePast(c hiddenChange) (past binlog.Position) {
	for _, effect := range d.effects(d.above, c) {
		id := fmt.Sprint(effect)
		of, known := d.past[id]
		if !known {
			of = d.follow(effect)
			d.past[id] = of
		}
		past = binlog.Later(past, of)
	}
	return past
}

// fallen is a table that a change has come down to; logged is true of the one that the log has the rows of.
type fallen struct {
	name   *name
	effect schema.Effect
	logged bool
}

func (d *descent) follow(effect schema.Effect) (past binlog.Position) {
	d.fall(effect, func(at fallen, key *schema.ForeignKey) { past = binlog.Later(past, d.arrives(at, key)) })
	return past
}

// reaches tells whether a change comes to the table.
func (d *descent) reaches(effect schema.Effect) (reached bool) {
	d.fall(effect, func(fallen, *schema.ForeignKey) { reached = true })
	return reached
}

// fall calls arrives for each foreign key by which a change above comes to the table.
func (d *descent) fall(effect schema.Effect, arrives func(at fallen, key *schema.ForeignKey)) {
	seen := map[string]bool{}
	for list := []fallen{{d.above, effect, true}}; len(list) > 0; list = list[1:] {
		at := list[0]
		for _, child := range d.order {
			for _, key := range child.cascadingKeys() {
				effect, acts := key.Effect(at.effect)
				if d.key(key.Parent) != at.name.key || !acts {
					continue
				}
				if child == d.n {
					arrives(at, key)
				}
				if id := child.key.String() + fmt.Sprint(effect); !seen[id] {
					seen[id] = true
					list = append(list, fallen{child, effect, false})
				}
			}
		}
	}
}

// arrives is what a change has to be behind that comes to the table by one of its keys.
func (d *descent) arrives(at fallen, key *schema.ForeignKey) (past binlog.Position) {
	if !at.logged && at.name.present() {
		past = at.name.base.Rows.High
	}
	if d.n.read.Keyless || key.Carries(at.effect) || inRowWindow(d.n, d.n.partial) {
		past = binlog.Later(past, d.n.base.Rows.High)
	}
	return past
}

// effects is what a change did to the rows of its table. Where its columns are not those of the definition
// that was read, it may have changed any.
func (b *Bases) effects(n *name, c hiddenChange) (list []schema.Effect) {
	if c.Deletes {
		list = append(list, schema.Effect{Deleted: true})
	}
	if len(c.Changed) == 0 {
		return list
	}
	changed := schema.Effect{}
	t := n.read.Table
	known := n.present() && t != nil && !slices.ContainsFunc(n.statements, func(s *logged) bool {
		return !s.DefinitionOnly && (s.start.Before(n.base.Statements.Low) == c.start.Before(s.start) && s.start != c.start)
	})
	switch {
	case known:
		for _, i := range c.Changed {
			if i < len(t.Columns) {
				changed.Changed = append(changed.Changed, t.Columns[i].Name)
			}
		}
	default:
		for _, child := range b.order {
			for _, key := range child.cascadingKeys() {
				if b.key(key.Parent) == n.key {
					changed.Changed = append(changed.Changed, key.References...)
				}
			}
		}
	}
	return append(list, changed)
}
