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
		return a.queryInside(q, is, argument)
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
	case controlSavepoint, controlXAEnd:
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
func (a *Assembler) queryInside(q *Query, is control, argument []byte) error {
	switch is {
	case controlCommit:
		return a.end(q, Transaction)
	case controlRollback:
		a.entry.RolledBack = true
		return a.end(q, Transaction)
	case controlXACommit, controlXARollback: // never prepared
		a.entry.RolledBack = is == controlXARollback
		if err := a.setXID(argument); err != nil {
			return err
		}
		return a.end(q, Transaction)
	case controlBegin, controlXAStart:
		return fmt.Errorf("%q inside the transaction that began at %s: %w", q.SQL, a.entry.Start, ErrMalformed)
	case controlNone:
		return a.keep(q)
	case controlSavepoint, controlXAEnd:
	}
	return nil
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
