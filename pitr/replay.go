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
	"github.com/tripod-db/tripod/rewriter"
)

// replay walks the log and carries out what rules R7 and R8 say.
type replay struct {
	director    *director
	tables      *tableSet
	lanes       *lanes
	definitions *session // runs statements, each in its own context (R10)
	progress    *progressTable
	phase       progress.Phase

	rowOfEntry   uint64 // row changes of the open entry that were applied
	eventsBefore uint64
	transactions uint64
	events       uint64
	rows         uint64
	statements   uint64
}

// run replays the log between two boundaries between entries.
func (r *replay) run(ctx context.Context, reader *archive.Reader, from, stop binlog.Position) error {
	limits, err := r.director.collector(ctx, reader)
	if err != nil {
		return err
	}
	a := event.NewAssembler(from.Timeline, event.WithoutRowCounts())
	a.OnBegin(func(*event.Entry) error {
		r.rowOfEntry, r.eventsBefore = 0, r.events
		limits.Begin()
		return nil
	})
	a.OnRows(func(e *event.Entry, rows *event.Rows) error { return r.rowsEvent(ctx, e, rows) })
	a.OnQuery(func(e *event.Entry, q *event.Query) error { return r.query(ctx, e, q) })
	_, err = walk(ctx, reader, a, from, stop, r.phase, func(e *event.Entry) error {
		if r.events > r.eventsBefore {
			r.transactions++
		}
		return r.director.refusal(e.Start, "", limits.End(e)...)
	})
	if err != nil {
		return err
	}
	if err := r.lanes.Fence(ctx, nil); err != nil {
		return err
	}
	return r.tables.dropHelpers(ctx, r.tables.sorted())
}

// rowsEvent is R7 for one rows event.
func (r *replay) rowsEvent(ctx context.Context, e *event.Entry, rows *event.Rows) error {
	name := rows.Table.Name
	if !r.director.taken(name) || e.XID != "" { // an XA transaction counts where it is committed
		return nil
	}
	side := r.director.sides.RowSide(name, e.Start)
	if side == binlog.Skip {
		return nil
	}
	t := r.tables.get(name)
	if t == nil {
		return broken(e.Start, "row event of "+name.String(), fmt.Errorf("%s: %w", name, errMissing))
	}
	if t.def.Class() == schema.NoRows {
		return nil
	}
	if err := r.replayable(e, rows, t); err != nil {
		return err
	}
	rule := rewriter.RuleFor(side)
	r.events++
	rowsBefore := r.rows
	defer func() { r.phase.Add(progress.Amount{Rows: int64(r.rows - rowsBefore)}) }()
	return rows.Each(func(before, after event.Image) error {
		c := rewriter.Change{Map: rows.Table, Before: before, After: after}
		if err := t.note(c); err != nil {
			return err
		}
		if before.Exists() {
			if err := r.helped(ctx, t); err != nil {
				return err
			}
		}
		o := rewriter.Origin{Entry: e.Start, GTID: e.GTID, Row: r.rowOfEntry}
		r.rowOfEntry++
		r.rows++
		if err := r.lanes.Apply(ctx, t, rule, c, o); err != nil {
			return r.applyFailed(e, name, err)
		}
		return nil
	})
}

// replayable refuses rows that this version cannot make exact.
func (r *replay) replayable(e *event.Entry, rows *event.Rows, t *table) error {
	names := []schema.Name{t.name}
	what := "row event of " + t.name.String()
	l, limited, err := limit.OfRows(rows)
	switch {
	case err != nil:
		return err
	case limited:
		if err := r.director.refusal(e.Start, what, l); err != nil {
			return err
		}
	case rows.Flags&(event.RowsCascadesLogged|event.RowsNoForeignKeyChecks) == 0 && rows.Action != event.Insert && r.tables.cascadingParent(t.name):
		return refused(e.Start, names, what, errors.New("the source does not log what its foreign keys cascade (innodb_native_foreign_keys)"))
	}
	if err := t.fits(rows.Table); err != nil {
		return fault.New(fault.CodeDifference, fault.KindDivergence,
			"the table was changed on the source without a trace in the log (sql_log_bin=0, default_storage_engine): take a new backup, or --exclude "+t.name.String(),
			"replay of rows of %s at %s: %w", t.name, e.Start, err)
	}
	return nil
}

