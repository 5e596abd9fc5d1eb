package pitr

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestFinish_AutoIncrementCountsDeletedRows: the counter of a table is behind every value that
// the log holds, deleted ones included, until something sets it back, as on the source.
func TestFinish_AutoIncrementCountsDeletedRows(t *testing.T) {
	cases := map[string][]string{
		"deleted":   nil,
		"altered":   {"ALTER TABLE d.altered ADD COLUMN first INT FIRST"},
		"spelled":   {"ALTER TABLE d.spelled MODIFY id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'AUTO_INCREMENT'"},
		"renamed":   {"RENAME TABLE d.renamed TO d.away", "RENAME TABLE d.away TO d.renamed"},
		"lowered":   {"ALTER TABLE d.lowered AUTO_INCREMENT=1"},
		"raised":    {"ALTER TABLE d.raised ENGINE=InnoDB, AUTO_INCREMENT 700"},
		"truncated": {"TRUNCATE TABLE d.truncated"},
		"again":     {"ALTER TABLE d.again MODIFY id INT NOT NULL", "ALTER TABLE d.again MODIFY id INT NOT NULL AUTO_INCREMENT"},
		"another":   {"ALTER TABLE d.another DROP COLUMN id, ADD COLUMN nr INT NOT NULL AUTO_INCREMENT PRIMARY KEY"},
	}
	s := newStory(t, "d")
	s.on("CREATE DATABASE d")
	for name := range cases {
		s.on("CREATE TABLE d."+name+" (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO d."+name+" (v) VALUES ('x'),('y')")
	}
	b := s.begin()
	b.schema("d")
	for name := range cases {
		b.table("d."+name, "")
	}
	b.end()
	for name, statements := range cases {
		s.on("INSERT INTO d."+name+" VALUES (500,'gone')", "DELETE FROM d."+name+" WHERE id=500")
		s.on(statements...)
	}
	_, _, err := s.restore(Wish{})
	s.must(err)
	for name := range cases {
		counter := func(shown string) string {
			_, after, _ := strings.Cut(shown, "ENGINE=InnoDB ")
			return strings.Fields(after)[0]
		}
		want := counter(s.query(s.source.Root(), "SHOW CREATE TABLE d."+name)[0][1])
		got := counter(s.query(s.dest.Root(), "SHOW CREATE TABLE d."+name)[0][1])
		if got != want {
			t.Errorf("%s: %s, the source has %s", name, got, want)
		}
	}
}

// TestCountersBehindTruncatedPartitions: a statement that empties all partitions has a table count from the beginning, one that empties
// some has not.
func TestCountersBehindTruncatedPartitions(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d")
	b := s.begin()
	b.schema("d")
	for _, n := range []string{"every", "named", "some", "read"} {
		s.on("CREATE TABLE d." + n + " (id INT AUTO_INCREMENT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 3")
		if n == "read" {
			s.on("INSERT INTO d.read (v) VALUES (1), (2), (3), (4)", "DELETE FROM d.read WHERE id=4")
		}
		b.table("d."+n, "")
	}
	b.end()
	for _, n := range []string{"every", "named", "some"} {
		s.on("INSERT INTO d."+n+" (v) VALUES (1), (2), (3), (4), (5)", "DELETE FROM d."+n+" WHERE id=5")
	}
	s.on("ALTER TABLE d.every TRUNCATE PARTITION ALL", "ALTER TABLE d.named TRUNCATE /* all */ PARTITION p2, p0, p1", "ALTER TABLE d.some TRUNCATE PARTITION p0, p2", "ALTER TABLE d.read TRUNCATE PARTITION p1")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	for n, want := range map[string]string{"every": "1", "named": "1", "some": "6", "read": "5"} {
		mysqltest.Exec(t, s.dest, "INSERT INTO d."+n+" (v) VALUES (7)")
		if got := s.query(s.dest.Root(), "SELECT id FROM d."+n+" WHERE v=7")[0][0]; got != want {
			t.Errorf("the next row of d.%s has the number %s, want %s", n, got, want)
		}
	}
}

