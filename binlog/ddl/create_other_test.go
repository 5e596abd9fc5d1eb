package ddl

import (
	"os"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// shown reads a file of SHOW CREATE TABLE outputs as a real server gave them.
func shown(t *testing.T, file string) map[string]*schema.Table {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]*schema.Table{}
	for _, s := range strings.Split(string(text), "\n;;\n") {
		if s == "" {
			continue
		}
		table, err := ParseCreateTable(s, "r")
		if err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		tables[table.Name.Name] = table
	}
	return tables
}

func checkFacts(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s\n got\n%s\nwant\n%s", what, g, w)
	}
}

func TestParseCreateTableOfMariaDB(t *testing.T) {
	tables := shown(t, "show_mariadb_10_11.txt")
	m1 := tables["m1"]
	defaults := map[string]string{}
	for _, c := range m1.Columns {
		defaults[c.Name] = c.Default
	}
	for name, want := range map[string]string{"a": "5", "b": "concat('a','b')", "c": "'x'", "e": "uuid()", "g": "current_timestamp(3)",
		"h": "-1.50", "i": "'q'", "bi": "b'101'", "cmp": "NULL", "id": ""} {
		if defaults[name] != want {
			t.Errorf("default of %s: got %q, want %q", name, defaults[name], want)
		}
	}
	p, _ := m1.Column("P")
	if p.Generated != schema.Stored || p.Expression != "`a` + 2" {
		t.Errorf("p: %+v", p)
	}
	if i, _ := m1.Column("i"); !i.Invisible {
		t.Errorf("i: %+v", i)
	}
	if d, _ := m1.Column("d"); d.Collation != "utf8mb4_bin" || m1.Checks != 3 {
		t.Errorf("d: %+v, %d checks", d, m1.Checks)
	}
	checkFacts(t, "keys of m1", keyFacts(m1),
		`"PRIMARY" unique=true 1 column="id" prefix=0 desc=false invisible=false  comment="" expression=""`,
		`"ki" unique=false 1 column="a" prefix=0 desc=false invisible=true  comment="" expression=""`)
	if m3 := tables["m3"]; len(m3.Columns) != 4 || m3.PartitionBy == "" || !m3.Partitioned {
		t.Errorf("m3: %+v", m3)
	}
	// A key over a period is no key over columns: it identifies no row.
	if k, ok := tables["m4"].Identity(); !ok || k.Name != "PRIMARY" {
		t.Errorf("m4 is identified by %v", k)
	}
	if c := tables["m5"].Columns; c[0].Default != "nextval(`r`.`s1`)" {
		t.Errorf("m5: %+v", c)
	}
	if m7 := tables["m7"]; m7.Charset != "utf8mb4" || m7.Collation != "utf8mb4_unicode_nopad_ci" {
		t.Errorf("m7: %+v", m7)
	}
	checkFacts(t, "foreign keys of m9", foreignKeyFacts(tables["m9"]), `"fx" ["p"] -> "r.m1" ["id"] on delete 1 on update 0`)
	if len(tables["s1"].Columns) != 8 {
		t.Errorf("the sequence has %d columns", len(tables["s1"].Columns))
	}
}

func TestParseCreateTableOf56(t *testing.T) {
	tables := shown(t, "show_mysql_5_6.txt")
	checkFacts(t, "columns of m1", columnFacts(tables["m1"])[9:16],
		`"y" year length= charset=/ nullable=true unsigned=false zerofill=false default=false extra=[] srid=NULL comment="" expression=""`,
		`"pt" geomcollection length= charset=/ nullable=true unsigned=false zerofill=false default=false extra=[] srid=NULL comment="" expression=""`,
		`"e2" enum length=["a" "b,)"] charset=latin1/latin1_swedish_ci nullable=false unsigned=false zerofill=false default=true extra=[] srid=NULL comment="" expression=""`,
		`"bin" binary length=4 charset=/ nullable=true unsigned=false zerofill=false default=true extra=[] srid=NULL comment="" expression=""`,
		// Before 8.0 an utf8mb4 that shows no collation has the older default.
		`"u4" varchar length=5 charset=utf8mb4/utf8mb4_general_ci nullable=true unsigned=false zerofill=false default=false extra=[] srid=NULL comment="" expression=""`,
		`"u3" varchar length=5 charset=utf8mb3/utf8mb3_general_ci nullable=true unsigned=false zerofill=false default=false extra=[] srid=NULL comment="" expression=""`,
		`"l1" char length=5 charset=latin1/latin1_swedish_ci nullable=true unsigned=false zerofill=false default=false extra=[] srid=NULL comment="it's \\ \n" expression=""`)
	if a, _ := tables["m1"].Column("a"); a.Length != 5 || !a.Unsigned || !a.ZeroFill {
		t.Errorf("a: %+v", a)
	}
	if m2 := tables["m2"]; m2.Charset != "utf8mb3" || m2.Collation != "utf8mb3_bin" || m2.Columns[2].Collation != "utf8mb3_bin" || m2.Class() != schema.NonTransactional {
		t.Errorf("m2: %+v", m2)
	}
	if m3 := tables["m3"]; m3.Collation != "utf8mb4_general_ci" || len(m3.ForeignKeys) != 1 || !m3.ForeignKeys[0].Cascades() {
		t.Errorf("m3: %+v", m3)
	}
	if !tables["m4"].Partitioned {
		t.Error("m4 is not partitioned")
	}
}

func TestParseCreateTableRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                        "want CREATE TABLE, found the end",
		"CREATE VIEW v AS SELECT 1":               "want CREATE TABLE",
		"CREATE TABLE t":                          "parentheses",
		"CREATE TABLE t (a int":                   "not closed",
		"CREATE TABLE t (a int 'x')":              "column a: want an attribute",
		"CREATE TABLE t (a int FROB)":             "column a: want an attribute",
		"CREATE TABLE t (a varchar(x))":           "length of varchar",
		"CREATE TABLE t (a int, KEY k)":           "key k has no columns",
		"CREATE TABLE t (a int COMMENT 'x)":       "no end",
		"CREATE TABLE t (a int) 5":                "want a table option",
		"CREATE TABLE t (a int) AUTO_INCREMENT=x": "AUTO_INCREMENT",
		"CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES p (x) FROB)": "action of foreign key",
		"CREATE TABLE t (a int, CONSTRAINT x FROB)":                     "constraint x",
	} {
		if _, err := ParseCreateTable(text, "d"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// TestTablespaceInFrontOfTheEngine: SHOW CREATE prints the tablespace without an equals sign, and what stands behind it counts.
func TestTablespaceInFrontOfTheEngine(t *testing.T) {
	def, err := ParseCreateTable("CREATE TABLE `g` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) /*!50100 TABLESPACE `ts1` */ ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin", "d")
	if err != nil {
		t.Fatal(err)
	}
	if def.Engine != "InnoDB" || def.Charset != "latin1" || def.Collation != "latin1_bin" {
		t.Errorf("engine %q, %q, %q", def.Engine, def.Charset, def.Collation)
	}
}
