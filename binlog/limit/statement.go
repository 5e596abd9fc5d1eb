package limit

import (
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
)

// maxTables is how many tables a limit names; one of more may touch every table.
const maxTables = 256

// OfQuery returns what a statement of the log is as a limit, with the context that it was logged with; ok is false where it is none.
func OfQuery(st *ddl.Statement, q *event.Query) (l segment.Limit, ok bool) {
	if l, ok = OfStatement(st, q.ErrorCode); ok || !q.Context.Incomplete {
		return l, ok
	}
	return ofUnknown(st, q.Context.UnknownCode)
}

// Unknown returns why a statement is refused of whose session not all is known.
func Unknown(code byte) error { return fmt.Errorf("%w: status variable %d", ErrContext, code) }

// ofUnknown is a statement of whose session not all is known. What it does to objects that are no tables, and to the defaults of a
// schema, ends no table's range.
func ofUnknown(st *ddl.Statement, code byte) (l segment.Limit, ok bool) {
	switch st.Kind {
	case ddl.TransactionControl, ddl.None, ddl.Account:
		return l, false
	case ddl.Meaning, ddl.DefinitionOnly, ddl.Schema, ddl.OtherObject, ddl.NotInLog:
	}
	l = segment.Limit{Kind: segment.LimitContext, Verb: string(st.Verb), Reason: fmt.Sprintf("status variable %d", code)}
	if st.DropsSchema() {
		l.Schemas = append(l.Schemas, st.Schema)
	}
	if st.Uncertain {
		l.Schemas, l.EveryTable = append(l.Schemas, st.UncertainSchemas...), st.EverySchema
	}
	for _, t := range st.Tables {
		if t.Role.Changes() && !slices.Contains(l.Tables, t.Name) {
			l.Tables = append(l.Tables, t.Name)
		}
	}
	bound(&l)
	return l, len(l.Tables) > 0 || len(l.Schemas) > 0 || l.EveryTable
}

// OfStatement returns what a statement of the log is as a limit; ok is false where it is none.
func OfStatement(st *ddl.Statement, errorCode uint16) (l segment.Limit, ok bool) {
	switch {
	case st.Kind == ddl.NotInLog:
		l = segment.Limit{Kind: segment.LimitStatement, Verb: string(st.Verb), Reason: st.Reason, ByTriggers: st.OnlyByTriggers}
		if st.Uncertain {
			l.Schemas, l.EveryTable = slices.Clone(st.UncertainSchemas), st.EverySchema
		}
	case st.Kind != ddl.Meaning && st.Kind != ddl.DefinitionOnly, st.Uncertain:
		return l, false
	case len(st.Union()) > 0: // whoever writes through it
		l = segment.Limit{Kind: segment.LimitStatement, Verb: string(st.Verb), Reason: "rows that are changed through a MERGE table are logged under its name alone", Tables: st.Union()}
		bound(&l)
		return l, true
	case errorCode != 0 && st.Verb != ddl.DropTable: // a DROP names what is not there (fact 8.5)
		l = segment.Limit{Kind: segment.LimitFailed, Verb: string(st.Verb), Reason: fmt.Sprintf("error %d", errorCode)}
	case st.AddsAutoIncrement:
		l = segment.Limit{Kind: segment.LimitNumbers, Verb: string(st.Verb)}
	default:
		return l, false
	}
	for _, t := range st.Tables {
		if !t.Role.Changes() || slices.Contains(l.Tables, t.Name) {
			continue
		}
		l.Tables = append(l.Tables, t.Name)
		l.Rows = l.Rows || t.Role == ddl.Written // at or before L its rows are in the chunks (R5)
	}
	bound(&l)
	return l, true
}
