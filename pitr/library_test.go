package pitr

import (
	"strings"
	"testing"
)

// TestLibrariesAreNotRestored: no backup holds them; what uses one is told and left out, and the
// rest is restored.
func TestLibrariesAreNotRestored(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)",
		"CREATE LIBRARY early LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n } $$",
		"CREATE FUNCTION uses_early(n INT) RETURNS INT DETERMINISTIC LANGUAGE JAVASCRIPT USING (d.early AS m) AS $$ return m.f(n) $$",
		"CREATE FUNCTION plain() RETURNS INT DETERMINISTIC RETURN 5")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.objectsOf("d")
	b.end()
	s.on("USE d", "ALTER FUNCTION uses_early COMMENT 'changed'", "CREATE LIBRARY late LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n } $$",
		"CREATE PROCEDURE uses_late() LANGUAGE JAVASCRIPT USING (d.late AS m) AS $$ m.f(1) $$", "DROP LIBRARY IF EXISTS nothere", "INSERT INTO t VALUES (2)")
	_, result, err := s.restore(Wish{})
	s.must(err)
	warnings := strings.Join(result.Warnings, "\n")
	for _, part := range []string{"library d.late", "function d.uses_early is not created", "LIBRARY early", "procedure d.uses_late is not created"} {
		if !strings.Contains(warnings, part) {
			t.Errorf("no warning says %q: %q", part, result.Warnings)
		}
	}
	if n := strings.Count(warnings, "uses_early"); n != 1 {
		t.Errorf("%d warnings about one function: %q", n, result.Warnings)
	}
	if got := s.query(s.dest.Root(), "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='d'"); len(got) != 1 || got[0][0] != "plain" {
		t.Errorf("the target has the routines %v", got)
	}
	if got := s.query(s.dest.Root(), "SELECT id FROM d.t"); len(got) != 2 {
		t.Errorf("d.t holds %v", got)
	}
}
