package pitr

import "testing"

// TestChecksAreAsTheSourcePrintsThem: MySQL prints checks of a table that was altered otherwise than those of a new one.
func TestChecksAreAsTheSourcePrintsThem(t *testing.T) {
	const checks = "a BIGINT, i INT, y YEAR, CHECK (a > -5), CHECK (a IN (1,-2,'3')), CHECK (a BETWEEN -5 AND '7') NOT ENFORCED, CHECK (i > -5), CHECK (y > '20'), CHECK (a <> 1+1)"
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.created (id INT PRIMARY KEY, "+checks+")", "CREATE TABLE d.altered (id INT PRIMARY KEY, "+checks+")", "ALTER TABLE d.altered COMMENT 'altered'",
		"CREATE TABLE d.off (id INT PRIMARY KEY, a BIGINT, CONSTRAINT only CHECK (a > -5) NOT ENFORCED)", "ALTER TABLE d.off COMMENT 'altered'", "INSERT INTO d.altered (id, a) VALUES (1, 1)", "INSERT INTO d.off VALUES (1, -7)")
	b := s.begin()
	b.schema("d")
	for _, n := range []string{"d.created", "d.altered", "d.off"} {
		b.table(n, "")
	}
	b.end()
	s.on("CREATE TABLE d.late (id INT PRIMARY KEY, "+checks+")", "CREATE TABLE d.later LIKE d.altered", "ALTER TABLE d.late COMMENT 'altered'")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
