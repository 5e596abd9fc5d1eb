package pitr

import (
	"strings"
	"testing"
)

// TestColumnsThatDependOnTheSession: the restore names the stored columns that the target's sessions have computed, also those that the log
// made, and no others.
func TestColumnsThatDependOnTheSession(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, sure INT AS (id + 1) STORED, seen DOUBLE AS (id / 7) VIRTUAL, `sh``are` DOUBLE AS (id / 7) STORED)",
		"CREATE TABLE d.plain (id INT PRIMARY KEY, sure INT AS (id + 1) STORED)", "INSERT INTO d.t (id) VALUES (1)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.plain", "")
	b.end()
	s.on("INSERT INTO d.t (id) VALUES (2)", "CREATE TABLE d.made (day DATE, name VARCHAR(20) AS (DAYNAME(day)) STORED)", "INSERT INTO d.made (day) VALUES ('2026-11-28')")
	_, result, err := s.restore(Wish{})
	s.must(err)
	told := strings.Join(result.Warnings, "\n")
	if !strings.Contains(told, "computed anew: d.made.`name`, d.t.`sh``are`; where sessions") {
		t.Errorf("warnings %q", told)
	}
}
