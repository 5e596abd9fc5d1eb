package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
)

// The name of a check or a foreign key is its schema's, not its table's. A table of the backup has
// the constraints of the moment at which its definition was read. Until the replay gets there,
// another table may need one of those names, which was its own on the source then (a swap, a
// table that was dropped since): the constraint that comes too early is set aside, and is put back in
// front of the first statement behind that moment. No row needs it meanwhile: the source has
// checked them.

// asides are the constraints that were set aside.
type asides struct {
	tables   *tableSet
	own      *target.Session
	progress *checkpoint.Table
	list     []checkpoint.Aside
}

// sideOf tells on which side of a statement the definition of a table of the target lies.
type sideOf func(schema.Name) binlog.Side

// making does what makes or changes tables, and sets aside the constraints that come too early
// for that. do may be called several times: the target has refused it then.
func (a *asides) making(ctx context.Context, side sideOf, m maker, do func() error) error {
	for {
		err := do()
		taken, ok := takenConstraint(err)
		if !ok {
			return err
		}
		holder, list, found := a.holder(side, m, taken)
		if found != nil {
			return errors.Join(err, found)
		}
		if holder == nil {
			return err
		}
		if err := a.setAside(ctx, holder, list); err != nil {
			return err
		}
	}
}

// holder returns the table whose definition is from a later moment and has the constraint, with
// the constraints to set aside; nil for none.
func (a *asides) holder(side sideOf, m maker, taken takenName) (*table, []ddl.Constraint, error) {
	for _, t := range a.tables.sorted() {
		if !slices.Contains(m.schemas, t.Name.Schema) || side(t.Name) != binlog.Skip {
			continue
		}
		list, err := director.Constraints(t.def, t.Name)
		if err != nil {
			return nil, nil, err
		}
		list = slices.DeleteFunc(list, func(c ddl.Constraint) bool { return c.ForeignKey != taken.foreignKey })
		i := slices.IndexFunc(list, func(c ddl.Constraint) bool {
			return taken.told() && strings.EqualFold(c.Name, taken.name) || !taken.told() && m.mayMake(c.Name)
		})
		switch {
		case i >= 0 && taken.foreignKey: // servers print them by name
			return t, list[i : i+1], nil
		case i >= 0:
			return t, list[i:], nil
		}
	}
	return nil, nil, nil
}

func (a *asides) setAside(ctx context.Context, t *table, constraints []ddl.Constraint) error {
	constraints = slices.Clone(constraints)
	for i, c := range constraints {
		if t.off != nil && !c.ForeignKey && slices.Contains(t.off.checks, c.Name) {
			constraints[i].Clause = notEnforced.ReplaceAllString(c.Clause, "") // only until its window is over
		}
	}
	// A constraint that was set aside before stays in its place in front of these.
	i := slices.IndexFunc(a.list, func(o checkpoint.Aside) bool { return o.Table == t.Name })
	if i < 0 {
		i = len(a.list)
		a.list = append(a.list, checkpoint.Aside{Table: t.Name})
	}
	// Those that a run noted which was killed before it took them away are there twice.
	rest := slices.DeleteFunc(slices.Clone(a.list[i].Constraints), func(o ddl.Constraint) bool { return slices.Contains(constraints, o) })
	a.list[i].Constraints = append(slices.Clone(constraints), rest...)
	for k := range t.def.ForeignKeys {
		f := &t.def.ForeignKeys[k]
		isAside := slices.ContainsFunc(constraints, func(c ddl.Constraint) bool { return c.ForeignKey && c.Name == f.Name })
		if isAside && f.Cascades() {
			a.list[i].Parents = append(a.list[i].Parents, f.Parent)
		}
	}
	if err := a.note(ctx, a.list[i]); err != nil {
		return err
	}
	var clauses []string
	for _, c := range constraints {
		clauses = append(clauses, c.DropConstraint())
	}
	if err := a.alter(ctx, t, clauses); err != nil {
		return fmt.Errorf("set constraint %s of %s aside: %w", constraints[0].Name, t.Name, err)
	}
	return nil
}

// putBack puts back what belongs to definitions that are not from behind a statement any more.
func (a *asides) putBack(ctx context.Context, side sideOf) error {
	for a.due(side) {
		i := slices.IndexFunc(a.list, isDue(side))
		o := a.list[i]
		a.list = slices.Delete(a.list, i, i+1)
		if err := a.back(ctx, side, o); err != nil { // may set others aside
			return fmt.Errorf("put constraint %s of %s back: %w", o.Constraints[0].Name, o.Table, err)
		}
	}
	return nil
}

// due tells whether putBack has something to do.
func (a *asides) due(side sideOf) bool { return slices.ContainsFunc(a.list, isDue(side)) }

func isDue(side sideOf) func(checkpoint.Aside) bool {
	return func(o checkpoint.Aside) bool { return side(o.Table) != binlog.Skip }
}

