package event

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
)

// query takes a statement: one that opens or ends an entry, one that is an entry, or one inside.
func (a *Assembler) query(at binlog.Position, q *Query) error {
	if err := a.ensure(at); err != nil {
		return err
	}
	is, argument := controlOf(q.SQL)
	if a.inside {
		return a.queryInside(at, q, is, argument)
	}
	switch is {
	case controlBegin:
		a.inside = true
	case controlXAStart:
		a.inside = true
		return a.setXID(argument)
	case controlXACommit:
		return a.endAlone(XACommit, argument)
	case controlXARollback:
		return a.endAlone(XARollback, argument)
	case controlCommit, controlRollback: // of nothing
		a.entry.Kind, a.entry.RolledBack, a.ended = Transaction, is == controlRollback, true
	case controlSavepoint, controlReleaseSavepoint, controlRollbackTo, controlXAEnd:
	case controlNone:
		a.entry.Kind, a.ended = Statement, true
		if a.entry.Alter.changesNothing() {
			return nil
		}
		return a.keep(q)
	}
	return nil
}

// queryInside takes a statement between BEGIN or XA START and the end of the transaction.
func (a *Assembler) queryInside(at binlog.Position, q *Query, is control, argument []byte) error {
	switch is {
	case controlCommit:
		return a.end(q, Transaction)
	case controlRollback:
		a.entry.RolledBack = true
		return a.endRolledBack(at, q)
	case controlXACommit, controlXARollback: // never prepared
		if err := a.setXID(argument); err != nil {
			return err
		}
		if a.entry.RolledBack = is == controlXARollback; a.entry.RolledBack {
			return a.endRolledBack(at, q)
		}
		return a.end(q, Transaction)
	case controlBegin, controlXAStart:
		return fmt.Errorf("%q inside the transaction that began at %s: %w", q.SQL, a.entry.Start, ErrMalformed)
	case controlNone:
		return a.keep(q)
	case controlSavepoint:
		a.savepoints.set(argument, at.Pos, a.standing.rows)
	case controlReleaseSavepoint:
		a.savepoints.release(argument)
	case controlRollbackTo:
		return a.rollBackTo(at, argument)
	case controlXAEnd:
	}
	return nil
}

// endRolledBack ends a transaction that takes back what it has done.
func (a *Assembler) endRolledBack(at binlog.Position, q *Query) error {
	if len(a.entry.Tables) > 0 {
		a.entry.UndoneUnclear = false
		// Its last event is in it, lest that be the compressed one that holds all of them.
		if err := a.undo(binlog.OffsetRange{Start: a.entry.Start.Pos, End: at.Pos + 1}, false); err != nil {
			return err
		}
	}
	return a.end(q, Transaction)
}

// endAlone ends an entry that is nothing but the second half of an XA transaction.
func (a *Assembler) endAlone(kind EntryKind, argument []byte) error {
	a.entry.Kind, a.ended = kind, true
	return a.setXID(argument)
}

func (a *Assembler) setXID(argument []byte) error {
	id, err := canonicalXID(argument)
	a.entry.XID = id
	return err
}

// keep passes a statement on and keeps a copy of it, as long as there are not too many.
func (a *Assembler) keep(q *Query) error {
	e := a.entry
	if len(e.Queries) > 0 && (len(e.Queries) >= maxKeptQueries || a.queryBytes+len(q.SQL) > maxKeptQueryBytes) {
		e.OmittedQueries++
	} else {
		e.Queries = append(e.Queries, q.Clone())
		a.queryBytes += len(q.SQL)
	}
	if a.onQuery != nil {
		return a.onQuery(e, q)
	}
	return nil
}
