package director

import (
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A view that was made with a star is made where the log makes it, for its columns. In a
// part the tables that it is made of may live under private names then. For that moment views
// stand in for them, under the names that they would have; a star means the same columns of both.

// tablesOf lists the tables that the text of a view names now, or that those of views named in it do.
// A column that is called as a table counts as its name: that costs a definition.
func (d *Director) tablesOf(v *Object) []Life {
	var list []Life
	seen, known := map[*Object]bool{}, map[Life]bool{}
	var look func(*Object)
	look = func(v *Object) {
		if seen[v] || len(v.Steps) == 0 {
			return
		}
		seen[v] = true
		for _, w := range v.Steps[0].Statement.Identifiers(false) {
			n := schema.Name{Schema: w.Qualifier, Name: w.Name}
			if n.Schema == "" {
				n.Schema = v.Steps[0].Schema
			}
			if id, ok := d.lives.get(n); ok && !known[id] {
				known[id] = true
				list = append(list, id)
			} else if inner := d.objects.get(catalog.KindView, n); inner != nil {
				look(inner)
			}
		}
	}
	look(v)
	return list
}

// StandIns lists the tables of a view that live under private names now, each with the name under
// which the view means it. Nothing is made in schemas that are not restored.
func (d *Director) StandIns(v *Object) (pairs [][2]schema.Name) {
	if d.Part == nil {
		return nil
	}
	for _, id := range d.tablesOf(v) {
		if m := d.active(id); m != nil {
			if n := d.Part.renames.table(d.lives.now[id]); n != m.Working && d.Part.worksIn(n.Schema) {
				pairs = append(pairs, [2]schema.Name{m.Working, n})
			}
		}
	}
	return pairs
}

// Expanded puts the server's own text of a view into its step, with the definer of the log's
// statement: on the target it may have been made with another, and Finish has to know whose it was.
func (d *Director) Expanded(v *Object, create string) error {
	step := v.Steps[0]
	parse := func(text string) (*ddl.Statement, error) {
		return ddl.Parse([]byte(text), ddl.Session{Schema: d.ObjectOnTarget(v).Schema, LowerCaseTableNames: d.objects.fold})
	}
	st, err := parse(create)
	if user, host, ok := step.Statement.Definer(); err == nil && ok && host != "" {
		st, err = parse(st.Edited(st.DefinerEdits(schema.Quote(user) + "@" + schema.Quote(host))...))
	}
	if err != nil {
		return fmt.Errorf("read view %s back: %w", v.Name, err)
	}
	step.Statement, step.Raw = st, nil
	// The server's text is the same in every mode; what it holds is written for the default one.
	step.Variables = slices.Clone(step.Variables)
	for i := range step.Variables {
		if step.Variables[i].Name == "sql_mode" {
			step.Variables[i] = rewriter.Variable{Name: "sql_mode", Value: "''"}
		}
	}
	v.Steps[0] = step
	return nil
}

// viewsMade lists the views that a statement of the log has just made with a star. In a part one that is gone by the stop point
// is nobody's: unlike those of the stop point it may name what is renamed.
func (d *Director) viewsMade(st *ddl.Statement) []*Object {
	var list []*Object
	for _, o := range st.Objects {
		if o.Kind != ddl.View || d.isSystem(o.Name.Schema) || d.Part != nil && !d.selected.Object(o.Name) {
			continue
		}
		if v := d.objects.get(catalog.KindView, o.Name); v != nil && len(v.Steps) > 0 && v.Steps[0].Statement == st && st.HasStar() &&
			(d.Part == nil || d.Part.views == nil || d.Part.views[v.Steps[0].Sequence]) {
			list = append(list, v)
		}
	}
	return list
}
