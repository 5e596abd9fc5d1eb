package pitr

import (
	"testing"
)

// The index that a foreign key brings along is called as on the source.
func TestPartIndexesOfForeignKeys(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE old (id INT PRIMARY KEY, p INT, q INT)")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.old", "")
	b.end()
	s.on("USE d", "RENAME TABLE old TO c", "ALTER TABLE c ADD CONSTRAINT c_ibfk_1 FOREIGN KEY (p) REFERENCES p(id), ADD CONSTRAINT c_ibfk_2 FOREIGN KEY (q) REFERENCES p(id)",
		"ALTER TABLE c DROP FOREIGN KEY c_ibfk_2, DROP INDEX c_ibfk_2", "RENAME TABLE c TO other")
	s.part(Wish{}, "d.other", "d.p")
}
