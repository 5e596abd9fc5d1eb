package pitr

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// What --force drops of an unfinished restore tells which schemas that one has made: where they are absent at the stop point, they go.
func TestForceTakesOverTheSchemasOfAnUnfinishedRestore(t *testing.T) {
	s := newStory(t, "a", "x", "y", "z")
	s.on("CREATE DATABASE a", "CREATE DATABASE x", "CREATE DATABASE z", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE TABLE x.u (id INT PRIMARY KEY)", "CREATE TABLE z.v (id INT PRIMARY KEY)")
	b := s.begin()
	for _, name := range []string{"a", "x", "z"} {
		b.schema(name)
	}
	for _, name := range []string{"a.t", "x.u", "z.v"} {
		b.table(name, "")
	}
	b.end()
	s.on("CREATE DATABASE y", "CREATE TABLE y.w (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (1)", "DROP DATABASE x", "DROP DATABASE y", "DROP DATABASE z")
	s.archive()
	mysqltest.Exec(t, s.dest, "CREATE DATABASE z")
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	schemas := func() string {
		return fmt.Sprint(s.query(s.dest.Root(), "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('a','x','y','z') ORDER BY 1"))
	}
	if got := schemas(); got != "[[a] [z]]" {
		t.Fatalf("schemas %s", got)
	}
	mysqltest.Exec(t, s.dest, "DROP DATABASE a")
	var result *Result
	for _, run := range []struct {
		force bool
		trip  int64
	}{{false, trips * 9 / 10}, {true, trips * 9 / 10}, {true, 0}} {
		w := Wish{Force: run.force, Threads: 1 + int(run.trip%2)}
		if run.trip == 0 { // another wish: else it would go on from the second run
			w.Events = DisableEvents
		}
		result, _, err = k.run(s, w, run.trip)
		if run.trip != 0 && !errors.Is(err, errKilled) {
			t.Fatalf("not killed: %v", err)
		}
	}
	s.must(err)
	if got := schemas(); got != "[[a] [z]]" {
		t.Errorf("schemas %s", got)
	}
	if got := strings.Join(result.Warnings, "\n"); strings.Count(got, "schema ") != 1 || !strings.Contains(got, "schema z does not exist at the stop point and stays: it was there before") {
		t.Errorf("warnings %q", got)
	}
}
