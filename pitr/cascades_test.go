package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// What a foreign key of a restored table cascades from a parent that is not restored is not in the
// log of a server that does not log cascades.
func TestCascadesFromAParentThatIsNotTaken(t *testing.T) {
	s := newStory(t, "d")
	s.source = mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true, ExtraArgs: []string{"--innodb-native-foreign-keys=ON"}})
	s.from = s.open(s.source, mysqltest.Root, server.Source)
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1),(2)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p(id) ON DELETE CASCADE)",
		"INSERT INTO c VALUES (1,1),(2,2)")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.c", "")
	b.end()
	s.on("DELETE FROM d.p WHERE id=1")
	for _, w := range []Wish{{}, {Selection: catalog.Selection{Tables: []string{"d.c"}}}, {Selection: catalog.Selection{Exclude: []string{"d.p"}}}, {Selection: catalog.Selection{Tables: []string{"d.c"}}, Rename: []string{"d.c=d.other"}}} {
		w.Force = true
		_, _, err := s.restore(w)
		s.wantFault(err, fault.CodeRange, fault.KindStatement, "does not log what its foreign keys cascade")
	}
}
