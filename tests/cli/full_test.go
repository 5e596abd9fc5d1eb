package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// smallDisk mounts a file system of 8 MiB on a folder, and returns what makes it larger.
func smallDisk(t *testing.T, folder string) (grow func()) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=8m")
	if errors.Is(err, unix.EPERM) {
		t.Skip("mounting a small file system is not permitted to this user")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return func() {
		t.Helper()
		if err := unix.Mount("tmpfs", folder, "tmpfs", unix.MS_REMOUNT, "size=256m"); err != nil {
			t.Fatal(err)
		}
	}
}

// noise is a source whose rows do not fit on a small disk, however they are compressed.
func noise(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, v BLOB)",
		"CREATE TABLE shop.small (id INT PRIMARY KEY)", "INSERT INTO shop.small VALUES (1)")
	unlogged := []string{"SET SESSION sql_log_bin=0"}
	for range 24 {
		unlogged = append(unlogged, "INSERT INTO shop.t (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<512) SELECT RANDOM_BYTES(1000) FROM n")
	}
	mysqltest.Exec(t, s, append(unlogged, "SET SESSION sql_log_bin=1")...)
}

// A store without room: a clear line, exit 1, no backup; with room the next run goes on.
func TestStoreFull(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	noise(t, source)
	d := newDesk(t)
	grow := smallDisk(t, d.storeFolder())
	slow := d.slowly("")
	slow.refusedText(refusal{code: 1, kind: "store", says: []string{"full"}, hint: []string{"store"}}, d.source("backup", source)...)
	if found := d.manifests(); len(found) > 0 {
		t.Errorf("a backup exists that failed: %v", found)
	}
	slow.refusedJSON(refusal{code: 1, kind: "store", says: []string{"full"}, hint: []string{"store"}}, d.source("backup", source)...)
	grow()
	var r adoptedResult
	d.must(&r, d.source("backup", source)...)
	if r.Adopted == nil || r.Adopted.Chunks == 0 {
		t.Errorf("adopted %+v", r.Adopted)
	}
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "a backup whose store was full")
}

// A spool without room ends a backup that archives by itself; with room the next run works.
func TestSpoolFull(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	mysqltest.Exec(t, source, "CREATE TABLE shop.big (id INT PRIMARY KEY AUTO_INCREMENT, v LONGBLOB)", "INSERT INTO shop.big (v) VALUES (REPEAT('x', 3000000))", "INSERT INTO shop.big (v) VALUES (REPEAT('y', 3000000))")
	d := newDesk(t)
	spool := filepath.Join(d.folder, "spool")
	smallDisk(t, spool)
	filler := filepath.Join(spool, "filler")
	if err := os.WriteFile(filler, bytes.Repeat([]byte("x"), 16<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the small disk took 16 MiB: %v", err)
	}
	want := refusal{code: 1, kind: "store", says: []string{"spool"}, hint: []string{"--spool"}}
	d.refused(want, d.source("backup", source)...)
	d.refused(want, d.source("archive", source, "--until-idle")...)
	if found := d.manifests(); len(found) > 0 {
		t.Errorf("a backup exists that failed: %v", found)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	d.works(d.source("backup", source)...)
	d.works(d.source("archive", source, "--until-idle")...)
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "a backup whose spool was full")
}