func (a *asides) back(ctx context.Context, side sideOf, o checkpoint.Aside) error {
	t := a.tables.get(o.Table)
	if t == nil {
		return director.ErrMissing
	}
	there, err := director.Constraints(t.def, t.Name)
	if err != nil {
		return err
	}
	var clauses []string
	for _, c := range o.Constraints {
		if !slices.ContainsFunc(there, sameConstraint(c)) { // a killed run may have come this far
			clauses = append(clauses, c.Clause)
		}
	}
	if len(clauses) > 0 {
		if err := a.making(ctx, side, makerOf(t.Name, o.Constraints), func() error { return a.alter(ctx, t, clauses) }); err != nil {
			return err
		}
	}
	return a.note(ctx, checkpoint.Aside{Table: o.Table})
}

// sameConstraint tells constraints of one table by what names them: a clause that was rewritten reads
// otherwise than the server prints it.
func sameConstraint(c ddl.Constraint) func(ddl.Constraint) bool {
	return func(o ddl.Constraint) bool { return o.ForeignKey == c.ForeignKey && strings.EqualFold(o.Name, c.Name) }
}

// cascading lists the foreign keys of a table that are aside and by which changes of other tables change it. They count all
// the same: its rows are those of a table that had them, under whatever name (a foreign key that comes or goes has the table read again).
func (a *asides) cascading(t *table) (list []*schema.ForeignKey, err error) {
	for _, o := range a.list {
		if o.Table != t.Name || len(o.Parents) == 0 {
			continue
		}
		for _, c := range o.Constraints {
			if !c.ForeignKey {
				continue
			}
			f, err := c.Reference(t.Name.Schema)
			if err != nil {
				return nil, fmt.Errorf("read constraint %s of %s, which is aside: %w", c.Name, t.Name, err)
			}
			if f.Cascades() {
				list = append(list, f)
			}
		}
	}
	return list, nil
}

// cascadesInto tells whether a table has such foreign keys.
func (a *asides) cascadesInto(n schema.Name) bool {
	return slices.ContainsFunc(a.list, func(o checkpoint.Aside) bool { return o.Table == n && len(o.Parents) > 0 })
}

// cascade lists the tables into which changes of a table would cascade by a foreign key that was set
// aside.
func (a *asides) cascade(fold func(schema.Name) schema.Name, n schema.Name) (list []schema.Name) {
	for _, o := range a.list {
		if slices.ContainsFunc(o.Parents, func(p schema.Name) bool { return fold(p) == fold(n) }) {
			list = append(list, o.Table)
		}
	}
	return list
}

// follow brings the parents of foreign keys that are aside to the tables that have their names behind a
// statement (see parentMoves), and returns the notes of that.
func (a *asides) follow(start binlog.Position, resolved map[schema.Name]schema.Name) (notes []checkpoint.Note, err error) {
	for i := range a.list {
		o := &a.list[i]
		if len(resolved) == 0 || !o.Followed.IsZero() && !o.Followed.Before(start) {
			continue // a killed run was here
		}
		o.Constraints, o.Parents, o.Followed = slices.Clone(o.Constraints), slices.Clone(o.Parents), start
		for k := range o.Constraints {
			if err := a.followOne(o.Table, &o.Constraints[k], resolved); err != nil {
				return nil, fmt.Errorf("let constraint %s of %s follow its parent: %w", o.Constraints[k].Name, o.Table, err)
			}
		}
		for k, p := range o.Parents {
			if is, ok := resolved[a.tables.fold(p)]; ok {
				o.Parents[k] = is
			}
		}
		notes = append(notes, checkpoint.NewNote(checkpoint.NoteAside, o.Table.Quoted(), *o))
	}
	return notes, nil
}

func (a *asides) followOne(table schema.Name, c *ddl.Constraint, resolved map[schema.Name]schema.Name) error {
	if !c.ForeignKey {
		return nil
	}
	alter := "ALTER TABLE " + table.Quoted() + " "
	st, err := ddl.Parse([]byte(alter+c.Clause), ddl.Session{Schema: table.Schema})
	if err != nil {
		return err
	}
	for _, t := range st.Tables {
		if t.Role != ddl.Parent {
			continue
		}
		if is, ok := resolved[a.tables.fold(t.Name)]; ok {
			c.Clause = strings.TrimPrefix(st.Edited(ddl.Edit{Start: t.Start, End: t.End, Text: is.Quoted()}), alter)
		}
		return nil
	}
	return errors.New("it names none")
}

func (a *asides) alter(ctx context.Context, t *table, clauses []string) error {
	if err := a.own.Exec(ctx, "ALTER TABLE "+t.Name.Quoted()+" "+strings.Join(clauses, ", ")); err != nil {
		return err
	}
	return a.tables.read(ctx, t.Name)
}

func (a *asides) note(ctx context.Context, o checkpoint.Aside) error {
	return a.progress.Write(ctx, a.own, checkpoint.NewNote(checkpoint.NoteAside, o.Table.Quoted(), o))
}
