package ddl

import (
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
)

// OnTemporary takes the names of which is tells that for names of temporary tables of the statement's session, which hide base tables of
// these names: what it does to them changes nothing. renames tells that RENAME TABLE renames such tables too (MariaDB; a MySQL renames the
// base table). It returns the pairs of names under which temporary tables went on.
func (s *Statement) OnTemporary(is func(schema.Name) bool, renames bool) (renamed [][2]schema.Name) {
	switch s.Kind {
	case Meaning, DefinitionOnly, NotInLog:
	case None, Schema, OtherObject, TransactionControl, Account:
		return nil
	}
	switch s.Verb {
	case AlterTable, CreateIndex, DropIndex, TruncateTable:
		if len(s.Tables) == 0 || !is(s.Tables[0].Name) {
			return nil
		}
		renamed = s.Renames
		s.changesNothing()
	case RenameTable:
		if renames {
			renamed = s.renamesTemporary(is)
		}
	case DropTable:
		s.temporaries(Dropped, is)
	case CreateTable:
		if slices.ContainsFunc(s.Tables, func(t TableRef) bool { return t.Role == LikeSource && is(t.Name) }) {
			s.Kind, s.Reason = NotInLog, "it takes its definition from a temporary table"
		}
	default: // changes of rows, in statement format
		if !s.Uncertain || s.OnlyByTriggers { // a temporary table has none
			s.temporaries(Written, is)
		}
	}
	return renamed
}

// temporaries gives names the role of a temporary table. A statement that changes no others changes nothing.
func (s *Statement) temporaries(role Role, is func(schema.Name) bool) {
	found := false
	for i := range s.Tables {
		if t := &s.Tables[i]; t.Role == role && is(t.Name) {
			t.Role, t.Hard, found = Temporary, false, true
		}
	}
	if found && !slices.ContainsFunc(s.Tables, func(t TableRef) bool { return t.Role.Changes() }) {
		s.changesNothing()
	}
}

// renamesTemporary takes the pairs of temporary tables out of a RENAME TABLE. The pairs run left to right.
func (s *Statement) renamesTemporary(is func(schema.Name) bool) (renamed [][2]schema.Name) {
	fold := func(n schema.Name) schema.Name { return Fold(n, s.session.LowerCaseTableNames) }
	moved := map[schema.Name]bool{}
	var rest [][2]schema.Name
	for i, p := range s.Renames {
		temporary, known := moved[fold(p[0])]
		if !known {
			temporary = is(p[0])
		}
		if !temporary {
			rest = append(rest, p)
			continue
		}
		moved[fold(p[0])], moved[fold(p[1])] = false, true
		renamed = append(renamed, p)
		for k := 2 * i; k < 2*i+2 && k < len(s.Tables); k++ {
			s.Tables[k].Role, s.Tables[k].Hard = Temporary, false
		}
	}
	if s.Renames = rest; len(rest) == 0 {
		s.changesNothing()
	}
	return renamed
}

// changesNothing makes it a statement about temporary tables alone.
func (s *Statement) changesNothing() {
	for i := range s.Tables {
		s.Tables[i].Role, s.Tables[i].Hard = Temporary, false
	}
	s.Kind, s.Renames, s.Hard, s.Reason = None, nil, false, ""
	s.Uncertain, s.UncertainSchemas, s.EverySchema, s.OnlyByTriggers = false, nil, false, false
	s.AddsAutoIncrement, s.Cascades, s.ChangesDefault = false, false, false
}
