package cli

import (
	"slices"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestRestoreIntoTheArchivedSource: what is rescued into the source itself is in its binlog, so that a later restore from that archive has
// it; the tables that the rescue kept for itself are nobody's. A server that this store does not archive keeps what it gets to itself.
func TestRestoreIntoTheArchivedSource(t *testing.T) {
	source := sourceServer(t)
	mysqltest.Exec(t, source, "SET GLOBAL local_infile=ON", "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "INSERT INTO shop.t VALUES (1,1),(2,2)",
		"CREATE TABLE shop.__tripod_restore (of_another INT PRIMARY KEY)", "CREATE TABLE shop.keyless (n INT)",
		"INSERT INTO shop.keyless WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM s WHERE i<200) SELECT i FROM s")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	// More rows are looked for than a table without a key needs to get an index for the time of a replay.
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3,3)", "UPDATE shop.keyless SET n=n+1000 WHERE n<=100")
	good := takeHere(t, source)
	mysqltest.Exec(t, source, "DELETE FROM shop.t", "DROP TABLE shop.__tripod_restore")
	d.works(d.source("archive", source, "--until-idle")...)
	mayKeepOutOfTheLog(t, source)
	into := d.restore(source)
	var result struct {
		BinlogWritten bool `json:"binlog_written"`
	}
	d.must(&result, append(slices.Clone(into), "--force", "--tables", "shop.t,shop.keyless", "--to-position", good.position())...)
	if !result.BinlogWritten {
		t.Error("the rescue is not in the source's binlog")
	}
	d.works(append(slices.Clone(into), "--tables", "shop.t", "--rename", "shop.t=rescue.t", "--to-position", good.position())...)
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (4,4)", "UPDATE rescue.t SET v=7 WHERE id=3", "UPDATE shop.keyless SET n=n+1000 WHERE n<1200")
	if got := column(t, source, "SELECT CONCAT_WS(' ', id, v) FROM shop.t ORDER BY id"); !slices.Equal(got, []string{"1 1", "2 2", "3 3", "4 4"}) {
		t.Fatalf("the source holds %q", got)
	}
	end := takeHere(t, source)
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Target(t)
	mayKeepOutOfTheLog(t, target)
	d.must(&result, d.restore(target)...)
	if result.BinlogWritten {
		t.Error("another server's binlog holds its restore")
	}
	end.equals(t, target, "behind the rescue")
	if got := column(t, target, "SELECT CONCAT_WS(' ', id, v) FROM rescue.t ORDER BY id"); !slices.Equal(got, []string{"1 1", "2 2", "3 7"}) {
		t.Errorf("rescue.t holds %q", got)
	}
	if got := tablesOf(t, target); !slices.Equal(got, []string{"rescue.t", "shop.keyless", "shop.t"}) {
		t.Errorf("on the target are %q", got)
	}
}

// mayKeepOutOfTheLog makes the user of a restore, who may set sql_log_bin.
func mayKeepOutOfTheLog(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	if _, err := s.CreateRestoreUser(t.Context(), append(slices.Clone(schemas), "rescue")...); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "GRANT SESSION_VARIABLES_ADMIN ON *.* TO tripod_restore")
}
