package ddl

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// Fold returns the form of a name under which a server with that lower_case_table_names finds
// it: equal folded names are one table. Views and triggers follow the same rule.
func Fold(n schema.Name, lowerCaseTableNames int) schema.Name {
	if lowerCaseTableNames == 0 {
		return n
	}
	return schema.Name{Schema: lower(n.Schema), Name: lower(n.Name)}
}

// FoldObject is Fold for objects: names of routines and events have no case on any server,
// those of views and triggers are names of files like tables'.
func FoldObject(kind ObjectKind, n schema.Name, lowerCaseTableNames int) schema.Name {
	n = Fold(n, lowerCaseTableNames)
	switch kind {
	case View, Trigger:
	default:
		n.Name = lower(n.Name)
	}
	return n
}

func equalFold(a, b string) bool { return a == b || strings.EqualFold(a, b) }

// Touches returns the places where the statement names n, in text order. DROP DATABASE of its
// schema (CREATE OR REPLACE too) gives one in role Dropped (hard), an uncertain statement that may touch it one in
// role Altered (not hard), both without a place in the text. Names are compared as the
// session's lower_case_table_names does.
func (s *Statement) Touches(n schema.Name) []TableRef {
	fold := s.session.LowerCaseTableNames
	key := Fold(n, fold)
	var refs []TableRef
	for _, t := range s.Tables {
		if t.Role != Temporary && Fold(t.Name, fold) == key {
			refs = append(refs, t)
		}
	}
	if s.DropsSchema() && foldSchema(s.Schema, fold) == key.Schema {
		refs = append(refs, TableRef{Name: n, Role: Dropped, Hard: true})
	}
	if len(refs) > 0 || !s.Uncertain {
		return refs
	}
	if s.EverySchema {
		return []TableRef{{Name: n, Role: Altered}}
	}
	for _, name := range s.UncertainSchemas {
		if foldSchema(name, fold) == key.Schema {
			return []TableRef{{Name: n, Role: Altered}}
		}
	}
	return nil
}

func foldSchema(name string, lowerCaseTableNames int) string {
	return Fold(schema.Name{Schema: name}, lowerCaseTableNames).Schema
}
