package dumper

import (
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestIncidentWhileTablesAreRead: the source notes that something is missing from its log, while a backup runs: whatever was read before
// that is read again, and what was lost is in the backup.
func TestIncidentWhileTablesAreRead(t *testing.T) {
	for name, o := range map[string]mysqltest.Options{
		"9.7 with GTIDs": {GTID: true}, "9.7": {}, "5.6": {Kind: mysqltest.MySQL56}, "MariaDB": {Kind: mysqltest.MariaDB1011},
	} {
		t.Run(name, func(t *testing.T) {
			o.Relaxed, o.ExtraArgs = true, []string{"--binlog-stmt-cache-size=4096", "--max-binlog-stmt-cache-size=4096"}
			s := newSite(t, o)
			s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v VARCHAR(2000)) ENGINE=MyISAM", "CREATE TABLE d.keyless (v INT) ENGINE=InnoDB", "INSERT INTO d.keyless VALUES (1)",
				"CREATE TABLE d.wide (id INT PRIMARY KEY, v VARCHAR(2000)) ENGINE=InnoDB"}, fill("d.t", 35)...)...)
			for id := range 30 {
				s.exec(fmt.Sprintf("INSERT INTO d.wide VALUES (%d, REPEAT('x', 1900))", id))
			}
			s.atChunk("d.t", 2, func() {
				if err := s.source.Exec(t.Context(), "INSERT INTO d.a SELECT * FROM d.wide"); !mysqltest.IsError(err, 1705) {
					t.Errorf("the source has logged what is too long: %v", err)
				}
			})
			_, m := s.backUp(inChunks)
			s.checkAgain(m, "an incident")
			if len(s.lines(m, "d.a")) < 2 {
				t.Error("what was lost is not in the backup")
			}
			target := mysqltest.Take(t, mysqltest.Options{Kind: o.Kind, Relaxed: true, LocalInfile: true})
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}
