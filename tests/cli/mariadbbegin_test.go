package cli

import (
	"path"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// A MariaDB rotates its log beside commits in flight: the new file's checkpoint names an older one, from which on a backup needs the
// log. An archive that begins then has to begin there.
func TestMariaDBArchiveBeginsWhereABackupWill(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "SET GLOBAL innodb_flush_log_at_trx_commit=0", "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT)")
	mysqltest.Eventually(t, func() bool {
		mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES ()", "FLUSH BINARY LOGS")
		return firstCheckpoint(t, source) != newestFile(t, source)
	}, "a file whose checkpoint names an older one")
	d := newDesk(t)
	d.works(d.source("archive", source, "--until-idle")...)
	d.works(d.source("backup", source, "--wait", "10s")...)
}

func newestFile(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	return path.Base(files[len(files)-1])
}

// firstCheckpoint is the file that the first checkpoint of the newest file names; that one itself as long as there is none.
func firstCheckpoint(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	newest := newestFile(t, s)
	rows, err := s.Root().QueryContext(t.Context(), "SHOW BINLOG EVENTS IN '"+newest+"' LIMIT 5")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	named := newest
	for rows.Next() {
		var file, kind, server, info string
		var at, end uint64
		if err := rows.Scan(&file, &at, &kind, &server, &end, &info); err != nil {
			t.Fatal(err)
		}
		if kind == "Binlog_checkpoint" && named == newest {
			named = path.Base(info)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return named
}
