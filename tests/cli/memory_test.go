package cli

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
)

const (
	wideRow    = 20 << 20
	wideTables = 4
	// runtimeMemory is what the process has beside the bytes it works on: the binary, the runtime's
	// own structures, buffers of network and compression, and what the garbage collector has not
	// come to yet on a busy machine.
	runtimeMemory = 64 << 20
)

// TestPromise8MemoryBesideWideRows measures what every command has resident at most. The rows are of
// random bytes: nothing shrinks on the way.
func TestPromise8MemoryBesideWideRows(t *testing.T) {
	source, target := wideServers(t)
	fillWide(t, source)
	d := newMeter(t, 64)

	backup := d.run(d.source("backup", source, "--json")...)
	d.bounded(backup, "backup of wide rows", wideRow)
	loaded := lastGTID(t, source)
	wideChanges(t, source)
	archive := d.run(d.source("archive", source, "--until-idle", "--json")...)
	d.bounded(archive, "archive of wide rows", 2*wideRow)

	for _, local := range []string{"ON", "OFF"} {
		mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS shop", "SET GLOBAL local_infile="+local)
		o := d.run(d.restore(target, "--to-gtid", loaded, "--json")...)
		d.bounded(o, "load of wide rows, local_infile="+local, wideRow)
		sameRows(t, source, target, "wide2", "wide3")
	}
	mysqltest.Exec(t, target, "DROP DATABASE shop", "SET GLOBAL local_infile=ON")
	o := d.run(d.restore(target, "--json")...)
	d.bounded(o, "replay of wide rows", 2*wideRow)
	sameRows(t, source, target, "wide0", "wide1", "wide2", "wide3")
}

// TestPromise8MemoryBesideALargeTransaction: one of small rows, far larger than all the memory.
func TestPromise8MemoryBesideALargeTransaction(t *testing.T) {
	source, target := wideServers(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.many (id INT AUTO_INCREMENT PRIMARY KEY, body BLOB)")
	d := newMeter(t, 32)
	d.works(d.source("backup", source)...)
	// 20,000 rows of 6 kB.
	mysqltest.Exec(t, source, "INSERT INTO shop.many (body) SELECT REPEAT(CONCAT(UUID(), RAND()), 110) "+
		"FROM information_schema.COLLATIONS a, information_schema.COLLATIONS b LIMIT 20000")
	d.bounded(d.run(d.source("archive", source, "--until-idle", "--json")...), "archive of a large transaction", 0)
	d.bounded(d.run(d.restore(target, "--json")...), "replay of a large transaction", 0)
	sameRows(t, source, target, "many")
}

// meter is a desk whose runs have a bound of memory.
type meter struct {
	*desk
	memory int64 // MiB
}

func newMeter(t *testing.T, memory int64) *meter {
	t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system does not tell how much memory a process had: ", err)
	}
	d := newDesk(t).with(fmt.Sprintf("TRIPOD_MEMORY=%dMiB", memory))
	d.WatchPeak = true
	return &meter{d, memory}
}

// bounded wants success and promise 8, with a largest row or event of so many bytes.
func (d *meter) bounded(o program.Outcome, what string, largest int64) {
	d.t.Helper()
	if o.Code != 0 {
		d.t.Fatalf("%s: %s", what, o)
	}
	const mebi = 1 << 20
	limit := d.memory + 2*largest/mebi + runtimeMemory/mebi
	d.t.Logf("%s: %d MiB at most, of %d, in %s", what, o.Peak/mebi, limit, o.Took)
	if o.Peak == 0 || o.Peak/mebi > limit {
		d.t.Errorf("%s: %d MiB were resident; --memory %d MiB, twice the largest row or event of %d MiB, and %d MiB for the runtime allow %d",
			what, o.Peak/mebi, d.memory, largest/mebi, runtimeMemory/mebi, limit)
	}
}

// wideServers are a source and a target that hold wide rows without waiting for their disk.
func wideServers(t *testing.T) (source, target *mysqltest.Server) {
	t.Helper()
	o := mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, ExtraArgs: []string{
		"--innodb-redo-log-capacity=1G", "--innodb-buffer-pool-size=256M", "--innodb-doublewrite=OFF", "--innodb-flush-method=nosync", "--max-allowed-packet=256M",
	}}
	source, target = mysqltest.Take(t, o), mysqltest.Take(t, o)
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := target.CreateRestoreUser(t.Context(), shopSchema); err != nil {
		t.Fatal(err)
	}
	return source, target
}

// fillWide makes several tables of wide rows, so that several are read and loaded at once.
func fillWide(t *testing.T, source *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, source, "CREATE DATABASE shop")
	for i := range wideTables {
		mysqltest.Exec(t, source, fmt.Sprintf("CREATE TABLE shop.wide%d (id INT PRIMARY KEY, body LONGBLOB)", i))
		insertWide(t, source.Root(), fmt.Sprintf("wide%d", i), 1)
	}
}

// lastGTID is what takeHere calls last, without what the schemas hold: to read wide rows here takes longer than tripod needs.
func lastGTID(t *testing.T, source *mysqltest.Server) string {
	t.Helper()
	var gtids string
	if err := source.Root().QueryRowContext(t.Context(), "SELECT @@GLOBAL.gtid_executed").Scan(&gtids); err != nil {
		t.Fatal(err)
	}
	return lastOf(gtids)
}

type preparer interface {
	PrepareContext(context.Context, string) (*sql.Stmt, error)
}

// insertWide inserts a row of random bytes. The statement is prepared: then the driver need not quote each of them.
func insertWide(t *testing.T, on preparer, table string, id int) {
	t.Helper()
	body := make([]byte, wideRow)
	_, _ = rand.NewChaCha8([32]byte{byte(id), table[len(table)-1]}).Read(body) // never fails
	insert, err := on.PrepareContext(t.Context(), "INSERT INTO shop."+table+" VALUES (?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer insert.Close()
	if _, err := insert.ExecContext(t.Context(), id, body); err != nil {
		t.Fatal(err)
	}
}

// wideChanges makes one transaction of wide rows, with updates whose events hold two of them.
func wideChanges(t *testing.T, source *mysqltest.Server) {
	t.Helper()
	tx, err := source.Root().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	insertWide(t, tx, "wide0", 2)
	for _, statement := range []string{
		"UPDATE shop.wide0 SET body = REVERSE(body)", "UPDATE shop.wide1 SET id = 10", "DELETE FROM shop.wide1",
	} {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// sameRows compares tables by the server's own sums of their rows.
func sameRows(t *testing.T, source, target *mysqltest.Server, tables ...string) {
	t.Helper()
	for _, table := range tables {
		sum := func(s *mysqltest.Server) string {
			var rows []string
			list, err := s.Root().QueryContext(t.Context(), "SELECT CONCAT(id, ' ', SHA2(body, 256)) FROM shop."+table+" ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			defer list.Close()
			for list.Next() {
				var row string
				if err := list.Scan(&row); err != nil {
					t.Fatal(err)
				}
				rows = append(rows, row)
			}
			if err := list.Err(); err != nil {
				t.Fatal(err)
			}
			return strings.Join(rows, "\n")
		}
		if want, got := sum(source), sum(target); want != got {
			t.Errorf("%s holds %.200s instead of %.200s", table, got, want)
		}
	}
}
