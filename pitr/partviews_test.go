package pitr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// RENAME TABLE of a view moves the view, in a part too.
func TestR8PartRenamesViews(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.u (id INT PRIMARY KEY)", "CREATE VIEW d.v AS SELECT id FROM d.t")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.u", "")
	b.object(catalog.KindView, "d.v", "")
	b.end()
	s.on("RENAME TABLE d.v TO d.w", "CREATE VIEW d.x AS SELECT id FROM d.w", "RENAME TABLE d.t TO d.t2, d.x TO d.y, d.t2 TO d.t", "INSERT INTO d.u VALUES (1)")
	left := s.gtid()
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Exclude: []string{"d.u"}}})
	s.must(err)
	_, _, err = s.restore(Wish{SkipGTID: gtids(t, left), Force: true})
	s.must(err)
	s.on("DELETE FROM d.u")
	s.same("d")
}

// A view over a table of a schema that is not restored: nothing is made or dropped there, and no
// right there is needed.
func TestPartViewsOverAnotherSchema(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE DATABASE e", "CREATE TABLE d.u (id INT PRIMARY KEY)", "CREATE TABLE e.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.schema("e")
	b.table("d.u", "")
	b.table("e.t", "")
	b.end()
	s.on("CREATE VIEW d.v AS SELECT * FROM e.t", "INSERT INTO d.u VALUES (1)", "RENAME TABLE e.t TO e.t2")
	w := Wish{Selection: catalog.Selection{Databases: []string{"d"}}}
	_, result, err := s.restore(w)
	s.must(err)
	if got := strings.Join(result.Warnings, "\n"); !strings.Contains(got, "view d.v ") {
		t.Errorf("warnings %q", got)
	}
	mysqltest.Exec(t, s.dest, "CREATE DATABASE e", "CREATE VIEW e.t AS SELECT 7 AS theirs")
	s.into = s.open(s.dest, mysqltest.Root, server.Target)
	w.Force = true
	_, _, err = s.restore(w)
	s.must(err)
	if rows := s.query(s.dest.Root(), "SELECT theirs FROM e.t"); len(rows) != 1 || rows[0][0] != "7" {
		t.Errorf("the target's own view holds %v", rows)
	}
}

// The names of a view without a schema mean what they meant in the session that made it, whatever its default schema is on the
// target: one that is not restored may be another's there, or not be there.
func TestPartViewsOfASessionInAnotherSchema(t *testing.T) {
	s := newStory(t, "a", "b")
	s.on("CREATE DATABASE a", "CREATE DATABASE b", "CREATE TABLE a.t (id INT PRIMARY KEY, ours INT)", "CREATE TABLE b.t (id INT PRIMARY KEY)",
		"CREATE FUNCTION a.f() RETURNS INT DETERMINISTIC RETURN 1")
	b := s.begin()
	b.schema("a")
	b.schema("b")
	b.table("a.t", "")
	b.table("b.t", "")
	b.end()
	s.on("USE a", "CREATE VIEW b.bare AS SELECT id FROM t", "CREATE VIEW b.star AS SELECT * FROM t", "CREATE VIEW b.called AS SELECT f() AS n FROM b.t",
		"CREATE VIEW b.whole AS WITH c AS (SELECT id FROM b.t) SELECT t.id FROM b.t JOIN c USING (id)")
	w := Wish{Selection: catalog.Selection{Databases: []string{"b"}}}
	_, result, err := s.restore(w)
	s.must(err)
	got := strings.Join(result.Warnings, "\n")
	for _, view := range []string{"b.bare", "b.star", "b.called"} {
		if !strings.Contains(got, "view "+view+" is not created") {
			t.Errorf("nothing says that %s is not created: %s", view, got)
		}
	}
	if want := "made in a session in schema a, which is neither restored nor there"; strings.Count(got, want) < 3 || strings.Contains(got, "b.whole") {
		t.Errorf("warnings %q", got)
	}
	views := func() string {
		return fmt.Sprint(s.query(s.dest.Root(), "SELECT TABLE_NAME, REPLACE(VIEW_DEFINITION, '`', '') FROM information_schema.VIEWS WHERE TABLE_SCHEMA='b' ORDER BY 1"))
	}
	if got := views(); !strings.HasPrefix(got, "[[whole ") || strings.Contains(got, "] [") {
		t.Errorf("views %s", got)
	}

	mysqltest.Exec(t, s.dest, "CREATE DATABASE a", "CREATE TABLE a.t (id INT, theirs INT)")
	w.Force = true
	_, _, err = s.restore(w)
	s.must(err)
	if got := views(); !strings.Contains(got, "[bare select a.t.id AS id from a.t]") || !strings.Contains(got, "[star select a.t.id AS id,a.t.theirs AS theirs from a.t]") {
		t.Errorf("views %s", got)
	}
}

// A view that was made in a session in one of the server's own schemas.
func TestViewsOfASessionInASystemSchema(t *testing.T) {
	s := newStory(t, "b")
	s.on("CREATE DATABASE b", "CREATE TABLE b.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("b")
	b.table("b.t", "")
	b.end()
	s.on("USE information_schema", "CREATE VIEW b.big AS SELECT table_name FROM tables", "CREATE VIEW b.star AS SELECT * FROM schemata", "USE sys", "CREATE VIEW b.v AS SELECT id FROM b.t")
	_, result, err := s.restore(Wish{})
	s.must(err)
	if len(result.Warnings) != 0 {
		t.Errorf("warnings %q", result.Warnings)
	}
	s.same("b")
}
