package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// onlyMariaDB are tables of which this version cannot bring back what is in them, with rows.
var onlyMariaDB = map[string]struct{ create, insert string }{
	"sq":        {"CREATE SEQUENCE shop.sq", "SELECT NEXTVAL(shop.sq)"},
	"versioned": {"CREATE TABLE shop.versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING", "INSERT INTO shop.versioned VALUES (1)"},
	"uuids":     {"CREATE TABLE shop.uuids (id UUID PRIMARY KEY)", "INSERT INTO shop.uuids VALUES (UUID())"},
	"inet":      {"CREATE TABLE shop.inet (id INT PRIMARY KEY, a INET6)", "INSERT INTO shop.inet VALUES (1, '::1')"},
	"small":     {"CREATE TABLE shop.small (id INT PRIMARY KEY, b TEXT COMPRESSED)", "INSERT INTO shop.small VALUES (1, REPEAT('a', 1000))"},
	"old":       {"SET GLOBAL mysql56_temporal_format=OFF; CREATE TABLE shop.old (id INT PRIMARY KEY, t DATETIME); SET GLOBAL mysql56_temporal_format=ON", "INSERT INTO shop.old VALUES (1, '2026-01-01')"},
	"aria":      {"CREATE TABLE shop.aria (id INT PRIMARY KEY) ENGINE=Aria", "INSERT INTO shop.aria VALUES (1)"},
}

// TestMariaDBTablesOfItsOwn: what cannot be brought back is named by check and by the backup, and so is where the range of a
// table ends that becomes one. Without these tables the rest is backed up and restored, with `innodb_snapshot_isolation` too.
func TestMariaDBTablesOfItsOwn(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, ExtraArgs: []string{"--innodb-snapshot-isolation=ON"}})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(9))", "INSERT INTO shop.t VALUES (1, 'a')", "CREATE TABLE shop.k (id INT)", "INSERT INTO shop.k VALUES (1), (1)")
	var names, hints []string
	for name, only := range onlyMariaDB {
		mysqltest.Exec(t, source, only.create, only.insert)
		names, hints = append(names, "shop."+name), append(hints, "shop."+name)
	}
	mysqltest.Exec(t, source, "CREATE TABLE shop.numbered (id INT PRIMARY KEY DEFAULT NEXTVAL(shop.sq))", "INSERT INTO shop.numbered VALUES ()")
	d := newDesk(t)
	o := d.run("check", "--source", source.URL(mysqltest.BackupUser))
	if o.Code != 1 {
		t.Error(o)
	}
	for _, name := range append(names, "shop.numbered") {
		if !strings.Contains(o.Stdout, name) {
			t.Errorf("check does not name %s: %s", name, o)
		}
	}
	slices.Sort(names)
	exclude := strings.Join(names, ",")
	d.refused(refusal{code: 1, kind: "source", says: []string{"shop.aria"}, hint: hints}, d.source("backup", source)...)
	d.works(d.source("backup", source, "--exclude", exclude)...)
	mysqltest.Exec(t, source, "UPDATE shop.t SET v = 'b'", "DELETE FROM shop.k LIMIT 1", "INSERT INTO shop.numbered VALUES ()")
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	d.refused(refusal{code: 1, kind: "target", says: []string{"shop.numbered", "shop.sq"}}, d.restore(target)...)
	mysqltest.Exec(t, target, "DROP DATABASE shop", "CREATE DATABASE shop", "CREATE SEQUENCE shop.sq START WITH 1000")
	d.works(d.restore(target)...)
	// What stays of it here is what the source, without its own tables, has.
	loosened := "ALTER TABLE shop.numbered ALTER id DROP DEFAULT"
	mysqltest.Exec(t, target, loosened, "DROP SEQUENCE shop.sq")
	mysqltest.Exec(t, source, loosened)
	for _, name := range names {
		kind := "TABLE "
		if name == "shop.sq" {
			kind = "SEQUENCE "
		}
		mysqltest.Exec(t, source, "DROP "+kind+name)
	}
	takeHere(t, source).equals(t, target, "without what only MariaDB has")

	var second struct {
		ID string `json:"backup_id"`
	}
	d.must(&second, d.source("backup", source)...)
	names = slices.DeleteFunc(names, func(name string) bool { return name == "shop.aria" }) // its rows in the log are as those of any other
	for _, name := range names {
		only := onlyMariaDB[strings.TrimPrefix(name, "shop.")]
		mysqltest.Exec(t, source, only.create, only.insert)
	}
	mysqltest.Exec(t, source, "UPDATE shop.t SET v = 'c'", "ALTER TABLE shop.numbered ALTER id SET DEFAULT NEXTVAL(shop.sq)", onlyMariaDB["aria"].create, onlyMariaDB["aria"].insert)
	d.works(d.source("archive", source, "--until-idle")...)
	o = d.run("list", "--store", d.store())
	for _, name := range names {
		if name != "shop.old" && !strings.Contains(o.Stdout, "for "+name) { // its definition does not tell
			t.Errorf("list does not tell that %s ends: %s", name, o)
		}
		mysqltest.Exec(t, target, "DROP DATABASE shop", "CREATE DATABASE shop")
		others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
		d.refused(refusal{code: 12, kind: "statement", says: []string{name}, hint: []string{"--exclude"}}, d.restore(target, "--backup", second.ID, "--exclude", strings.Join(others, ","))...)
	}
	mysqltest.Exec(t, target, "DROP DATABASE shop", "CREATE DATABASE shop", "CREATE SEQUENCE shop.sq START WITH 1000")
	d.works(d.restore(target, "--backup", second.ID, "--exclude", strings.Join(names, ","))...)
	var rows string
	if err := target.Root().QueryRowContext(t.Context(), "SELECT CONCAT((SELECT v FROM shop.t), (SELECT COUNT(*) FROM shop.aria), (SELECT COUNT(*) FROM shop.numbered))").Scan(&rows); err != nil || rows != "c12" {
		t.Errorf("restored %q, %v", rows, err)
	}
}
