package pitr

import (
	"strings"
	"testing"
)

// The report names every table of which all rows are loose, however many rows it names.
func TestSkipNamesWholeTables(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE many (id INT PRIMARY KEY, u INT UNIQUE)", "CREATE TABLE p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN MAXVALUE)",
		"CREATE TABLE x (id INT PRIMARY KEY, v INT)", "INSERT INTO x VALUES (1,1)", "CREATE TABLE altered (id INT PRIMARY KEY, v INT)", "INSERT INTO altered VALUES (1,1)")
	b := s.begin()
	b.schema("d")
	for _, n := range []string{"d.many", "d.p", "d.x", "d.altered"} {
		b.table(n, "")
	}
	b.end()
	s.on("USE d", "SET cte_max_recursion_depth=100000", "BEGIN", "INSERT INTO many WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 40000) SELECT i, i FROM n",
		"INSERT INTO p VALUES (5,5)", "UPDATE altered SET v = 2", "COMMIT")
	left := s.gtid()
	s.on("USE d", "ALTER TABLE p EXCHANGE PARTITION p0 WITH TABLE x", "ALTER TABLE altered ADD COLUMN n INT", "UPDATE altered SET v = 3")
	_, result, err := s.restore(Wish{SkipGTID: gtids(t, left)})
	s.must(err)
	text := strings.Join(result.Loose, "\n")
	for _, n := range []string{"many", "p", "x", "altered"} {
		if !strings.Contains(text, "d."+n+": the whole table") {
			t.Errorf("%s is not named in %d lines", n, len(result.Loose))
		}
	}
	if len(result.Loose) > mostLooseNamed+5 || !strings.Contains(text, "more rows") {
		t.Errorf("%d lines", len(result.Loose))
	}
}
