package dumper

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Statements of a session in statement format on a temporary table are none on the table of that name that is being read.
func TestW3StatementsOnATemporaryTable(t *testing.T) {
	for _, kind := range mysqltest.Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{Kind: kind, Relaxed: true})
			s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
			s.atChunk("d.t", 2, func() {
				s.exec("SET SESSION binlog_format=STATEMENT", "CREATE TEMPORARY TABLE d.t (id INT)", "TRUNCATE TABLE d.t", "ALTER TABLE d.t ADD x INT", "CREATE INDEX i ON d.t (x)", "DROP TEMPORARY TABLE d.t")
			})
			_, m := s.backUp(inChunks)
			if n := baseOf(t, m, "d.t"); n.Base != catalog.BaseRead || n.RowCount != 35 || len(n.ReadAgain) > 0 {
				t.Errorf("d.t is %s with %d rows, read again %+v", n.Base, n.RowCount, n.ReadAgain)
			}
		})
	}
}
