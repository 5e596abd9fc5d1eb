package rewriter

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// HelperIndex is the name of the index that a keyless table has for the time of a replay.
const HelperIndex = "__tripod_restore"

const (
	// helperParts bounds the index's columns: rows that are equal in so many are rare.
	helperParts = 6
	// helperBytes bounds the index's width. InnoDB's smallest limit for a part is 767 bytes, for a
	// key 3072 (16 KiB pages) or 768 (4 KiB pages).
	helperBytes = 700
	// helperPrefix is how many characters or bytes of a string are taken.
	helperPrefix = 32
)

// CreateHelperIndex returns the statement that gives a keyless table an index by which its rows
// are found without a walk over the table; empty where no column lends itself to one.
func (t *Table) CreateHelperIndex() string {
	if t.Keyed() || !t.transactional && !strings.EqualFold(t.def.Engine, "MyISAM") { // CSV has none, MEMORY a hash of all parts
		return ""
	}
	var parts []string
	bytes := 0
	for _, i := range t.stored {
		part, width := helperPart(&t.def.Columns[i])
		if width == 0 || bytes+width > helperBytes || len(parts) == helperParts {
			continue
		}
		bytes += width
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("ALTER TABLE %s ADD INDEX %s (%s)", t.name.Quoted(), schema.Quote(HelperIndex), strings.Join(parts, ","))
}

// DropHelperIndex takes the index away again.
func (t *Table) DropHelperIndex() string {
	return "ALTER TABLE " + t.name.Quoted() + " DROP INDEX " + schema.Quote(HelperIndex)
}

// helperPart returns a column as a part of the index, and its width in bytes; 0 for columns
// whose match (appendExactly) no index serves.
func helperPart(c *schema.Column) (part string, width int) {
	name := schema.Quote(c.Name)
	const flags = 1 // of NULL
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year", "date", "time", "datetime", "timestamp", "enum", "bit":
		return name, 8 + flags
	case "decimal":
		return name, 32 + flags
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		charset, ok := schema.CharsetByName(c.Charset)
		if !ok {
			return "", 0
		}
		return helperString(c, name, charset.MaxBytes)
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return helperString(c, name, 1)
	}
	return "", 0
}

func helperString(c *schema.Column, name string, bytes int) (part string, width int) {
	const overhead = 3 // NULL and length
	if c.Length == 0 {
		return "", 0 // CHAR(0) can be in no index
	}
	if c.Length > 0 && c.Length <= helperPrefix {
		return name, c.Length*bytes + overhead
	}
	return fmt.Sprintf("%s(%d)", name, helperPrefix), helperPrefix*bytes + overhead
}
