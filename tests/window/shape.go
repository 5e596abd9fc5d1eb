package window

import "strconv"

// shape is a kind of table: what its keys are made of, and the few values that meet in them.
type shape struct {
	name    string
	create  string   // between the parentheses of CREATE TABLE
	columns []column // that statements write, in table order
	unique  []int    // of columns: those in unique keys, whose values move, trade places and are shifted
	// caseless is the column whose text now and then changes by its case alone (N4); -1 for none.
	caseless int
}

// column is a column with the literals that statements write into it.
type column struct {
	name   string
	values []string
	spare  string // what a value is parked under while two trade places
	number bool
}

// numbers are 0 to most, and others.
func numbers(name string, most int, others ...string) column {
	c := column{name: name, spare: "90", number: true, values: others}
	for n := range most + 1 {
		c.values = append(c.values, strconv.Itoa(n))
	}
	return c
}

func texts(name, spare string, values ...string) column {
	return column{name: name, spare: spare, values: values}
}

const null = "NULL"

// keyedShapes are tables whose rows have an identity: rule A holds for them.
var keyedShapes = []shape{
	{"primary key", "id INT PRIMARY KEY, v INT", []column{numbers("id", 4), numbers("v", 2)}, []int{0}, -1},
	{"nullable unique key", "id INT PRIMARY KEY, u INT, v INT, UNIQUE (u)",
		[]column{numbers("id", 3), numbers("u", 3, null), numbers("v", 1)}, []int{0, 1}, -1},
	{"two unique keys", "id INT PRIMARY KEY, u INT NOT NULL, w INT NOT NULL, UNIQUE (u), UNIQUE (w)",
		[]column{numbers("id", 3), numbers("u", 4), numbers("w", 4)}, []int{0, 1, 2}, -1},
	{"three nullable unique keys", "id INT PRIMARY KEY, u INT UNIQUE, w INT UNIQUE, x INT UNIQUE",
		[]column{numbers("id", 4), numbers("u", 4, null), numbers("w", 4, null), numbers("x", 4, null)}, []int{0, 1, 2, 3}, -1},
	{"case-insensitive keys", "id VARCHAR(3) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, u VARCHAR(3) COLLATE utf8mb4_general_ci UNIQUE, v INT",
		[]column{texts("id", "'z'", "'a'", "'A'", "'b'", "'B'", "'ä'", "'c'"), texts("u", "'q'", null, "'x'", "'X'", "'y'", "'y '"), numbers("v", 1)}, []int{0, 1}, 0},
	{"text and number as key", "k VARCHAR(3) COLLATE utf8mb4_general_ci, n INT, u INT, PRIMARY KEY (k,n), UNIQUE (u)",
		[]column{texts("k", "'z'", "'a'", "'A'", "'a '", "'b'"), numbers("n", 1), numbers("u", 3, null)}, []int{0, 1, 2}, 0},
	{"no primary key", "u INT NOT NULL UNIQUE, v INT", []column{numbers("u", 3), numbers("v", 2)}, []int{0}, -1},
	{"no primary key, two unique keys", "n INT NOT NULL, k VARCHAR(3) COLLATE utf8mb4_0900_ai_ci NOT NULL, UNIQUE (k), UNIQUE (n)",
		[]column{numbers("n", 3), texts("k", "'z'", "'a'", "'A'", "'b'", "'c'")}, []int{0, 1}, 1},
	{"composite key, overlapping unique key", "a INT, b INT, c INT, PRIMARY KEY (a,b), UNIQUE (b,c)",
		[]column{numbers("a", 2), numbers("b", 1), numbers("c", 2)}, []int{0, 1, 2}, -1},
	{"unique keys on generated columns", "id INT PRIMARY KEY, v INT, g INT AS (v DIV 2) UNIQUE, s INT AS (v+1) STORED UNIQUE",
		[]column{numbers("id", 3), {"v", []string{null, "0", "1", "2", "4", "6"}, "90", true}}, []int{0, 1}, -1},
	{"unique key on a prefix", "id INT PRIMARY KEY, s VARCHAR(6), UNIQUE (s(2))",
		[]column{numbers("id", 3), texts("s", "'zz'", null, "'aax'", "'aay'", "'bbx'", "'cc'")}, []int{0, 1}, -1},
	{"unique key on an expression", "id INT PRIMARY KEY, v INT, UNIQUE ((v DIV 2))",
		[]column{numbers("id", 3), numbers("v", 7, null)}, []int{0, 1}, -1},
	{"binary key, composite unique key", "id VARBINARY(3) PRIMARY KEY, u INT, w INT, UNIQUE (u,w)",
		[]column{texts("id", "'z'", "'a'", "'A'", "x'00'", "''"), numbers("u", 1, null), numbers("w", 2)}, []int{0, 1, 2}, -1},
	{"large key", "id BIGINT UNSIGNED PRIMARY KEY, u SMALLINT UNIQUE, d DATE",
		[]column{numbers("id", 2, "9223372036854775808", "18446744073709551615"), numbers("u", 3, null), texts("d", "", null, "'2026-01-01'")}, []int{0, 1}, -1},
	{"values that are equal in the collation alone", "id VARCHAR(3) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, u VARCHAR(3) COLLATE utf8mb4_unicode_ci UNIQUE, v INT",
		[]column{texts("id", "'f'", "'ß'", "'ss'", "'SS'", "'é'", "'e'"), texts("u", "'q'", null, "'ß'", "'ss'", "'ﬁ'", "'fi'", "'x'"), numbers("v", 1)}, []int{0, 1}, 0},
}

// keylessShapes are tables whose rows have none: no rule converges in their windows (fact 11.6).
var keylessShapes = []shape{
	{"no key", "a INT, b INT", []column{numbers("a", 1), numbers("b", 1, null)}, []int{0}, -1},
	{"no key, text", "s VARCHAR(3) COLLATE utf8mb4_0900_ai_ci, n INT", []column{texts("s", "'z'", "'a'", "'A'", "'b'", null), numbers("n", 1)}, []int{0}, 0},
	{"only a nullable unique key", "u INT UNIQUE, v INT", []column{numbers("u", 2, null), numbers("v", 2)}, []int{0}, -1},
	{"only a half nullable unique key", "a INT NOT NULL, b INT, v INT, UNIQUE (a,b)", []column{numbers("a", 1), numbers("b", 1, null), numbers("v", 1)}, []int{0, 1}, -1},
	{"only a unique key on a prefix", "s VARCHAR(6) NOT NULL, v INT, UNIQUE (s(2))", []column{texts("s", "'zz'", "'aax'", "'aay'", "'bbx'", "'cc'"), numbers("v", 1)}, []int{0}, -1},
	{"only a unique key on an expression", "v INT, w INT, UNIQUE ((v DIV 2))", []column{numbers("v", 5, null), numbers("w", 1)}, []int{0}, -1},
}

// shapes are all of them; a table of a shape carries its number.
var shapes = append(append([]shape(nil), keyedShapes...), keylessShapes...)

func sourceName(shape int) string { return "src" + strconv.Itoa(shape) }
func targetName(shape int) string { return "dst" + strconv.Itoa(shape) }
