package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/storage/catalog"
)

// hooks are told of a log's entries in order: begin, then rows and query of what is in the entry, then
// ended. Each may be nil.
//
// An XA transaction is at its XA COMMIT (fact 15.5): there its rows and statements are told, as those
// of the entry that commits it. Those that are prepared, or rolled back, have none.
type hooks struct {
	begin func(*event.Entry) error
	rows  func(*event.Entry, *event.Rows) error
	query func(*event.Entry, *event.Query) error
	ended func(*event.Entry) error
	// unprepared is told instead of rows where nobody knows what the entry commits.
	unprepared func(*event.Entry) error
}

// told calls a hook that may be nil.
func told(hook func(*event.Entry) error, e *event.Entry) error {
	if hook == nil {
		return nil
	}
	return hook(e)
}

// keptXA is how many bytes of prepared transactions a walk keeps where nothing else bounds it.
const keptXA = 4 << 20

// keptShare: one transaction takes at most this part of what is kept, so that a large one leaves room.
const keptShare = 4

// assembly makes entries of the events of a walk. Of XA transactions it keeps places: a small one's
// events are kept too, for they are mostly committed at once; others are fetched from the archive when
// they are committed.
type assembly struct {
	hooks
	reader    *archive.Reader
	assembler *event.Assembler
	prepared  map[string]preparedXA

	format []byte       // the format description in force
	open   *event.Entry // that is being assembled
	undone bool         // the present event is taken back
	// events are those of the open entry as long as complete says so.
	events   []byte
	complete bool
	kept     int // bytes of all that are prepared
	most     int
}

// preparedXA is an XA transaction that waits for its end.
type preparedXA struct {
	at binlog.Position // of the entry that prepared it
	// events are its own, behind format; none: they are in the archive.
	format, events []byte
}

// newAssembly begins at a boundary between entries, at which transactions may be prepared: those that
// the archive knows, and those that the manifest does. kept bounds what is kept.
func newAssembly(ctx context.Context, r *archive.Reader, from binlog.Position, open []catalog.OpenXA, kept int, h hooks) (*assembly, error) {
	a := &assembly{hooks: h, reader: r.Holding(int64(kept / 2)), prepared: map[string]preparedXA{}, most: kept}
	known, err := r.OpenXA(ctx, from)
	if err != nil {
		return nil, err
	}
	for _, x := range open {
		a.prepared[x.XID] = preparedXA{at: x.Prepare}
	}
	for _, x := range known {
		a.prepared[x.XID] = preparedXA{at: x.Prepare}
	}
	a.assembler = event.NewAssembler(from.Timeline, event.WithoutRowCounts())
	a.assembler.Foresee(func(binlog.Position) bool { return a.undone })
	a.assembler.OnBegin(func(e *event.Entry) error {
		a.open = e
		return told(h.begin, e)
	})
	a.assembler.OnRows(func(e *event.Entry, rows *event.Rows) error {
		if e.XID != "" || h.rows == nil {
			return nil
		}
		return h.rows(e, rows)
	})
	a.assembler.OnQuery(func(e *event.Entry, q *event.Query) error {
		if e.XID != "" || h.query == nil {
			return nil
		}
		return h.query(e, q)
	})
	return a, nil
}

// add takes the next event.
func (a *assembly) add(ctx context.Context, e archive.Event) error {
	between := a.assembler.AtBoundary()
	a.undone = e.Undone
	entry, err := a.assembler.Add(e.File, e.Pos, e.Raw)
	if err != nil {
		return unforeseen(err)
	}
	if event.Type(e.Raw[4]) == event.TypeFormatDescription {
		a.format = slices.Clone(e.Raw)
	}
	a.keep(between, e.Raw)
	if entry == nil {
		return nil
	}
	switch {
	case entry.Kind == event.XAPrepared:
		a.prepare(entry)
	case entry.Kind == event.XARollback:
		a.forget(entry.XID)
	case entry.Kind == event.XACommit:
		x, known := a.prepared[entry.XID]
		if !known {
			if err := told(a.unprepared, entry); err != nil {
				return err
			}
			break
		}
		a.forget(entry.XID)
		return a.commit(ctx, x, entry)
	case entry.XID != "": // in one phase
		x := preparedXA{at: entry.Start}
		if a.complete {
			x.format, x.events = a.format, a.events
		}
		return a.commit(ctx, x, entry)
	}
	return told(a.ended, entry)
}

