package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// mariaSchemas takes a MariaDB with a backup user, and one as target.
func mariaSchemas(t *testing.T) (source, target *mysqltest.Server) {
	t.Helper()
	source = mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	target = mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	return source, target
}

// TestMariaDBReplacesSchemas: CREATE OR REPLACE DATABASE drops a schema with all that is in it, and makes it with other defaults; a
// restore of everything and one of a part follow it, to any point.
func TestMariaDBReplacesSchemas(t *testing.T) {
	source, target := mariaSchemas(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop CHARACTER SET latin1", "CREATE DATABASE `od``d.na*me`",
		"CREATE TABLE shop.t (id INT PRIMARY KEY)", "CREATE TABLE shop.gone (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)", "INSERT INTO shop.gone VALUES (1)",
		"CREATE TABLE `od``d.na*me`.kept (id INT PRIMARY KEY)", "CREATE VIEW shop.v AS SELECT id FROM shop.t", "CREATE PROCEDURE shop.p() SELECT 1",
		"CREATE TRIGGER shop.g BEFORE INSERT ON shop.t FOR EACH ROW SET @x = 1", "CREATE EVENT shop.e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	moments := []moment{takeHere(t, source)}
	for _, statements := range [][]string{
		{"CREATE OR REPLACE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"},
		{"CREATE TABLE shop.t (a VARCHAR(9))", "INSERT INTO shop.t VALUES ('x')", "CREATE PROCEDURE shop.p() SELECT 2", "INSERT INTO `od``d.na*me`.kept VALUES (7)"},
		{"CREATE OR REPLACE SCHEMA `od``d.na*me`", "CREATE OR REPLACE DATABASE shop", "CREATE TABLE shop.other (v VARCHAR(9))", "INSERT INTO shop.other VALUES ('y')"},
	} {
		mysqltest.Exec(t, source, statements...)
		moments = append(moments, takeHere(t, source))
	}
	d.works(d.source("archive", source, "--until-idle")...)
	for _, m := range moments {
		emptyTarget(t, target)
		d.works(d.restore(target, "--to-position", m.position())...)
		m.equals(t, target, m.position())
	}
	emptyTarget(t, target)
	d.works(d.restore(target, "--to-position", moments[2].position(), "--tables", "shop.t")...)
	if got := onlyValue(t, target, "SELECT a FROM shop.t"); got != "x" {
		t.Errorf("of a part came %q", got)
	}
	emptyTarget(t, target)
	d.works(d.restore(target, "--databases", "shop", "--rename", "shop=`od``d.na*me`")...)
	if got := onlyValue(t, target, "SELECT v FROM `od``d.na*me`.other"); got != "y" {
		t.Errorf("under another name came %q", got)
	}
	if got := onlyValue(t, target, "SELECT GROUP_CONCAT(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'od`d.na*me'"); got != "other" {
		t.Errorf("under another name came the tables %s", got)
	}
}

// onlyValue returns the only value of a query.
func onlyValue(t *testing.T, s *mysqltest.Server, query string) (v string) {
	t.Helper()
	if err := s.Root().QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return v
}
