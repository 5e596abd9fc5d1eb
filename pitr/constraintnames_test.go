package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
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

// The names of constraints are their schema's: one that a table of the target has, or that comes from
// two schemas, is told by the plan.
func TestPlanTellsConstraintsOfOneName(t *testing.T) {
	s := newStory(t, "d", "n")
	tables := []string{"CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.t (id INT PRIMARY KEY, p INT, CONSTRAINT mine FOREIGN KEY (p) REFERENCES d.p(id), CONSTRAINT Positive CHECK (id > 0), CHECK (p > 0))"}
	s.on(append([]string{"CREATE DATABASE d", "CREATE DATABASE e", "CREATE TABLE e.u (id INT PRIMARY KEY, CONSTRAINT positive CHECK (id > 0))"}, tables...)...)
	b := s.begin()
	b.schema("d")
	b.schema("e")
	b.table("d.p", "")
	b.table("d.t", "")
	b.table("e.u", "")
	b.end()
	mysqltest.Exec(t, s.dest, append([]string{"CREATE DATABASE d"}, tables...)...)
	w := Wish{Selection: catalog.Selection{Tables: []string{"d.t"}}, Rename: []string{"d.t=d.rescued"}}
	_, _, err := s.restore(w)
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "foreign key mine of table d.t")
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "check Positive of table d.t")
	if rows := s.query(s.dest.Root(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME LIKE '\\_\\_tripod%'"); len(rows) != 0 {
		t.Errorf("refused at the end: %v are there", rows)
	}
	w.Rename = []string{"d.t=n.rescued"}
	_, _, err = s.restore(w)
	s.must(err)
	w.Force = true
	_, _, err = s.restore(w) // those of what is dropped first are in nobody's way
	s.must(err)
	w.Selection.Tables, w.Rename = append(w.Selection.Tables, "e.u"), append(w.Rename, "e.u=n.u")
	_, _, err = s.restore(w)
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "d.t and e.u both have a constraint positive")
}
