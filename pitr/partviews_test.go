package pitr

import (
	"testing"

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
