package pitr

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
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
	definitions *target.Session // runs statements, each in its own context (R10)
	own         *target.Session // for statements of tripod's own
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
}

// run replays the log between two boundaries between entries.
func (r *replay) run(ctx context.Context, reader *archive.Reader, from, stop binlog.Position) error {
	limits, err := collector(ctx, r.director, reader)
	if err != nil {
		return err
	}
	r.director.Cascades = r.cascades
	a := event.NewAssembler(from.Timeline, event.WithoutRowCounts())
	a.OnBegin(func(*event.Entry) error {
		r.step, r.rowOfEntry, r.eventsBefore = 0, 0, r.events
		limits.Begin()
		return nil
	})
	a.OnRows(func(e *event.Entry, rows *event.Rows) error { return r.rowsEvent(ctx, e, rows) })
	a.OnQuery(func(e *event.Entry, q *event.Query) error { return r.query(ctx, e, q) })
	_, err = walk(ctx, reader, a, from, stop, r.phase, r.director.NeedsNothing, func(e *event.Entry) error {
		switch {
		case r.director.Skips(e):
			r.skipped++
		case r.events > r.eventsBefore:
			r.transactions++
		}
		found := limits.End(e)
		if r.past.Passed(e.Start) {
			return nil // the run that passed it has looked
		}
		return r.director.Refusal(e.Start, "", found...)
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
	for _, t := range r.tables.sorted() {
		r.loose.wholeTable(r.director.Shown(t.Name), t.loose, "a statement changed it behind what was left out")
	}
	if err := r.putBack(ctx, stop, func(schema.Name) binlog.Side { return binlog.After }); err != nil {
		return err
	}
	return r.tables.dropHelpers(ctx, r.tables.sorted())
}

// rowsEvent is R7 for one rows event.
func (r *replay) rowsEvent(ctx context.Context, e *event.Entry, rows *event.Rows) error {
	name := rows.Table.Name
	onTarget, taken := r.director.RowTable(name)
	if e.XID != "" { // an XA transaction counts where it is committed
		return nil
	}
	if !taken {
		return r.cascaded(ctx, e, rows)
	}
	side := r.director.Sides.RowSide(name, e.Start)
	if side == binlog.Skip {
		return nil
	}
	t := r.tables.get(onTarget)
	if t == nil {
		return director.Broken(e.Start, "row event of "+name.String(), fmt.Errorf("%s: %w", name, director.ErrMissing))
	}
	if r.director.Skips(e) {
		return r.leaveOut(ctx, e, rows, t)
	}
	r.events++
	rowsBefore := r.rows
	defer func() { r.phase.Add(progress.Amount{Rows: int64(r.rows - rowsBefore)}) }()
	ready := false
	return rows.Each(func(before, after event.Image) error {
		o := rewriter.Origin{Entry: e.Start, GTID: e.GTID, Row: r.rowOfEntry}
		r.rowOfEntry++
		r.rows++
		if r.past.FencedOff(onTarget, o) {
			return nil
		}
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
		return r.change(ctx, e, t, rewriter.RuleFor(side), rewriter.Change{Map: rows.Table, Before: before, After: after}, o)
	})
}

// change is R7 for one row.
func (r *replay) change(ctx context.Context, e *event.Entry, t *table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	if t.def.Class() == schema.NoRows {
		return nil
	}
	done, doubtful := r.past.Change(t.Keyed, t.def.Class() == schema.NonTransactional, o)
	switch {
	case done:
		return nil
	case doubtful && !t.Keyed:
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
	if err := r.lanes.Apply(ctx, &t.Table, t.loose.rule(rule, c), c, o); err != nil {
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
	return r.replayable(e, rows, t)
}

// replayable refuses rows that this version cannot make exact.
func (r *replay) replayable(e *event.Entry, rows *event.Rows, t *table) error {
	names := []schema.Name{t.Name}
	what := "row event of " + t.Name.String()
	l, limited, err := limit.OfRows(rows)
	switch {
	case err != nil:
		return err
	case limited:
		if err := r.director.Refusal(e.Start, what, l); err != nil {
			return err
		}
	case hidesCascades(rows) && r.tables.cascadingParent(t.Name):
		return director.Refused(e.Start, names, what, errCascades)
	}
	if err := t.fits(rows.Table); err != nil {
		return fault.New(fault.CodeDifference, fault.KindDivergence,
			"the table was changed on the source without a trace in the log (sql_log_bin=0, default_storage_engine): take a new backup, or --exclude "+schema.Patterns(t.Name),
			"replay of rows of %s at %s: %w", t.Name, e.Start, err)
	}
	return nil
}

var errCascades = errors.New("the source does not log what its foreign keys cascade (innodb_native_foreign_keys)")

// hidesCascades tells whether a rows event may have had effects on other tables that are not logged.
func hidesCascades(rows *event.Rows) bool {
	return rows.Flags&(event.RowsCascadesLogged|event.RowsNoForeignKeyChecks) == 0 && rows.Action != event.Insert
}

// cascades tells whether changes of a table that is not restored may have changed one that is. A run
// that goes on does not know yet: definitions are read where they are needed.
func (r *replay) cascades(n schema.Name) bool {
	if r.director.Part == nil || r.past.Phase == checkpoint.PhaseFinish {
		return false
	}
	return r.past.Resumed && !r.isLive || r.tables.cascadingParent(r.director.OnTarget(n))
}

// cascaded refuses rows of a table that is not restored, if the source has changed restored ones with
// them, which it does not log.
func (r *replay) cascaded(ctx context.Context, e *event.Entry, rows *event.Rows) error {
	if r.director.Part == nil || !hidesCascades(rows) || r.past.Passed(e.Start) {
		return nil
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	var names []schema.Name
	for _, t := range r.tables.cascadingChildren(r.director.OnTarget(rows.Table.Name)) {
		n, ok := r.director.OnSource(t)
		if _, needed := r.director.RowTable(n); ok && needed && r.director.Sides.RowSide(n, e.Start) != binlog.Skip {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return director.Refused(e.Start, names, "row event of "+rows.Table.Name.String(), errCascades)
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
