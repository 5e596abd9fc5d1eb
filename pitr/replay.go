package pitr

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// replay walks the log and carries out what rules R7 and R8 say.
type replay struct {
	director    *director.Director
	tables      *tableSet
	lanes       *lanes.Lanes
	definitions *target.Session                                // runs statements, each in its own context (R10)
	own         *target.Session                                // for statements of tripod's own
	bare        func(context.Context) (*target.Session, error) // gives a session without a default schema
	progress    *checkpoint.Table
	past        *checkpoint.Past
	journal     *journal // nil: definitions are not compared
	phase       progress.Phase
	isLive      bool // the catalogue has the definitions of the target

	step         int    // of the open entry, that comes next
	rowOfEntry   uint64 // row changes of the open entry that were looked at
	eventsBefore uint64
	transactions uint64
	events       uint64
	rows         uint64
	statements   uint64
	skipped      uint64 // transactions that were left out
	loose        looseReport
	deletions    deletions // of the open statement
}

// run replays a part of the log.
func (r *replay) run(ctx context.Context, reader *archive.Reader, s span) error {
	r.director.Cascades = r.cascades
	_, err := walk(ctx, reader, s, r.phase, r.director.NeedsNothing, hooks{
		begin: func(*event.Entry) error {
			r.step, r.rowOfEntry, r.eventsBefore, r.deletions = 0, 0, r.events, deletions{}
			return nil
		},
		rows:       func(e *event.Entry, rows *event.Rows) error { return r.rowsEvent(ctx, e, rows) },
		query:      func(e *event.Entry, q *event.Query) error { return r.query(ctx, e, q) },
		ended:      r.ended,
		unprepared: func(e *event.Entry) error { return r.refusal(e, limit.Unprepared()) },
	})
	if err != nil {
		return err
	}
	if err := r.lanes.Fence(ctx, nil); err != nil {
		return err
	}
	if err := r.named(ctx); err != nil {
		return err
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	afterAll := func(schema.Name) binlog.Side { return binlog.After }
	if err := r.putBack(ctx, s.stop, afterAll); err != nil {
		return err
	}
	if err := r.allInPlace(ctx); err != nil {
		return err
	}
	for _, t := range r.tables.sorted() {
		r.loose.wholeTable(r.director.Shown(t.Name), t.loose, "a statement changed it behind what was left out")
	}
	return r.tables.dropHelpers(ctx, r.tables.sorted())
}

// ended takes the end of an entry.
func (r *replay) ended(e *event.Entry) error {
	switch {
	case !isTransaction(e):
		return nil
	case r.director.Skips(e):
		r.skipped++
	case r.events > r.eventsBefore:
		r.transactions++
	}
	return r.refusal(e, limit.OfEntry(e)...)
}

// isTransaction tells an entry that changes something from the other halves of XA transactions.
func isTransaction(e *event.Entry) bool {
	return e.Kind == event.Transaction || e.Kind == event.Statement
}

// refusal is that of an entry by what it is as a whole.
func (r *replay) refusal(e *event.Entry, limits ...segment.Limit) error {
	if r.past.Passed(e.Start) {
		return nil // the run that passed it has looked
	}
	return r.director.Refusal(e.Start, "", limits...)
}

// rowsEvent is R7 for one rows event.
func (r *replay) rowsEvent(ctx context.Context, e *event.Entry, rows *event.Rows) error {
	if rows.Flags&event.RowsStatementEnd != 0 {
		defer clear(r.deletions)
	}
	name := rows.Table.Name
	onTarget, taken := r.director.RowTable(name)
	if back, err := r.takesBack(ctx, e, rows, onTarget); back || err != nil {
		return err
	}
	var cascades *cascading
	if rows.HidesCascades() {
		if err := r.director.HiddenCascades(e, rows); err != nil {
			return err
		}
		cascades = &cascading{replay: r, entry: e, rows: rows, parent: r.director.OnTarget(name)}
	}
	side := r.director.Sides.RowSide(name, e.Start)
	if !taken || side == binlog.Skip {
		return cascades.alone(ctx)
	}
	t := r.tables.get(onTarget)
	if t == nil {
		return director.Broken(e.Start, "row event of "+name.String(), fmt.Errorf("%s: %w", name, director.ErrMissing))
	}
	if err := r.windowOver(ctx, e.Start, t); err != nil {
		return err
	}
	if err := r.notice(ctx, e, rows, t); err != nil {
		return err
	}
	if r.director.Skips(e) {
		if err := r.leaveOut(ctx, e, rows, t); err != nil {
			return err
		}
		return cascades.alone(ctx)
	}
	r.events++
	rowsBefore := r.rows
	defer func() { r.phase.Add(progress.Amount{Rows: int64(r.rows - rowsBefore)}) }()
	ready := false
	err := rows.Each(func(before, after event.Image) error {
		o := rewriter.Origin{Entry: e.Start, GTID: e.GTID, Row: r.rowOfEntry}
		r.rowOfEntry++
		r.rows++
		if !r.past.FencedOff(onTarget, o) {
			if !ready {
				if err := r.ready(ctx, e, rows, t); err != nil {
					return err
				}
				if t.Keyed && t.Weights != nil {
					if err := t.Weights.PrepareRows(ctx, t.Write, rows); err != nil {
						return err
					}
				}
				ready = true
			}
			c, err := rewriter.NewChange(rows, before, after)
			if err != nil {
				return fmt.Errorf("replay at %s: %w", o, err)
			}
			if r.deletions.again(rows, t, before) {
				return nil
			}
			if err := r.change(ctx, e, t, side, c, o); err != nil {
				return err
			}
		}
		return cascades.row(ctx, before, after)
	})
	return unread(e, rows, err)
}

// takesBack tells whether rows are of no matter because their transaction takes them back. In a run that goes on it may be the first
// to ask for the table's definition, which is there unless all of these rows are fenced off: the table may have another name by now,
// or be gone. They have numbers all the same, whatever the run.
func (r *replay) takesBack(ctx context.Context, e *event.Entry, rows *event.Rows, onTarget schema.Name) (bool, error) {
	if !rows.Undone {
		return false, nil
	}
	t := r.tables.get(onTarget)
	if t == nil {
		_, taken := r.director.RowTable(rows.Table.Name)
		return !taken, nil // one that is missing is told where rows are read
	}
	n, err := rows.Count()
	if err != nil && !errors.Is(err, event.ErrUnsupported) { // those have no numbers in any run
		return false, err
	}
	behind := r.rowOfEntry + uint64(n)
	if !r.past.FencedOff(onTarget, rewriter.Origin{Entry: e.Start, Row: max(behind, 1) - 1}) {
		if err := r.tables.materialize(ctx, r.past, t); err != nil {
			return false, err
		}
		if !r.director.TakesBack(rows) {
			return false, nil
		}
	}
	r.rowOfEntry = behind
	return true, nil
}

// change is R7 for one row.
func (r *replay) change(ctx context.Context, e *event.Entry, t *table, side binlog.Side, c rewriter.Change, o rewriter.Origin) error {
	if t.def.Class() == schema.NoRows {
		return nil
	}
	rule := rewriter.RuleFor(side)
	if side == binlog.Inside {
		if err := t.convergent(c); err != nil {
			return director.Broken(e.Start, "row event of "+t.Name.String(), err)
		}
	}
	done, doubtful := r.past.Change(t.Keyed, t.def.Class() == schema.NonTransactional, o)
	switch {
	case done:
		return nil
	case doubtful && !t.Keyed && (!t.Write.Keyed() || t.convergent(c) != nil):
		return fmt.Errorf("replay at %s: rows of %s: %w", e.Start, t.Name, errDoubt)
	case doubtful:
		rule = rewriter.Window
	}
	if err := t.Note(c); err != nil {
		return err
	}
	if c.Before.Exists() {
		if err := r.helped(ctx, t); err != nil {
			return err
		}
	}
	var hit bool
	if rule, hit = t.loose.rule(rule, c); hit && c.Partial() {
		t.loose.follow(c)
	}
	if err := r.lanes.Apply(ctx, &t.Table, rule, c, o); err != nil {
		return r.applyFailed(e, t.Name, err)
	}
	return nil
}

// ready prepares for the rows of an event of which not all are on the target.
func (r *replay) ready(ctx context.Context, e *event.Entry, rows *event.Rows, t *table) error {
	if r.past.Passed(e.Start) {
		// No statement has named the table since: its definition is that of the event.
		return r.tables.materialize(ctx, r.past, t)
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	if t.def.Class() == schema.NoRows {
		return nil
	}
	return r.fitting(e, rows, t)
}

// fitting is R7: rows are read by the definition that the target has.
func (r *replay) fitting(e *event.Entry, rows *event.Rows, t *table) error {
	if err := t.fits(rows.Table); err != nil {
		return fault.New(fault.CodeDifference, fault.KindDivergence,
			"the table was changed on the source without a trace in the log (sql_log_bin=0, default_storage_engine): take a new backup, or --exclude "+schema.Patterns(t.Name),
			"replay of rows of %s at %s: %w", t.Name, e.Start, err)
	}
	return nil
}

func (r *replay) applyFailed(e *event.Entry, name schema.Name, err error) error {
	switch {
	case errors.Is(err, rewriter.ErrKeylessWindow):
		return director.Broken(e.Start, "row event of "+name.String(), err)
	case errors.Is(err, event.ErrUnsupported), errors.Is(err, rewriter.ErrPartialImage):
		return director.Refused(e.Start, []schema.Name{name}, "row event of "+name.String(), err)
	}
	return err
}

// query is R8 for one statement.
func (r *replay) query(ctx context.Context, e *event.Entry, q *event.Query) error {
	v, err := r.director.Entry(e, q)
	if err != nil {
		return err
	}
	if r.past.Passed(e.Start) {
		if err := r.windowsOver(ctx, e.Start); err != nil {
			return err
		}
		for i := range v.Executions {
			r.tables.relive(&v.Executions[i])
		}
	} else if err := r.statement(ctx, e.Start, &v); err != nil {
		return err
	}
	for _, view := range v.Views {
		if err := r.viewMade(ctx, e.Start, view); err != nil {
			return fmt.Errorf("replay at %s: %w", e.Start, err)
		}
	}
	return nil
}

func (r *replay) statement(ctx context.Context, start binlog.Position, v *director.Verdict) error {
	if err := r.putBack(ctx, start, r.sides(start, v)); err != nil {
		return err
	}
	if err := r.windowsOver(ctx, start); err != nil {
		return err
	}
	steps, err := r.steps(ctx, start, v)
	if err != nil {
		return err
	}
	var executed [][2]schema.Name
	for _, s := range steps {
		if err := r.do(ctx, start, v, s); err != nil {
			return err
		}
		if s.execution != nil && r.isLive {
			executed = append(executed, s.execution.Renamed...)
		}
	}
	if err := r.tables.readChildren(ctx, executed); err != nil {
		return err
	}
	return r.compareDefinitions(ctx, start, v)
}

// putBack puts back the constraints that were set aside and are not too early any more.
func (r *replay) putBack(ctx context.Context, start binlog.Position, side sideOf) error {
	if !r.tables.asides.due(side) {
		return nil
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	if err := r.lanes.Fence(ctx, nil); err != nil {
		return err
	}
	if err := r.tables.asides.putBack(ctx, side); err != nil {
		return fmt.Errorf("replay at %s: %w", start, err)
	}
	for _, t := range r.tables.puttingOff() { // of which a check was put back
		if err := r.tables.putOff(ctx, t); err != nil {
			return fmt.Errorf("replay at %s: %w", start, err)
		}
	}
	return nil
}

// sides tells on which side of a statement definitions of the target's tables lie.
func (r *replay) sides(start binlog.Position, v *director.Verdict) sideOf {
	if v.Sides != nil {
		return v.Sides
	}
	return func(n schema.Name) binlog.Side { return r.director.Sides.DefinitionSide(n, start) }
}

// live gives the catalogue of a run that goes on what the target has: from here on everything is
// carried out.
func (r *replay) live(ctx context.Context) error {
	if r.isLive {
		return nil
	}
	r.isLive = true
	for _, t := range r.tables.sorted() {
		if err := r.tables.materialize(ctx, r.past, t); err != nil {
			return err
		}
	}
	return nil
}

// viewMade is what becomes of a view that the log made with a star.
func (r *replay) viewMade(ctx context.Context, start binlog.Position, v *director.Object) error {
	item := start.String() + " " + v.Name.Quoted()
	if n, noted := r.past.Views[item]; noted {
		return r.expanded(v, n)
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	n, err := r.expandView(ctx, v)
	if err == nil {
		err = r.progress.Write(ctx, r.own, checkpoint.NewNote(checkpoint.NoteView, item, n))
	}
	if err != nil {
		return err
	}
	return r.expanded(v, n)
}
