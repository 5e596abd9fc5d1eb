package rewriter

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// DatabaseOptions reads the character set and the collation that the text of CREATE or ALTER
// DATABASE gives; empty where it gives none. ALTER DATABASE may come without a name.
func DatabaseOptions(text string) (charset, collation string) {
	// A statement on a database has no more than a dozen words.
	tokens := scan(text, 0, 64)
	value := func(i int) string {
		if i < len(tokens) && tokens[i].is("=") {
			i++
		}
		if i < len(tokens) {
			return strings.ToLower(tokens[i].text)
		}
		return ""
	}
	for i := range tokens {
		// The second word is DATABASE or SCHEMA; a database may be called charset.
		if i < 2 || tokens[i].quoted {
			continue
		}
		switch {
		case tokens[i].is("charset"):
			charset = value(i + 1)
		case tokens[i].is("character") && i+1 < len(tokens) && tokens[i+1].is("set"):
			charset = value(i + 2)
		case tokens[i].is("collate"):
			collation = value(i + 1)
		}
	}
	return charset, collation
}

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
