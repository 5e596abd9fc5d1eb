package dumper

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A MySQL before 8.0 logs a DROP that a foreign key refused as if it had dropped all its tables, with an error: those that stayed are
// read again, and no tombstone is made of it but for names that were never there.
func TestR1DropThatFailed(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MySQL56, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, append(fill("d.p", 35), fill("d.alone", 3)...)...)...)
	s.exec("CREATE TABLE d.c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES d.p (id))", "CREATE TRIGGER d.tr BEFORE INSERT ON d.p FOR EACH ROW SET @x = 1")
	s.atChunk("d.p", 2, func() {
		if _, err := s.source.Root().ExecContext(t.Context(), "DROP TABLE IF EXISTS d.p, d.alone, d.never"); !mysqltest.IsError(err, 1217) {
			t.Errorf("want error 1217, got %v", err)
		}
		s.exec("DELETE FROM d.p WHERE id = 3")
	})
	_, m := s.backUp(inChunks)
	if n := baseOf(t, m, "d.p"); n.Base != catalog.BaseRead || n.RowCount != 34 || len(n.ReadAgain) == 0 {
		t.Errorf("d.p is %s with %d rows, read again %+v", n.Base, n.RowCount, n.ReadAgain)
	}
	if n := baseOf(t, m, "d.alone"); n.Base != catalog.BaseTombstone && !n.Absent {
		t.Errorf("d.alone is %+v", n)
	}
	if n := baseOf(t, m, "d.never"); n.Base != catalog.BaseTombstone || n.Statement == "" {
		t.Errorf("d.never is %+v", n)
	}
}
