package pitr

import (
	"context"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
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
func (r *replay) expandView(ctx context.Context, v *director.Object) (n checkpoint.ViewNote, err error) {
	f := &finisher{session: r.definitions, bare: r.bare, own: r.own, progress: r.progress, reader: r.tables.reader, director: r.director, tables: r.tables, result: &Result{}}
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
		if row, err = f.reader.QueryText(ctx, "SHOW CREATE VIEW "+f.director.ObjectOnTarget(v).Quoted()); err != nil {
			err = fmt.Errorf("read view %s back: %w", v.Name, err)
		} else {
			n.Create = []byte(row[1])
		}
	}
	if utf8Err := f.session.ReadUTF8(ctx); err == nil {
		err = utf8Err
	}
	for _, m := range slices.Backward(made) {
		if dropErr := f.session.Exec(ctx, "DROP VIEW "+r.director.ObjectOnTarget(m).Quoted()); err == nil && dropErr != nil {
			err = fmt.Errorf("drop view %s again: %w", m.Name, dropErr)
		}
	}
	if removeErr := remove(ctx); err == nil {
		err = removeErr
	}
	return n, err
}

// expanded puts what became of a view into the restore's catalogue.
func (r *replay) expanded(v *director.Object, n checkpoint.ViewNote) error {
	if n.Problem != "" {
		r.director.Warn("view %s was made with a star that could not be expanded where it was made (%s): compare its columns with the source's", v.Name, n.Problem)
		return nil
	}
	return r.director.Expanded(v, string(n.Create))
}

// makeForReading creates a view alone, or, where it refers to what is not there, behind all views
// that can be made now. made are those to be dropped again; problem is why the view is not among them.
func (f *finisher) makeForReading(ctx context.Context, v *director.Object) (made []*director.Object, problem error) {
	problem = f.create(ctx, v, v.Steps[0], f.nameEdits(v, v.Steps[0]))
	if problem == nil {
		return []*director.Object{v}, nil
	}
	if !refersToMissing(problem) {
		return nil, problem
	}
	var waiting []*director.Object
	for _, o := range f.director.Restored() {
		if o.Kind == catalog.KindView && len(o.Steps) > 0 {
			waiting = append(waiting, o)
		}
	}
	for progress := true; progress && !slices.Contains(made, v); {
		progress = false
		var failed []*director.Object
		for _, o := range waiting {
			err := f.create(ctx, o, o.Steps[0], f.nameEdits(o, o.Steps[0]))
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

// standIn makes the views that stand in for tables; remove takes them away again. Plan has seen to
// it that their names are nobody else's.
func (r *replay) standIn(ctx context.Context, v *director.Object) (remove func(context.Context) error, err error) {
	pairs := r.director.StandIns(v)
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
