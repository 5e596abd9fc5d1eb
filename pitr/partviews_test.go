package pitr

import (
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
