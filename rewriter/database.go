package rewriter

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// AlterDatabase gives an existing schema other defaults. One of charset and collation must be given.
func AlterDatabase(name, charset, collation string) string {
	return "ALTER DATABASE " + schema.Quote(name) + databaseOptions(charset, collation)
}

// CreateDatabase creates a schema with these defaults; an existing one is no obstacle.
func CreateDatabase(name, charset, collation string) string {
	return "CREATE DATABASE IF NOT EXISTS " + schema.Quote(name) + databaseOptions(charset, collation)
}

func databaseOptions(charset, collation string) string {
	var s string
	if charset != "" {
		s += " CHARACTER SET " + schema.Quote(charset)
	}
	if collation != "" {
		s += " COLLATE " + schema.Quote(collation)
	}
	return s
}

// CommentDatabase gives an existing schema of a MariaDB its comment; the defaults stay.
func CommentDatabase(name, comment string) string {
	return "ALTER DATABASE " + schema.Quote(name) + " COMMENT '" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(comment) + "'"
}
