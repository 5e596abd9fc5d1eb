package cli

import (
	littleEndian "encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// killedInside commits a transaction, kills the source, and leaves no more of it in the log than its first rows, as
// a server does that is killed while it writes. Then it starts the source again.
func killedInside(t *testing.T, source *mysqltest.Server, statements ...string) {
	t.Helper()
	begun := takeHere(t, source)
	mysqltest.Exec(t, source, statements...)
	if err := source.Kill(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(source.DataDir(), begun.file)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := begun.pos
	next := func() uint64 { return end + uint64(littleEndian.LittleEndian.Uint32(file[end+9:])) }
	for event.Type(file[end+4]) != event.TypeWriteRowsV1 {
		end = next()
	}
	if err := os.Truncate(path, int64(next())); err != nil {
		t.Fatal(err)
	}
	if err := source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The engine had committed it, other than where the server is killed while it writes.
	mysqltest.Exec(t, source, "SET SESSION sql_log_bin=0", "DELETE FROM shop.t WHERE v = 'half'", "DELETE FROM shop.k WHERE id = 100", "SET SESSION sql_log_bin=1")
}

// TestMariaDBKilledInsideATransaction: what MariaDB leaves in its log of a transaction that it was killed in counts for
// nothing, be it in the log that the backup follows or in what a restore replays. Its GTID comes again.
func TestMariaDBKilledInsideATransaction(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	half := []string{"BEGIN", "INSERT INTO shop.t VALUES (100, 'half')", "INSERT INTO shop.k VALUES (100)", "COMMIT"}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(10))", "CREATE TABLE shop.k (id INT)", "INSERT INTO shop.t VALUES (1, 'a')")
	killedInside(t, source, half...)
	// An XA transaction that was committed has the backup follow the log from an older file on.
	mysqltest.Exec(t, source, "XA START 'x'", "INSERT INTO shop.t VALUES (2, 'b')", "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'")
	o := d.run(d.source("backup", source, "--log-level", "debug")...)
	if o.Code != 0 || !strings.Contains(o.Stderr, "the source was killed while it wrote a transaction") {
		t.Fatalf("the backup did not see it: %s", o)
	}
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3, 'c')")
	killedInside(t, source, half...)
	// Were the half transaction replayed, the last row would meet another.
	mysqltest.Exec(t, source, "INSERT INTO shop.k VALUES (1)", "INSERT INTO shop.t VALUES (4, 'd'), (100, 'whole')")
	d.works(d.source("archive", source, "--until-idle")...)
	m := takeHere(t, source)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	d.works(d.restore(target)...)
	m.equals(t, target, "behind both crashes")
}
