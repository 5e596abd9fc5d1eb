package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// A MySQL before 8.0 logs a DROP that a foreign key refused with all its names, and an error: the one table that was there has stayed.
// Of several nobody knows which have: their range ends there.
func TestMySQL56DropThatFailed(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MySQL56, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
		"CREATE TABLE alone (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1), (2)", "INSERT INTO c VALUES (1, 1), (2, 2)", "CREATE TRIGGER tr BEFORE INSERT ON p FOR EACH ROW SET @x = 1")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	fails := func(drop string) {
		t.Helper()
		if _, err := source.Root().ExecContext(t.Context(), drop); !mysqltest.IsError(err, 1217) {
			t.Fatalf("%s: want error 1217, got %v", drop, err)
		}
	}
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MySQL56, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	fails("DROP TABLE IF EXISTS shop.p")
	fails("DROP TABLE IF EXISTS shop.never, shop.p")
	mysqltest.Exec(t, source, "INSERT INTO shop.p VALUES (3)", "DELETE FROM shop.p WHERE id = 1")
	d.works(d.source("archive", source, "--until-idle")...)
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "behind a DROP of one table")
	mysqltest.Exec(t, target, "DROP DATABASE shop")
	d.works(d.restore(target, "--exclude", "shop.alone")...)
	fails("DROP TABLE IF EXISTS shop.alone, shop.p")
	d.works(d.source("archive", source, "--until-idle")...)
	mysqltest.Exec(t, target, "DROP DATABASE shop")
	for _, more := range [][]string{nil, {"--tables", "shop.*"}} {
		d.refused(refusal{code: 12, kind: "statement", says: []string{"1217"}, hint: []string{"--exclude"}}, d.restore(target, more...)...)
		mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS shop")
	}
	d.works(d.restore(target, "--exclude", "shop.alone,shop.p,shop.c")...)
}
