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

// TestCascadesBetweenTheReads: what a parent's change does to its children is logged as changes of
// theirs, before it (fact 4.1). Some children were read before it, the parent and others behind it:
// nothing is done twice, nor not at all, and a child that comes again stays.
func TestCascadesBetweenTheReads(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY, u INT UNIQUE)",
		"CREATE TABLE gone (id INT PRIMARY KEY, p INT, FOREIGN KEY f (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
		"CREATE TABLE nulled (id INT PRIMARY KEY, u INT, FOREIGN KEY f2 (u) REFERENCES p (u) ON DELETE SET NULL ON UPDATE CASCADE)", "CREATE TABLE late LIKE gone",
		"ALTER TABLE late ADD FOREIGN KEY f4 (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE SET NULL",
		"CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY f3 (up) REFERENCES tree (id) ON DELETE CASCADE)",
		"INSERT INTO p VALUES (1,11),(2,12),(3,13),(4,14)", "INSERT INTO gone VALUES (1,1),(2,2),(3,3),(4,4)", "INSERT INTO late SELECT * FROM gone", "INSERT INTO nulled VALUES (1,11),(2,12),(3,13),(4,14)",
		"INSERT INTO tree VALUES (1,NULL),(2,1),(3,2),(4,NULL),(5,4)")
	b := s.begin()
	b.schema("d")
	low := b.here().Low
	for _, table := range []string{"gone", "nulled", "tree"} {
		b.table("d."+table, "")
	}
	s.on("USE d", "DELETE FROM p WHERE id=1", "INSERT INTO p VALUES (1,21)", "INSERT INTO gone VALUES (1,1)", "UPDATE p SET id=12 WHERE id=2", "UPDATE p SET u=114 WHERE u=14",
		"REPLACE INTO p VALUES (4,114)", "DELETE FROM tree WHERE id=1", "INSERT INTO tree VALUES (2,NULL),(3,2)")
	b.table("d.p", "")
	b.table("d.late", "")
	for i := range b.Names { // all could have been read at any moment between the first and the last
		b.Names[i].Rows.Low, b.Names[i].Rows.High = low, b.here().High
	}
	b.end()
	s.on("USE d", "DELETE FROM p WHERE id=12", "INSERT INTO p VALUES (12,31)", "INSERT INTO gone VALUES (2,12)", "UPDATE p SET id=13, u=113 WHERE id=3", "UPDATE p SET u=NULL WHERE id=4",
		"REPLACE INTO p VALUES (5,113)", "DELETE FROM tree WHERE id=4", "INSERT INTO tree VALUES (5,2)", "DELETE FROM p WHERE id=1")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
