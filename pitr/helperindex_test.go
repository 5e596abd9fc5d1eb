package pitr

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestKeylessRowsAreFoundByAnIndex: a replay of many changes does not walk over the table for
// each, and no statement of the log meets the index that it uses.
func TestKeylessRowsAreFoundByAnIndex(t *testing.T) {
	s := newStory(t, "d")
	const rows = 5000
	s.on("CREATE DATABASE d", "USE d", "SET cte_max_recursion_depth=100000",
		"CREATE TABLE k (j JSON, f DOUBLE, a INT, s VARCHAR(100), b BLOB, c CHAR(10))",
		fmt.Sprintf("INSERT INTO k WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d) SELECT JSON_ARRAY(i), i, i DIV 3, CONCAT('some text of row ',i), NULL, 'x' FROM n", rows))
	b := s.begin()
	b.schema("d")
	b.table("d.k", "")
	b.end()
	var changes []string
	for i := range 4 * helperAfter {
		changes = append(changes, fmt.Sprintf("UPDATE d.k SET c='%d' WHERE f=%d", i, i*17+1), fmt.Sprintf("DELETE FROM d.k WHERE f=%d", i*17+2))
	}
	s.on(changes...)
	s.on("USE d", "CREATE TABLE copy LIKE k", "INSERT INTO copy SELECT * FROM k", "ALTER TABLE k ADD COLUMN n INT DEFAULT 5, DROP COLUMN a", "UPDATE k SET n=6 WHERE f<1000", "RENAME TABLE k TO k2", "DELETE FROM k2 WHERE f<900")
	walked := func() int {
		n, err := strconv.Atoi(s.query(s.dest.Root(), "SHOW GLOBAL STATUS LIKE 'Handler_read_rnd_next'")[0][1])
		s.must(err)
		return n
	}
	before := walked()
	_, result, err := s.restore(Wish{})
	s.must(err)
	// Every change that walked would read half the table.
	if n := walked() - before; n > int(result.RowsWritten)*rows/10 {
		t.Errorf("%d rows were walked over for %d changes", n, result.RowsWritten)
	}
	s.same("d")
}

// TestNoRoomForAHelperIndex: a table that takes no further index is replayed without one.
func TestNoRoomForAHelperIndex(t *testing.T) {
	s := newStory(t, "d")
	var keys []string
	for i := range 64 {
		keys = append(keys, fmt.Sprintf("KEY k%d (n)", i))
	}
	s.on("CREATE DATABASE d", "CREATE TABLE d.full (n INT, m INT, "+strings.Join(keys, ",")+")", "INSERT INTO d.full SELECT n.i, 0 FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100) SELECT i FROM n) n")
	b := s.begin()
	b.schema("d")
	b.table("d.full", "")
	b.end()
	s.on("UPDATE d.full SET m=n", "DELETE FROM d.full WHERE n<10")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
