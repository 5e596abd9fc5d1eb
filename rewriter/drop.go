package rewriter

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// DropTables drops tables that are known to exist. The text of the log is not used: its list
// may hold names that do not execute, and names that never were (fact 8.5).
func DropTables(names ...schema.Name) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = n.Quoted()
	}
	return "DROP TABLE " + strings.Join(quoted, ", ")
}

// Truncate empties a table, also where the server itself wrote the statement (fact 8.10).
func Truncate(name schema.Name) string { return "TRUNCATE TABLE " + name.Quoted() }
