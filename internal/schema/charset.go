package schema

import "strings"

// Charset is a character set of the server.
type Charset struct {
	Name string
	// Default is its default collation on MySQL 9.7. Older servers and MariaDB differ for
	// utf8mb4 only, whose default was utf8mb4_general_ci.
	Default string
	// MaxBytes is the length of its longest character: mbmaxlen.
	MaxBytes int
}

// Collation is an order of one character set.
type Collation struct {
	ID      uint16 // the number that the protocol and the binlog use
	Name    string
	Charset string
	// PadSpace tells that trailing blanks do not count in comparisons.
	PadSpace bool
}

// CharsetByName finds a character set; names have no case, and utf8 is utf8mb3, as it was
// spelled before 8.0.29 and is on MariaDB.
func CharsetByName(name string) (Charset, bool) {
	name = strings.ToLower(name)
	if name == "utf8" {
		name = "utf8mb3"
	}
	c, ok := charsetsByName[name]
	return c, ok
}

// CollationByName finds a collation; names have no case, and utf8_... is utf8mb3_....
func CollationByName(name string) (Collation, bool) {
	name = strings.ToLower(name)
	if rest, ok := strings.CutPrefix(name, "utf8_"); ok {
		name = "utf8mb3_" + rest
	}
	c, ok := collationsByName[name]
	return c, ok
}

// CollationByID finds the collation of that number.
func CollationByID(id uint16) (Collation, bool) {
	c, ok := collationsByID[id]
	return c, ok
}

var charsetsByName, collationsByName, collationsByID = index()

func index() (map[string]Charset, map[string]Collation, map[uint16]Collation) {
	sets := make(map[string]Charset, len(charsets))
	for _, c := range charsets {
		sets[c.Name] = c
	}
	names := make(map[string]Collation, len(collations))
	ids := make(map[uint16]Collation, len(collations))
	for _, c := range collations {
		names[c.Name] = c
		ids[c.ID] = c
	}
	return sets, names, ids
}
