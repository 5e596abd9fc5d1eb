package pitr

import (
	"context"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// expandView gives a view that the log made with a star the columns that the star meant then.
// The source expands `SELECT *` when the statement runs and keeps the columns; the log keeps the
// star, which at the end would mean the columns of tables altered since. At the place of the
// statement the target's tables are the source's (a view that was made while the backup ran, and
// tables were still to be read, is in the backup): the view is made here, with those it may be
// built on, its text is read back, and all of them are dropped again until Finish. Their names
// are free: plan has looked (scan.creates). A view that cannot be made here keeps the log's text,
// and the report says so: it may show columns that came later.
func (r *replay) expandView(ctx context.Context, v *object) (n checkpoint.ViewNote, err error) {
	f := &finisher{session: r.definitions, own: r.own, progress: r.progress, reader: r.tables.reader, director: r.director, tables: r.tables, result: &Result{}}
	remove, err := r.standIn(ctx, v)
	if err != nil {
		return n, err
	}
	made, problem := f.makeForReading(ctx, v)
	err = ctx.Err()
	switch {
	case err != nil:
	case problem != nil:
		n.Problem = problem.Error()
	default:
		var row []string
		if row, err = f.reader.QueryText(ctx, "SHOW CREATE VIEW "+f.director.objectOnTarget(v).Quoted()); err != nil {
			err = fmt.Errorf("read view %s back: %w", v.name, err)
		} else {
			n.Create = []byte(row[1])
		}
	}
	if utf8Err := f.session.ReadUTF8(ctx); err == nil {
		err = utf8Err
	}
	for _, m := range slices.Backward(made) {
		if dropErr := f.session.Exec(ctx, "DROP VIEW "+r.director.objectOnTarget(m).Quoted()); err == nil && dropErr != nil {
			err = fmt.Errorf("drop view %s again: %w", m.name, dropErr)
		}
	}
	if removeErr := remove(ctx); err == nil {
		err = removeErr
	}
	return n, err
}

// expanded puts what became of a view into the restore's catalogue.
func (r *replay) expanded(v *object, n checkpoint.ViewNote) error {
	if n.Problem != "" {
		r.director.warn("view %s was made with a star that could not be expanded where it was made (%s): compare its columns with the source's", v.name, n.Problem)
		return nil
	}
	return r.director.expanded(v, string(n.Create))
}

// makeForReading creates a view alone, or, where it refers to what is not there, behind all views
// that can be made now. made are those to be dropped again; problem is why the view is not among them.
func (f *finisher) makeForReading(ctx context.Context, v *object) (made []*object, problem error) {
	problem = f.create(ctx, v, v.steps[0], f.nameEdits(v, v.steps[0]))
	if problem == nil {
		return []*object{v}, nil
	}
	if !refersToMissing(problem) {
		return nil, problem
	}
	var waiting []*object
	for _, o := range f.director.restored() {
		if o.kind == catalog.KindView && len(o.steps) > 0 {
			waiting = append(waiting, o)
		}
	}
	for progress := true; progress && !slices.Contains(made, v); {
		progress = false
		var failed []*object
		for _, o := range waiting {
			err := f.create(ctx, o, o.steps[0], f.nameEdits(o, o.steps[0]))
			if err != nil { // another view's own trouble is Finish's to judge
				failed = append(failed, o)
				if o == v {
					problem = err
				}
				continue
			}
			made, progress = append(made, o), true
			if o == v {
				return made, nil
			}
		}
		waiting = failed
	}
	return made, problem
}

// expanded puts the server's own text of a view into its step, with the definer of the log's
// statement: on the target it may have been made with another, and Finish has to know whose it was.
func (d *director) expanded(v *object, create string) error {
	step := v.steps[0]
	parse := func(text string) (*ddl.Statement, error) {
		return ddl.Parse([]byte(text), ddl.Session{Schema: d.objectOnTarget(v).Schema, LowerCaseTableNames: d.objects.fold})
	}
	st, err := parse(create)
	if user, host, ok := step.statement.Definer(); err == nil && ok && host != "" {
		st, err = parse(st.Edited(st.DefinerEdits(schema.Quote(user) + "@" + schema.Quote(host))...))
	}
	if err != nil {
		return fmt.Errorf("read view %s back: %w", v.name, err)
	}
	step.statement, step.raw = st, nil
	// The server's text is the same in every mode; what it holds is written for the default one.
	step.variables = slices.Clone(step.variables)
	for i := range step.variables {
		if step.variables[i].Name == "sql_mode" {
			step.variables[i] = rewriter.Variable{Name: "sql_mode", Value: "''"}
		}
	}
	v.steps[0] = step
	return nil
}

// viewsMade lists the views that a statement of the log has just made with a star.
func (d *director) viewsMade(st *ddl.Statement) []*object {
	var list []*object
	for _, o := range st.Objects {
		if o.Kind != ddl.View || d.isSystem(o.Name.Schema) || d.part != nil && !d.selected.Object(o.Name) {
			continue
		}
		if v := d.objects.get(catalog.KindView, o.Name); v != nil && len(v.steps) > 0 && v.steps[0].statement == st && st.HasStar() {
			list = append(list, v)
		}
	}
	return list
}
