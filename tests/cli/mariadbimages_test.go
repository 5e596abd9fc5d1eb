package cli

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBRowImages: row images that lack columns come back where the text in front of them tells what they mean. Where
// nothing does, as with a REPLACE of some columns, which looks like an UPDATE, the table's range ends by name: archive, list and
// restore say so, prepared XA transactions count where they are committed, and check warns.
func TestMariaDBRowImages(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, a INT DEFAULT 5, b TEXT, u INT UNIQUE)", "CREATE TABLE shop.x LIKE shop.t", "CREATE TABLE shop.other LIKE shop.t",
		"INSERT INTO shop.t VALUES (1, 2, 'b', 3), (2, 2, 'b', 4)", "INSERT INTO shop.x SELECT * FROM shop.t", "SET GLOBAL binlog_row_image=MINIMAL")
	d := newDesk(t)
	o := d.run("check", "--source", source.URL(mysqltest.BackupUser))
	if !strings.Contains(o.Stdout, "REPLACE") || !strings.Contains(o.Stdout, "SET GLOBAL binlog_row_image=FULL") {
		t.Errorf("check does not warn: %s", o)
	}
	mysqltest.Exec(t, source, "SET GLOBAL binlog_row_image=FULL")
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "SET SESSION binlog_row_image=MINIMAL", "UPDATE shop.t SET a = 7 WHERE id = 1", "INSERT INTO shop.t (id) VALUES (3)", "INSERT INTO shop.t (id, u) VALUES (4, 3) ON DUPLICATE KEY UPDATE b = 'dup'",
		"REPLACE INTO shop.t (id) VALUES (9)", "REPLACE INTO shop.t (id, b) VALUES (3, 'c')", "SET SESSION binlog_row_image=NOBLOB", "UPDATE shop.t SET u = u + 10", "REPLACE INTO shop.other (id) VALUES (1)", "DELETE FROM shop.t WHERE id = 2")
	before := takeHere(t, source)
	mysqltest.Exec(t, source, "SET SESSION binlog_row_image=NOBLOB", "REPLACE INTO shop.t (id, a, u) VALUES (50, 8, 13)")
	replaced := takeHere(t, source)
	mysqltest.Exec(t, source, "SET SESSION binlog_row_image=MINIMAL", "XA START 'x'", "REPLACE INTO shop.x (id, u) VALUES (60, 3)", "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'", "INSERT INTO shop.other (id) VALUES (2)")
	var archived archiveEnds
	d.must(&archived, d.source("archive", source, "--until-idle")...)
	if len(archived.Ends) != 2 || archived.Ends[0].Name != "t" || archived.Ends[1].Name != "x" || !strings.Contains(archived.Ends[0].Reason, "binlog_row_image=FULL") {
		t.Errorf("archive says %+v", archived.Ends)
	}
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	d.refused(refusal{code: 12, kind: "statement", says: []string{"shop.t", "REPLACE"}, hint: []string{"shop.t"}}, d.restore(target)...)
	d.refused(refusal{code: 12, kind: "statement", says: []string{"shop.x", "REPLACE"}, hint: []string{"shop.x"}}, d.restore(target, "--exclude", "shop.t")...)
	d.works(d.restore(target, "--to-position", before.position())...)
	before.equals(t, target, "before the REPLACE")
	d.refused(refusal{code: 12, kind: "statement", says: []string{"shop.t"}}, d.restore(target, "--force", "--to-position", replaced.position())...)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, target, "DROP DATABASE shop", "CREATE DATABASE shop")
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "from a backup behind it")
}
