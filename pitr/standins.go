package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A view that was made with a star is made where the log makes it, for its columns (expandView). In a
// part the tables that it is made of may live under private names then. For that moment views
// stand in for them, under the names that they would have; a star means the same columns of both.

// tablesOf lists the tables that the text of a view names now, or that those of views named in it do.
// A column that is called as a table counts as its name: that costs a definition.
func (d *director) tablesOf(v *object) []life {
	var list []life
	seen, known := map[*object]bool{}, map[life]bool{}
	var look func(*object)
	look = func(v *object) {
		if seen[v] || len(v.steps) == 0 {
			return
		}
		seen[v] = true
		for _, w := range v.steps[0].statement.Identifiers(false) {
			n := schema.Name{Schema: w.Qualifier, Name: w.Name}
			if n.Schema == "" {
				n.Schema = v.steps[0].schema
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

// standIns lists the tables of a view that live under private names now, each with the name under
// which the view means it. Nothing is made in schemas that are not restored.
func (d *director) standIns(v *object) (pairs [][2]schema.Name) {
	if d.part == nil {
		return nil
	}
	for _, id := range d.tablesOf(v) {
		if m := d.active(id); m != nil {
			if n := d.part.renames.table(d.lives.now[id]); n != m.working && d.part.worksIn(n.Schema) {
				pairs = append(pairs, [2]schema.Name{m.working, n})
			}
		}
	}
	return pairs
}

// standIn makes the views that stand in for tables; remove takes them away again. Plan has seen to
// it that their names are nobody else's.
func (r *replay) standIn(ctx context.Context, v *object) (remove func(context.Context) error, err error) {
	const errNotView = 1347
	pairs := r.director.standIns(v)
	remove = func(ctx context.Context) error {
		for _, p := range pairs {
			err := r.own.Exec(ctx, "DROP VIEW IF EXISTS "+p[1].Quoted())
			if err != nil && server.ErrorNumber(err) != errNotView {
				return fmt.Errorf("drop view %s again: %w", p[1], err)
			}
		}
		return nil
	}
	if err := remove(ctx); err != nil { // what a killed run left
		return remove, err
	}
	for _, p := range pairs {
		if err := r.own.Exec(ctx, "CREATE VIEW "+p[1].Quoted()+" AS SELECT * FROM "+p[0].Quoted()); err != nil && ctx.Err() != nil {
			return remove, err // any other error is the view's trouble
		}
	}
	return remove, nil
}