// keep takes the event into those of the open entry, where that is, or may be, an XA transaction.
func (a *assembly) keep(first bool, raw []byte) {
	if first {
		a.events, a.complete = append(a.events[:0], raw...), true
		return
	}
	a.complete = a.complete && a.open.XID != "" && len(a.events)+len(raw) <= a.most/keptShare
	if a.complete {
		a.events = append(a.events, raw...)
	}
}

func (a *assembly) prepare(e *event.Entry) {
	a.forget(e.XID)
	x := preparedXA{at: e.Start}
	if a.complete && a.kept+len(a.events) <= a.most {
		x.format, x.events = a.format, slices.Clone(a.events)
		a.kept += len(x.events)
	}
	a.prepared[e.XID] = x
}

func (a *assembly) forget(xid string) {
	a.kept -= len(a.prepared[xid].events)
	delete(a.prepared, xid)
}

// errNoPrepare: the archive holds something else where a transaction was prepared.
var errNoPrepare = errors.New("no such XA transaction is there")

// commit tells the rows and statements of an XA transaction as those of the entry that commits it.
func (a *assembly) commit(ctx context.Context, x preparedXA, commit *event.Entry) error {
	shown := *commit
	shown.Kind = event.Transaction
	again := event.NewAssembler(x.at.Timeline, event.WithoutRowCounts())
	again.OnBegin(func(e *event.Entry) error {
		if e.Start != commit.Start {
			shown.Prepared = e.GTID
		}
		return nil
	})
	if a.rows != nil {
		again.OnRows(func(_ *event.Entry, rows *event.Rows) error { return a.rows(&shown, rows) })
	}
	if a.query != nil {
		again.OnQuery(func(_ *event.Entry, q *event.Query) error { return a.query(&shown, q) })
	}
	e, err := a.transaction(ctx, again, x)
	if err == nil && (e == nil || e.XID != commit.XID) {
		err = errNoPrepare
	}
	if err != nil {
		return fmt.Errorf("read the XA transaction %s at %s, which is committed at %s: %w", commit.XID, x.at, commit.Start, err)
	}
	shown.Tables, shown.RolledBack, shown.UndoneUnclear, shown.Incident = e.Tables, e.RolledBack, e.UndoneUnclear, e.Incident
	return told(a.ended, &shown)
}

// transaction assembles the entry that prepared a transaction; nil where the archive ends before it.
func (a *assembly) transaction(ctx context.Context, again *event.Assembler, x preparedXA) (*event.Entry, error) {
	if x.events != nil {
		once, err := x.assemble(event.NewAssembler(x.at.Timeline, event.WithoutRowCounts()))
		if err != nil {
			return nil, err
		}
		again.Foresee(func(at binlog.Position) bool { return once != nil && binlog.InRanges(once.Undone, at.Pos) })
		return x.assemble(again)
	}
	undone := false
	again.Foresee(func(binlog.Position) bool { return undone })
	for e, err := range a.reader.Events(ctx, x.at) {
		if err != nil {
			return nil, err
		}
		undone = e.Undone
		entry, err := again.Add(e.File, e.Pos, e.Raw)
		if entry != nil || err != nil {
			return entry, unforeseen(err)
		}
	}
	return nil, nil
}

// assemble makes the entry of the events that are kept.
func (x preparedXA) assemble(again *event.Assembler) (*event.Entry, error) {
	if err := again.SetFormat(x.format); err != nil {
		return nil, err
	}
	rest, pos := x.events, x.at.Pos
	for len(rest) > 0 {
		h, err := event.ParseHeader(rest)
		if err != nil {
			return nil, err
		}
		entry, err := again.Add(x.at.File, pos, rest[:h.Size])
		if entry != nil || err != nil {
			return entry, err
		}
		rest, pos = rest[h.Size:], pos+uint64(h.Size)
	}
	return nil, nil
}
