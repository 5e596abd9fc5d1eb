package schema

import "strings"

// MariaDBCollationByID finds the collation of that number on a MariaDB, whose numbers up to 254 are MySQL's, with other
// names for five of them.
func MariaDBCollationByID(id uint16) (Collation, bool) {
	c, ok := mariadbCollations[id]
	return c, ok
}

// CharsetOfCollation finds the character set of the collation of that number, on whatever server: those that both know are
// of the same one.
func CharsetOfCollation(id uint16) (Charset, bool) {
	c, ok := collationsByID[id]
	if !ok {
		c, ok = mariadbCollations[id]
	}
	if !ok {
		return Charset{}, false
	}
	return CharsetByName(c.Charset)
}

// DiffersOnMariaDB tells whether MySQL and MariaDB mean two orders by the name of a collation.
func DiffersOnMariaDB(collation string) bool {
	c, ok := CollationByName(collation)
	return ok && mariadbCollations[c.ID].Name == mysqlCroatian(c.Charset)
}

func mysqlCroatian(charset string) string { return charset + "_croatian_mysql561_ci" }

// mariadbCollations is information_schema.COLLATION_CHARACTER_SET_APPLICABILITY of MariaDB 10.11, by number; a test compares it.
var mariadbCollations = mariadbIndex()

// What MariaDB's numbers are made of (10.11).
const (
	lastShared = 254  // of the numbers that MySQL has too
	noPad      = 1024 // is added to the number of a collation for the one that does not pad
	uca1400    = 2048 // from here on the numbers are made of character set, language and strength
)

var (
	// mysqlAlone are those of the shared numbers that MariaDB does not have.
	mysqlAlone = []uint16{76, 248, 249, 250}
	// padding are the collations of which MariaDB has one that does not pad.
	padding = []uint16{
		1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 16, 18, 19, 22, 24, 25, 26, 28, 30, 32, 33, 35, 36, 37, 38, 39, 40, 41, 43, 45, 46, 47, 50, 51, 53, 54, 55, 56, 57, 58,
		59, 60, 61, 62, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 95, 96, 97, 98, 101, 123,
		128, 150, 160, 182, 192, 214, 224, 246,
	}
	// unicodeSets are the character sets of uca1400, in the order of its numbers, older the first number of three that each has for
	// older collations of MariaDB's own.
	unicodeSets = []string{"utf8mb3", "utf8mb4", "ucs2", "utf16", "utf32"}
	older       = map[string]uint16{"utf8mb3": 576, "utf8mb4": 608, "ucs2": 640, "utf16": 672, "utf32": 736}
	// languages are those of uca1400 by their numbers.
	languages = map[uint16]string{
		0: "", 1: "icelandic", 2: "latvian", 3: "romanian", 4: "slovenian", 5: "polish", 6: "estonian", 7: "spanish", 8: "swedish", 9: "turkish", 10: "czech",
		11: "danish", 12: "lithuanian", 13: "slovak", 14: "spanish2", 15: "roman", 16: "persian", 17: "esperanto", 18: "hungarian", 19: "sinhala", 20: "german2",
		23: "vietnamese", 24: "croatian",
	}
	// strengths are the ends of the names of uca1400, by their numbers: the second half does not pad.
	strengths = []string{"ai_ci", "ai_cs", "as_ci", "as_cs"}
)

func mariadbIndex() map[uint16]Collation {
	ids := map[uint16]Collation{}
	put := func(id uint16, name, charset string, pads bool) { ids[id] = Collation{id, name, charset, pads} }
	for _, c := range collations {
		if c.ID <= lastShared {
			ids[c.ID] = c
		}
	}
	for _, id := range mysqlAlone {
		delete(ids, id)
	}
	for _, id := range padding {
		base := ids[id]
		end := strings.LastIndexByte(base.Name, '_')
		put(noPad+id, base.Name[:end]+"_nopad"+base.Name[end:], base.Charset, false)
	}
	for n, set := range unicodeSets {
		mysql, _ := CollationByName(set + "_croatian_ci")
		put(mysql.ID, mysqlCroatian(set), set, true)
		put(older[set], set+"_croatian_ci", set, true)
		put(older[set]+1, set+"_myanmar_ci", set, true)
		put(older[set]+2, set+"_thai_520_w2", set, true)
		for language, name := range languages {
			first := uca1400 + uint16(n)<<8 + language<<3
			name = strings.TrimSuffix(set+"_uca1400_"+name, "_") + "_"
			for i, strength := range strengths {
				put(first+uint16(i), name+strength, set, true)
				put(first+uint16(len(strengths)+i), name+"nopad_"+strength, set, false)
			}
		}
	}
	return ids
}
