package ddl

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// alterClauses are clauses of ALTER TABLE of every kind, for the table of TestDefinitionOnly.
var alterClauses = []string{
	"COMMENT 'x,y'", "COMMENT = '), DROP COLUMN b'", "AUTO_INCREMENT = 500", "AUTO_INCREMENT 7", "STATS_PERSISTENT=1", "STATS_AUTO_RECALC=0 STATS_SAMPLE_PAGES=9",
	"ADD INDEX (a)", "ADD KEY k1 (b(3), a DESC) COMMENT 'c'", "ADD INDEX k2 USING BTREE (c) INVISIBLE", "ADD KEY ((a + 1))", "ADD UNIQUE (id, a)", "ADD UNIQUE KEY u2 (id)",
	"ADD FULLTEXT (b)", "ALTER a SET DEFAULT 9", "ALTER COLUMN b SET DEFAULT 'q'", "ALTER a DROP DEFAULT", "ALTER COLUMN a SET DEFAULT (1 + 1)", "ALTER COLUMN c SET INVISIBLE",
	"ALTER INDEX ka INVISIBLE", "RENAME INDEX ka TO kb", "DROP INDEX ka", "DROP KEY ub", "DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)", "ADD COLUMN n1 INT DEFAULT 4",
	"ADD n2 VARCHAR(5) NOT NULL FIRST", "ADD (n3 INT, n4 INT)", "ADD n5 INT AS (a + 1)", "ADD n6 DATETIME DEFAULT NOW()", "DROP COLUMN c", "MODIFY a BIGINT", "MODIFY a INT AFTER b",
	"CHANGE b b2 VARCHAR(30)", "RENAME COLUMN c TO c2", "ADD CHECK (a < 1000)", "ADD CONSTRAINT ck2 CHECK (a <> 77) NOT ENFORCED", "DROP CHECK ck1", "ALTER CHECK ck1 NOT ENFORCED",
	"ADD FOREIGN KEY (a) REFERENCES p (id)", "ADD CONSTRAINT f2 FOREIGN KEY (a) REFERENCES p (id) ON DELETE RESTRICT ON UPDATE NO ACTION",
	"ADD FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE", "ADD FOREIGN KEY (a) REFERENCES p (id) ON UPDATE SET NULL", "DROP FOREIGN KEY f1", "CONVERT TO CHARACTER SET latin1",
	"CHARACTER SET latin1", "DEFAULT COLLATE utf8mb4_bin", "ENGINE=InnoDB", "ENGINE=MyISAM", "ROW_FORMAT=COMPRESSED", "FORCE", "ORDER BY a", "ENABLE KEYS", "ALGORITHM=COPY", "ALGORITHM=INPLACE, LOCK=NONE",
	"LOCK=SHARED", "/*!99999 DROP COLUMN a, */ COMMENT 'v'", "COMMENT 'v' /*!50000 , DROP COLUMN a */", "ADD INDEX k9 (a) /* , DROP COLUMN b */",
}

// shape is what a statement of kind definition only must leave alone: rows, columns, which rows
// may exist together, and cascades.
func shape(t *testing.T, create, rows string) string {
	t.Helper()
	table, err := ParseCreateTable(create, "r")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintln(&b, rows, table.Engine, table.Checks, strings.Count(create, "NOT ENFORCED"))
	for _, c := range table.Columns {
		c.Default, c.Comment = "", ""
		fmt.Fprintf(&b, "%+v\n", c)
	}
	for _, k := range table.Keys {
		if k.Unique {
			fmt.Fprintf(&b, "%+v\n", k)
		}
	}
	for _, f := range table.ForeignKeys {
		if f.Cascades() {
			fmt.Fprintf(&b, "%+v\n", f)
		}
	}
	return b.String()
}

// Random clauses together: what is called definition only leaves rows and shape alone.
func TestDefinitionOnlyLeavesTheRestAlone(t *testing.T) {
	server := mysqltest.Target(t)
	db := server.Root()
	db.SetMaxOpenConns(1)
	mysqltest.Exec(t, server, "CREATE DATABASE r", "USE r", "SET foreign_key_checks = 0", "CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1), (2)")
	s := seed(t)
	rng := rand.New(rand.NewPCG(s, 2))
	n := schema.Name{Schema: "r", Name: "t"}
	only := 0
	for range 150 {
		mysqltest.Exec(t, server, "USE r", "SET sql_mode = ''", "DROP TABLE IF EXISTS t", `CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT DEFAULT 1, b VARCHAR(20), c CHAR(3),
			KEY ka (a), UNIQUE KEY ub (b), CONSTRAINT ck1 CHECK (a > 0), CONSTRAINT f1 FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE)`, "INSERT INTO t VALUES (1, 1, 'x', 'y'), (2, 2, 'z', 'w')")
		var clauses []string
		for range 1 + rng.IntN(3) {
			clauses = append(clauses, alterClauses[rng.IntN(len(alterClauses))])
		}
		text := "ALTER TABLE t " + strings.Join(clauses, ", ")
		before := shape(t, show(t, db, n), checksum(t, db, n))
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			continue // clauses that do not go together
		}
		parsed := parseFor(t, text, Session{Schema: "r", Flavor: "mysql", Version: "9.7.4"})
		if after := shape(t, show(t, db, n), checksum(t, db, n)); parsed.Kind == DefinitionOnly && after != before {
			t.Errorf("%s is called definition only and made of\n%s\n%s", text, before, after)
		}
		if parsed.Uncertain {
			t.Errorf("%s: %s", text, describe(parsed))
		}
		if parsed.Kind == DefinitionOnly {
			only++
		}
	}
	if only < 5 {
		t.Errorf("only %d statements were definition only", only)
	}
}

// Under lower_case_table_names=1 names are reported as the server stores them.
func TestLowerCaseNamesAgainstServer(t *testing.T) {
	server := mysqltest.Take(t, mysqltest.Options{Relaxed: true, InitArgs: []string{"--lower-case-table-names=1"}})
	log := &logReader{server: server}
	log.next(t)
	mysqltest.Exec(t, server, "CREATE DATABASE `RÄ`", "USE `RÄ`", "CREATE TABLE `ÄÖΣİ` (A INT)", "RENAME TABLE `ÄÖΣİ` TO `BӀ`", "CREATE VIEW V AS SELECT 1")
	want := []string{"CREATE DATABASE: schema; schema rä", "CREATE TABLE: meaning; hard; created rä.äöσi!",
		"RENAME TABLE: meaning; hard; renamed from rä.äöσi!; renamed to rä.bӀ!; rä.äöσi -> rä.bӀ", "CREATE OBJECT: other object; view rä.v"}
	var got []string
	for _, e := range log.next(t) {
		e.session.LowerCaseTableNames = 1
		s, err := Parse(e.sql, e.session)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, describe(s))
	}
	checkFacts(t, "statements", got, want...)
	tables := queryRows(t, server.Root(), "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables WHERE table_schema = 'rä' ORDER BY 1")
	if len(tables) != 2 || tables[0][0] != "rä.bӀ" || tables[1][0] != "rä.v" {
		t.Errorf("the server has %v", tables)
	}
}