// TestCountersThatGoWithPartitions: every partition has a counter of its own, and the table the greatest of them. EXCHANGE gives one to the other
// table and takes that of this in, DROP takes one away, and what copies rows counts them anew.
func TestCountersThatGoWithPartitions(t *testing.T) {
	cases := map[string][]string{
		"exchanged":   {"CREATE TABLE d.other (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "INSERT INTO d.other VALUES (1,1),(3,3)", "ALTER TABLE d.exchanged EXCHANGE PARTITION p1 WITH TABLE d.other"},
		"met":         {"CREATE TABLE d.plain (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "INSERT INTO d.plain VALUES (1,1),(3,3)", "INSERT INTO d.met VALUES (11,11)", "ALTER TABLE d.met EXCHANGE PARTITION p1 WITH TABLE d.plain"},
		"greater":     {"CREATE TABLE d.great (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "INSERT INTO d.great VALUES (1,1),(77,3)", "DELETE FROM d.great WHERE id=77", "ALTER TABLE d.greater EXCHANGE PARTITION p1 WITH TABLE d.great"},
		"coalesced":   {"ALTER TABLE d.coalesced COALESCE PARTITION 1"},
		"added":       {"ALTER TABLE d.added ADD PARTITION PARTITIONS 1"},
		"removed":     {"ALTER TABLE d.removed REMOVE PARTITIONING"},
		"rebuilt":     {"ALTER TABLE d.rebuilt REBUILD PARTITION p1"},
		"untouched":   nil,
		"reorganized": {"ALTER TABLE d.reorganized PARTITION BY KEY (id) PARTITIONS 3"},
	}
	s := newStory(t, "d")
	s.on("CREATE DATABASE d")
	b := s.begin()
	b.schema("d")
	for name := range cases {
		s.on("CREATE TABLE d." + name + " (id INT AUTO_INCREMENT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 2")
		b.table("d."+name, "")
	}
	b.end()
	for name, statements := range cases {
		s.on("INSERT INTO d."+name+" VALUES (1,1),(2,2),(3,3),(4,4),(9,9)", "DELETE FROM d."+name+" WHERE id=9")
		s.on(statements...)
	}
	s.on("CREATE TABLE d.ranges (id INT AUTO_INCREMENT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
		"INSERT INTO d.ranges VALUES (3,3),(15,15)", "ALTER TABLE d.ranges DROP PARTITION p1")
	_, _, err := s.restore(Wish{})
	s.must(err)
	for _, row := range s.query(s.source.Root(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='d'") {
		counter := func(m *mysqltest.Server) string {
			_, after, _ := strings.Cut(s.query(m.Root(), "SHOW CREATE TABLE d."+row[0])[0][1], "ENGINE=InnoDB ")
			return strings.Fields(after)[0]
		}
		want, got := counter(s.source), counter(s.dest)
		t.Logf("%s: %s", row[0], want)
		// The greatest row of the first has never been on the target: what that raises for it stays with all of its partitions.
		if got != want && (row[0] != "exchanged" || got != "AUTO_INCREMENT=10") {
			t.Errorf("%s: %s, the source has %s", row[0], got, want)
		}
	}
}

// TestCountersBeyondTheRowsOfTheLog: the counter of a definition, which the values of no row tell, is not lowered to what the
// replayed rows have when a statement names AUTO_INCREMENT.
func TestCountersBeyondTheRowsOfTheLog(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10)) AUTO_INCREMENT=1000", "INSERT INTO d.t VALUES (1,'x')")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (50,'low')", "ALTER TABLE d.t MODIFY id BIGINT NOT NULL AUTO_INCREMENT COMMENT 'counts'")
	_, _, err := s.restore(Wish{})
	s.must(err)
	const show = "SHOW CREATE TABLE d.t"
	if got, want := s.query(s.dest.Root(), show)[0][1], s.query(s.source.Root(), show)[0][1]; got != want {
		t.Errorf("restored\n%s\nthe source has\n%s", got, want)
	}
}

// TestCountersSetBackInTheWindowOfTheRows: a counter that was set back in front of the definition's read, but behind the low mark of
// the rows, comes back behind the values that the log has there: too high, never too low.
func TestCountersSetBackInTheWindowOfTheRows(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO d.t VALUES (1,'x')")
	b := s.begin()
	b.schema("d")
	low := s.position()
	s.on("INSERT INTO d.t VALUES (117,'gone')", "DELETE FROM d.t WHERE id=117", "ALTER TABLE d.t AUTO_INCREMENT=1")
	b.table("d.t", "").Rows.Low = low
	b.end()
	s.on("INSERT INTO d.t VALUES (115,'gone')", "DELETE FROM d.t WHERE id=115")
	_, _, err := s.restore(Wish{})
	s.must(err)
	for db, want := range map[*sql.DB]string{s.source.Root(): " AUTO_INCREMENT=116 ", s.dest.Root(): " AUTO_INCREMENT=118 "} {
		if shown := s.query(db, "SHOW CREATE TABLE d.t")[0][1]; !strings.Contains(shown, want) {
			t.Errorf("want%s in\n%s", want, shown)
		}
	}
}

// TestCountersOfAKilledStatement: a run that finds a statement done whose end the one before did not note keeps the values that it
// has met in rows of other tables, which that one had not written yet.
func TestCountersOfAKilledStatement(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10))", "CREATE TABLE d.u (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.u", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (28,'stays')", "ALTER TABLE d.t COMMENT 'noted'", "INSERT INTO d.t VALUES (199,'gone')", "DELETE FROM d.t WHERE id=199", "ALTER TABLE d.u ADD COLUMN n INT")
	s.archive()
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	for trip := trips * 3 / 4; trip < trips-1; trip++ { // in the replay; behind the last ones nothing is left to do
		mysqltest.Exec(t, s.dest, "DROP DATABASE d")
		if _, _, err := k.run(s, Wish{}, trip); !errors.Is(err, errKilled) {
			t.Fatalf("killed at trip %d of %d: %v", trip, trips, err)
		}
		_, _, err := k.run(s, Wish{}, 0)
		s.must(err)
		s.same("d")
		if shown := s.query(s.dest.Root(), "SHOW CREATE TABLE d.t")[0][1]; !strings.Contains(shown, " AUTO_INCREMENT=200 ") {
			t.Errorf("killed at trip %d of %d:\n%s", trip, trips, shown)
		}
	}
}

