package dumper

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestW3PartitionsBetweenChunks: what happens to partitions raises no error in the reader, and
// leaves no row event (fact 3.6): the statement alone tells that rows read already are others.
func TestW3PartitionsBetweenChunks(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	target := mysqltest.Target(t)
	for name, c := range map[string]struct{ statement, again string }{
		"truncate": {"ALTER TABLE d.t TRUNCATE PARTITION low", "TRUNCATE PARTITION"},
		"exchange": {"ALTER TABLE d.t EXCHANGE PARTITION low WITH TABLE d.a", "EXCHANGE PARTITION"},
		"drop":     {"ALTER TABLE d.t DROP PARTITION low", "DROP PARTITION"},
		"merge":    {"ALTER TABLE d.t REORGANIZE PARTITION low, high INTO (PARTITION one VALUES LESS THAN MAXVALUE)", "REORGANIZE PARTITION"},
		"remove":   {"ALTER TABLE d.t REMOVE PARTITIONING", "REMOVE PARTITIONING"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.with(t)
			s.exec(append([]string{"DROP DATABASE IF EXISTS d", "CREATE DATABASE d"}, fill("d.t", 35)...)...)
			s.exec("CREATE TABLE d.a LIKE d.t", "INSERT INTO d.a VALUES (3,'exchanged'),(4,'too')",
				"ALTER TABLE d.t PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (8), PARTITION high VALUES LESS THAN MAXVALUE)")
			mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS d")
			s.atChunk("d.t", 2, func() { s.exec(c.statement) })
			_, m := s.backUp(inChunks)
			s.checkAgain(m, c.again)
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}
