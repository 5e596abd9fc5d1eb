package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Rows of a table that the log never made are no smaller a gap in a part than in a restore of all.
func TestPartOfUnloggedTables(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("SET sql_log_bin=0", "CREATE TABLE d.u (id INT PRIMARY KEY)", "SET sql_log_bin=1", "INSERT INTO d.u VALUES (1)", "INSERT INTO d.t VALUES (1)")
	left := s.gtid()
	for _, w := range []Wish{{}, {Selection: catalog.Selection{Databases: []string{"d"}}}, {SkipGTID: gtids(t, left)}} {
		w.Force = true
		_, _, err := s.restore(w)
		s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "d.u")
	}
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Exclude: []string{"d.u"}}, Force: true})
	s.must(err)
	s.on("DROP TABLE d.u")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Databases: []string{"d"}}, Force: true})
	s.must(err)
}
