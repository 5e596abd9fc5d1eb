package cli

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// smallCache lets an INSERT .. SELECT into a MyISAM table be too long for the server's cache: it fails, what it has written stays, and an
// Incident event is all that the log has of it.
var smallCache = []string{"--binlog-stmt-cache-size=4096", "--max-binlog-stmt-cache-size=4096"}

// incident has the source lose a change, and returns how many rows the table has then.
func incident(t *testing.T, source *mysqltest.Server) int {
	t.Helper()
	if err := source.Exec(t.Context(), "INSERT INTO shop.lost SELECT id + 1000 * (SELECT COUNT(*) FROM shop.t), v FROM shop.wide"); !mysqltest.IsError(err, 1705) {
		t.Fatalf("the source has logged what is too long: %v", err)
	}
	return count(t, source, "SELECT COUNT(*) FROM shop.lost")
}

// TestWhatTheSourceHasLost: where the source notes that something is missing from its log, the archive goes on; no backup from before
// serves anything behind it, which archive, list and restore say alike, and one from behind it does.
func TestWhatTheSourceHasLost(t *testing.T) {
	for name, o := range map[string]mysqltest.Options{
		"9.7 with GTIDs": {GTID: true}, "9.7": {}, "5.6 with GTIDs": {Kind: mysqltest.MySQL56, GTID: true}, "5.6": {Kind: mysqltest.MySQL56}, "MariaDB": {Kind: mysqltest.MariaDB1011},
	} {
		t.Run(name, func(t *testing.T) {
			o.Relaxed, o.ExtraArgs = true, smallCache
			source := mysqltest.Take(t, o)
			if _, err := source.CreateBackupUser(t.Context()); err != nil {
				t.Fatal(err)
			}
			target := mysqltest.Take(t, mysqltest.Options{Kind: o.Kind, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
			if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
				t.Fatal(err)
			}
			mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY) ENGINE=InnoDB", "CREATE TABLE shop.keyless (a INT) ENGINE=InnoDB", "INSERT INTO shop.keyless VALUES (1)",
				"CREATE TABLE shop.lost (id INT PRIMARY KEY, v VARCHAR(2000)) ENGINE=MyISAM", "CREATE TABLE shop.wide (id INT PRIMARY KEY, v VARCHAR(2000)) ENGINE=InnoDB", "INSERT INTO shop.t VALUES (1)")
			for _, id := range strings.Split("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30", ",") {
				mysqltest.Exec(t, source, "INSERT INTO shop.wide VALUES ("+id+", REPEAT('x', 1900))")
			}
			d := newDesk(t)
			d.works(d.source("backup", source)...)
			mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (2)", "INSERT INTO shop.lost VALUES (0, 'logged')")
			if n := incident(t, source); n < 2 {
				t.Fatalf("nothing was lost: %d rows", n)
			}
			mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3)")

			var archived archiveEnds
			d.must(&archived, d.source("archive", source, "--until-idle")...)
			if len(archived.Ends) != 1 || archived.Ends[0].Schema+"."+archived.Ends[0].Name != "*.*" || !strings.Contains(archived.Ends[0].Reason, "missing from its log") {
				t.Fatalf("archive says %+v", archived.Ends)
			}
			at := archived.Ends[0].Position.argument()
			var listed listEnds
			d.must(&listed, "list", "--store", d.store())
			i := listed.Instances[0]
			if len(i.Ends) != 1 || i.Ends[0].Name != "*" || i.Ends[0].Position.argument() != at || len(i.Recoverable) != 1 || i.Recoverable[0].To.argument() != at {
				t.Fatalf("list says %+v, %+v, archive %s", i.Ends, i.Recoverable, at)
			}
			d.refused(refusal{code: 12, kind: "statement", says: []string{at, "missing from its log"}, hint: []string{"before " + at, "a backup that was made after it"}}, d.restore(target)...)
			d.works(d.restore(target, "--to-position", at)...)
			if rows, lost := count(t, target, "SELECT COUNT(*) FROM shop.t"), count(t, target, "SELECT COUNT(*) FROM shop.lost"); rows != 2 || lost != 1 {
				t.Errorf("up to there: %d and %d rows", rows, lost)
			}

			d.works(d.source("backup", source)...)
			mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (4)", "INSERT INTO shop.keyless VALUES (2)")
			d.works(d.source("archive", source, "--until-idle")...)
			behind := takeHere(t, source)
			emptyTarget(t, target)
			d.works(d.restore(target)...)
			behind.equals(t, target, "from a backup behind it")
		})
	}
}
