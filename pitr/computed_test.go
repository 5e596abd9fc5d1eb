package pitr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// computedTables have generated columns that do not take whatever their expressions make.
var computedTables = []string{
	"CREATE DATABASE d", "USE d",
	"CREATE TABLE wide (id INT PRIMARY KEY, base VARCHAR(9), n INT, cut VARCHAR(5) AS (base) STORED, shown VARCHAR(4) AS (CONCAT(base, '!')) VIRTUAL," +
		" tiny TINYINT UNSIGNED AS (n) STORED, must INT AS (n) STORED NOT NULL, e ENUM('a','b') NOT NULL, KEY (shown), UNIQUE (tiny, id))",
	"CREATE TABLE keyless (base VARCHAR(9), cut VARCHAR(5) AS (base) STORED)",
	"CREATE TABLE isam (id INT PRIMARY KEY, base VARCHAR(9), cut VARCHAR(5) AS (base) STORED) ENGINE=MyISAM",
	"CREATE TABLE parts (id INT PRIMARY KEY, base VARCHAR(9), KEY k ((CONCAT(base, '')), id))",
	"CREATE TABLE checked (id INT PRIMARY KEY, base VARCHAR(9), CHECK (base + 0 >= 0))",
	"CREATE TABLE counted (id INT PRIMARY KEY, base VARCHAR(9), n INT AS (base + 1) STORED)",
	"SET sql_mode=''",
}

// computedRows writes rows of which the generated columns do not hold all, from a number on.
func computedRows(from int) []string {
	list := []string{"USE d", "SET sql_mode=''"}
	for i := from; i < from+3; i++ {
		list = append(list,
			fmt.Sprintf("INSERT INTO wide (id, base, n, e) VALUES (%d, '%d-abcdefg', %d, 'a'), (%d, NULL, NULL, 'b'), (%d, '''g''', -5, 0), (%d, 'e', 7, 0)", 10*i, i, 1000+i, 10*i+1, 10*i+2, 10*i+3),
			fmt.Sprintf("INSERT INTO keyless (base) VALUES ('%d-abcdefg'), ('fits')", i),
			fmt.Sprintf("INSERT INTO isam (id, base) VALUES (%d, '%d-abcdefg')", i, i),
			fmt.Sprintf("INSERT INTO parts (id, base) VALUES (%d, '%d-abcdefg')", i, i),
			fmt.Sprintf("INSERT INTO checked VALUES (%d, '%d-''abc'), (%d, 'for col')", i, i, i+10),
			fmt.Sprintf("INSERT INTO counted (id, base) VALUES (%d, '%d-''abc'), (%d, 'for col')", i, i, i+10))
	}
	return list
}

// TestGeneratedColumnsThatDoNotFit: rows that were written without a strict sql_mode come back as the source has them, by LOAD DATA LOCAL, by
// statements, and by the log.
func TestGeneratedColumnsThatDoNotFit(t *testing.T) {
	for _, local := range []bool{true, false} {
		t.Run(fmt.Sprintf("local %v", local), func(t *testing.T) {
			s := newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: local}, "d")
			s.on(computedTables...)
			s.on(computedRows(1)...)
			s.on("INSERT INTO d.wide (id, base, n, e) SELECT 100000+a.i*100+b.i*10+c.i, 'abcdefghi', 9999, 'a' FROM" + tens("a") + "," + tens("b") + "," + tens("c"))
			b := s.begin()
			b.schema("d")
			for _, n := range []string{"wide", "keyless", "isam", "parts", "checked", "counted"} {
				b.table("d."+n, "").Keyless = n == "keyless"
			}
			b.Names[0].Chunks[0].ZeroEnum = true
			b.end()
			s.on(computedRows(4)...)
			s.on("USE d", "SET sql_mode=''", "UPDATE wide SET base='rewritten', n=n+1000", "UPDATE keyless SET base='other-abc' WHERE base='fits'", "UPDATE isam SET base='changed-a' WHERE id=1",
				"UPDATE checked SET base=CONCAT('x', base) WHERE id<3", "UPDATE counted SET base=CONCAT('x', base) WHERE id<3",
				"DELETE FROM keyless WHERE base LIKE '4%'", "DELETE FROM wide WHERE id=40", "UPDATE wide SET id=id+1000000 WHERE id<20", "BEGIN", "REPLACE INTO wide (id, base, n, e) VALUES (41,'once-more',300,'b')",
				"INSERT INTO wide (id, base, n, e) VALUES (900,'last-rows',-1,'b')", "COMMIT", "SET sql_mode=DEFAULT", "INSERT INTO wide (id, base, n, e) VALUES (901,'fit',1,'b')")
			_, result, err := s.restore(Wish{Verify: VerifyChunks})
			s.must(err)
			s.same("d")
			t.Logf("%d rows loaded, %d written by the log", result.RowsLoaded, result.RowsWritten)
		})
	}
}

// tens is a table of the numbers 0 to 9.
func tens(alias string) string {
	return " (SELECT 0 i UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) " + alias
}

// TestColumnsThatDoNotFit: a value that a column of the chunk does not take ends the restore as before, also beside generated columns of
// which that is nothing.
func TestColumnsThatDoNotFit(t *testing.T) {
	for _, local := range []bool{true, false} {
		s := newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: local}, "d")
		s.on(computedTables...)
		s.on(computedRows(1)...)
		b := s.begin()
		b.schema("d")
		n := b.table("d.wide", "")
		show := b.row("SHOW CREATE TABLE d.wide")[1]
		s.must(s.catalog.PutSchemaObject(t.Context(), instance, b.ID, n.SchemaKey, []byte(strings.Replace(show, "`base` varchar(9)", "`base` varchar(8)", 1))))
		b.end()
		_, _, err := s.restore(Wish{})
		s.wantFault(err, fault.CodeFailed, fault.KindTarget, "load table d.wide")
	}
}

// TestRowsOfGeneratedColumnsAlone: one row of such a table is like the other.
func TestRowsOfGeneratedColumnsAlone(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.g (five INT AS (5) STORED, six INT AS (6) VIRTUAL)", "INSERT INTO d.g VALUES (), (), ()")
	b := s.begin()
	b.schema("d")
	b.table("d.g", "").Keyless = true
	b.end()
	s.on("DELETE FROM d.g LIMIT 1", "INSERT INTO d.g VALUES (), ()", "DELETE FROM d.g LIMIT 3")
	_, _, err := s.restore(Wish{Verify: VerifyChunks})
	s.must(err)
	s.same("d")
	if rows := s.query(s.dest.Root(), "SELECT COUNT(*) FROM d.g"); rows[0][0] != "1" {
		t.Errorf("%s rows", rows[0][0])
	}
}
