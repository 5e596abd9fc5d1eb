package dumper

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestR5CascadesWhileTablesAreRead: on a source that does not log what its foreign keys cascade, a table that refers to
// itself is read again when they changed it meanwhile; a child that is only below the parent that the log shows is not.
func TestR5CascadesWhileTablesAreRead(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true, ExtraArgs: []string{"--innodb-native-foreign-keys=ON"}})
	statements := []string{"CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY, v INT)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
		"CREATE TABLE tree (id INT PRIMARY KEY, up INT, v INT, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE)",
		"INSERT INTO p VALUES (1,1),(2,2)", "INSERT INTO c VALUES (1,1),(2,2)", "INSERT INTO tree VALUES (1,NULL,0),(2,1,0),(3,2,0)"}
	for id := 4; id <= 25; id++ {
		statements = append(statements, fmt.Sprintf("INSERT INTO tree VALUES (%d,NULL,0)", id))
	}
	s.exec(statements...)
	s.atChunk("d.tree", 2, func() { s.exec("DELETE FROM d.tree WHERE id=1") })
	_, m := s.backUp(inChunks)
	tree := baseOf(t, m, "d.tree")
	if len(tree.ReadAgain) == 0 || tree.ReadAgain[0].Reason != bases.ReasonCascade || tree.RowCount != 22 {
		t.Errorf("tree was read again for %+v and has %d rows", tree.ReadAgain, tree.RowCount)
	}
	for table, class := range map[string]string{"d.p": "keyed", "d.c": "cascading", "d.tree": "cascading"} {
		if n := baseOf(t, m, table); n.Class != class {
			t.Errorf("%s is %s, want %s", table, n.Class, class)
		}
	}
	s.atChunk("d.c", 1, func() { s.exec("DELETE FROM d.p WHERE id=1", "UPDATE d.p SET v=9") })
	_, m = s.backUp()
	if c := baseOf(t, m, "d.c"); len(c.ReadAgain) > 0 || c.RowCount != 2 {
		t.Errorf("c was read again for %+v and has %d rows", c.ReadAgain, c.RowCount)
	}
	_, err := s.tryBackUp(t.Context(), func(c *Config) { c.Tables = []string{"d.c"} })
	if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(err.Error(), "when d.p changes") || !strings.Contains(f.Hint, "back up d.p too, or leave the table out with --exclude d.c") {
		t.Errorf("without the parent: %v", err)
	}
}