// TestCountersAtTheEndOfTheirType: behind the greatest value of its type a counter stays where it is.
func TestCountersAtTheEndOfTheirType(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id TINYINT AUTO_INCREMENT PRIMARY KEY, v INT)", "CREATE TABLE d.b (id SMALLINT UNSIGNED AUTO_INCREMENT PRIMARY KEY)", "CREATE TABLE d.c (id INT AUTO_INCREMENT PRIMARY KEY)",
		"INSERT INTO d.a VALUES (127,1)", "INSERT INTO d.b VALUES (65535)")
	b := s.begin()
	b.schema("d")
	for _, n := range []string{"d.a", "d.b", "d.c"} {
		b.table(n, "")
	}
	b.end()
	s.on("INSERT INTO d.c VALUES (2147483647)", "ALTER TABLE d.c AUTO_INCREMENT=5", "DELETE FROM d.b")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	for _, table := range []string{"a", "b", "c"} {
		mysqltest.Exec(t, s.dest, "DELETE FROM d."+table, "INSERT INTO d."+table+" (id) VALUES (NULL)")
	}
}

// TestDefaultsThatWereDropped: a nullable column without a default is made as one.
func TestDefaultsThatWereDropped(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, c INT DEFAULT 3, d VARCHAR(9), e DATETIME, te TEXT, j JSON DEFAULT (JSON_ARRAY(1)))",
		"ALTER TABLE d.t ALTER c DROP DEFAULT, ALTER d DROP DEFAULT, ALTER e DROP DEFAULT, ALTER j DROP DEFAULT", "INSERT INTO d.t VALUES (1,1,'a',NULL,'b',NULL)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("CREATE TABLE d.u LIKE d.t")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestEngineOfTheTarget: tables of the log that name no engine are of the one that they have on the source.
func TestEngineOfTheTarget(t *testing.T) {
	s := newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, ExtraArgs: []string{"--default-storage-engine=MyISAM"}}, "d", "e")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE d.b SELECT * FROM d.a", "CREATE TABLE d.c (n INT)", "INSERT INTO d.c VALUES (1)")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
