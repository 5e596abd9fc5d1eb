package schema

import (
	"cmp"
	"slices"
	"strings"
)

// Name is a table, view, routine, trigger or event in its schema, spelled as the source spells it.
type Name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// String prints schema.name without quotes, for people.
func (n Name) String() string { return n.Schema + "." + n.Name }

// Quoted prints `schema`.`name` for SQL.
func (n Name) Quoted() string { return Quote(n.Schema) + "." + Quote(n.Name) }

// Compare orders names by schema, then by name, byte by byte.
func (n Name) Compare(m Name) int {
	return cmp.Or(strings.Compare(n.Schema, m.Schema), strings.Compare(n.Name, m.Name))
}

// Quote puts an identifier in backticks.
func Quote(identifier string) string {
	return "`" + strings.ReplaceAll(identifier, "`", "``") + "`"
}

// ProgressTable is the table in which a restore keeps, on the target, what it is and how far it has come.
const ProgressTable = "__tripod_restore"

// RestoreTables are the tables that a restore makes for itself. A target may be a source as well, or become one: they are never backed
// up, and what the log says of them is skipped.
var RestoreTables = []string{ProgressTable + "_swap", ProgressTable + "_swapped", ProgressTable}

// IsRestores tells whether a table is one of these.
func (n Name) IsRestores() bool { return slices.Contains(RestoreTables, n.Name) }

// SystemSchemas are never read; their events are archived and skipped on replay.
var SystemSchemas = []string{"mysql", "sys", "information_schema", "performance_schema"}

// IsSystem tells whether the schema belongs to the server itself. fold: the server compares
// names without case (lower_case_table_names other than 0). Where it does not, SYS beside sys
// is a schema of the user's; only information_schema has no case on any server.
func IsSystem(schema string, fold bool) bool {
	for _, s := range SystemSchemas {
		if s == schema || (fold || s == "information_schema") && strings.EqualFold(s, schema) {
			return true
		}
	}
	return false
}