func (r *replay) applyFailed(e *event.Entry, name schema.Name, err error) error {
	switch {
	case errors.Is(err, rewriter.ErrKeylessWindow):
		return broken(e.Start, "row event of "+name.String(), err)
	case errors.Is(err, event.ErrUnsupported), errors.Is(err, rewriter.ErrPartialImage):
		return refused(e.Start, []schema.Name{name}, "row event of "+name.String(), err)
	}
	return err
}

// query is R8 for one statement, singly and in log order, behind a fence for every table that
// it names (R9).
func (r *replay) query(ctx context.Context, e *event.Entry, q *event.Query) error {
	v, err := r.director.statement(e.Start, q)
	if err != nil {
		return err
	}
	var executed [][2]schema.Name
	for _, x := range v.executions {
		executed = append(executed, x.renamed...)
	}
	before, behind := r.tables.parentMoves(v.renames, executed, func(n schema.Name) binlog.Side {
		return r.director.sides.DefinitionSide(n, e.Start)
	})
	if err := r.moveParents(ctx, before); err != nil {
		return fmt.Errorf("replay at %s: %w", e.Start, err)
	}
	for i := range v.executions {
		if err := r.execute(ctx, e.Start, &v.executions[i]); err != nil {
			return err
		}
	}
	if err := r.tables.readChildren(ctx, executed); err != nil {
		return err
	}
	if err := r.moveParents(ctx, behind); err != nil {
		return fmt.Errorf("replay at %s: %w", e.Start, err)
	}
	for _, v := range v.views {
		if err := r.expandView(ctx, v); err != nil {
			return fmt.Errorf("replay at %s: %w", e.Start, err)
		}
	}
	return nil
}

func (r *replay) moveParents(ctx context.Context, moves []parentMove) error {
	if len(moves) == 0 {
		return nil
	}
	var children []schema.Name
	for _, m := range moves {
		children = append(children, m.child.name)
	}
	if err := r.lanes.Fence(ctx, children); err != nil {
		return err
	}
	if err := r.tables.dropHelpers(ctx, r.tables.named(children...)); err != nil {
		return err
	}
	return r.tables.moveParents(ctx, moves)
}

func (r *replay) execute(ctx context.Context, start binlog.Position, x *execution) error {
	r.phase.Doing(excerpt(x.text))
	fence := r.fenced(x)
	if err := r.lanes.Fence(ctx, fence); err != nil {
		return err
	}
	if err := r.tables.dropHelpers(ctx, r.tables.named(append(fence, x.altered...)...)); err != nil {
		return err
	}
	if err := r.tables.raiseCounters(ctx, x); err != nil {
		return fmt.Errorf("replay at %s (%s): %w", start, excerpt(x.text), err)
	}
	if err := r.definitions.run(ctx, x); err != nil {
		return statementFailed(start, x, err)
	}
	if err := r.tables.apply(ctx, x); err != nil {
		return fmt.Errorf("replay at %s (%s): %w", start, excerpt(x.text), err)
	}
	for _, n := range x.created {
		if t := r.tables.get(n); !x.copied && t.hasAddedKey(x.text) {
			return fault.New(fault.CodeFailed, fault.KindTarget, "on the target: SET GLOBAL sql_generate_invisible_primary_key = OFF",
				"replay at %s (%s): the target adds a column %s to table %s", start, excerpt(x.text), invisibleKey, n)
		}
	}
	r.statements++
	return nil
}

// fenced lists the tables of a statement's fence.
func (r *replay) fenced(x *execution) []schema.Name {
	fence := x.fence
	if x.fenceSchema != "" {
		for _, t := range r.tables.list {
			if t.name.Schema == x.fenceSchema {
				fence = append(fence, t.name)
			}
		}
	}
	return fence
}

// statementFailed is the fault of a statement that the target refused.
func statementFailed(start binlog.Position, x *execution, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return fault.New(known.Code, known.Kind, known.Hint, "replay at %s (%s): %w", start, excerpt(x.text), err)
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, statementHint(err), "replay at %s (%s): %w", start, excerpt(x.text), err)
}
