package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Statements on a temporary table that a session in statement format logs change no table of its name, and those on base tables
// inside of a procedure that uses temporary tables do.
func TestTemporaryTablesInTheLog(t *testing.T) {
	for _, kind := range mysqltest.Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			source, target := serversOf(t, kind)
			mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop", "CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY i (v))", "CREATE TABLE u (id INT PRIMARY KEY)", "CREATE TABLE x (id INT PRIMARY KEY)",
				"CREATE TABLE base (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1, 1), (2, 2)", "INSERT INTO u VALUES (1)", "INSERT INTO x VALUES (1)", "INSERT INTO base VALUES (1)",
				"CREATE PROCEDURE p() BEGIN CREATE TEMPORARY TABLE tmp (a INT); TRUNCATE TABLE tmp; TRUNCATE TABLE base; ALTER TABLE base ADD n INT; DROP TEMPORARY TABLE tmp; END")
			d := newDesk(t)
			d.works(d.source("backup", source)...)
			restores := func(what string, more ...string) {
				t.Helper()
				d.works(d.source("archive", source, "--until-idle")...)
				emptyTarget(t, target)
				d.works(d.restore(target, more...)...)
				takeHere(t, source).equals(t, target, what)
			}
			mysqltest.Exec(t, source, "SET SESSION binlog_format=STATEMENT", "USE shop", "CREATE TEMPORARY TABLE t (id INT)", "INSERT INTO t VALUES (7)", "TRUNCATE TABLE t",
				"ALTER TABLE t ADD n INT AUTO_INCREMENT UNIQUE", "CREATE INDEX j ON t (id)", "DROP INDEX j ON t", "ALTER TABLE t RENAME TO t2", "ALTER TABLE t COMMENT 'of the base table'",
				"ALTER TABLE t2 ADD y INT, RENAME TO t", "TRUNCATE t", "DROP TEMPORARY TABLE t", "CREATE TEMPORARY TABLE u (a INT)", "RENAME TABLE u TO w", // of a MySQL the base table
				"CREATE TEMPORARY TABLE t (id INT)", "DROP TABLE x, t", "ALTER TABLE t ADD last INT", "DROP TEMPORARY TABLE IF EXISTS u, w")
			restores("statements on temporary tables")
			restores("the same in a part", "--tables", "shop.*")
			mysqltest.Exec(t, source, "SET SESSION binlog_format=ROW", "CALL shop.p()", "INSERT INTO shop.base VALUES (5, 5)")
			restores("a procedure in row format")
			mysqltest.Exec(t, source, "ALTER TABLE shop.base DROP n", "SET SESSION binlog_format=STATEMENT", "CALL shop.p()")
			restores("a procedure in statement format")
			mysqltest.Exec(t, source, "SET SESSION binlog_format=STATEMENT", "USE shop", "CREATE TEMPORARY TABLE t (a INT)", "CREATE TABLE copy LIKE t", "DROP TEMPORARY TABLE t")
			d.works(d.source("archive", source, "--until-idle")...)
			emptyTarget(t, target)
			d.refused(refusal{code: 12, kind: "statement", says: []string{"shop.copy", "temporary table"}, hint: []string{"--exclude shop.copy"}}, d.restore(target)...)
		})
	}
}

// serversOf returns a source and a target of a kind, with the users of a backup and of a restore.
func serversOf(t *testing.T, kind mysqltest.Kind) (source, target *mysqltest.Server) {
	t.Helper()
	source = mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	target = mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	return source, target
}
