package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBLongUniqueKeys: of a unique key over long values MariaDB keeps, and logs, a hash in a column that no definition shows.
// And --skip-gtid knows the GTIDs of a MariaDB.
func TestMariaDBLongUniqueKeys(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, a TEXT, b VARCHAR(3000) CHARSET utf8mb4, n INT, UNIQUE (a), UNIQUE (b, n), UNIQUE short (n) USING HASH)",
		"CREATE TABLE shop.k (a TEXT NOT NULL, n INT, UNIQUE (a))", "CREATE TABLE shop.isam LIKE shop.t", "ALTER TABLE shop.isam ENGINE=MyISAM", "INSERT INTO shop.t VALUES (1, 'a', 'b', 1), (2, 'c', 'd', 2)", "INSERT INTO shop.k VALUES ('x', 1), ('y', 2)")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "UPDATE shop.t SET a = REPEAT('é', 5000), n = n + 10 WHERE id = 1", "INSERT INTO shop.t VALUES (3, 'e', 'f', NULL)", "DELETE FROM shop.t WHERE id = 2", "UPDATE shop.k SET a = CONCAT(a, 'z')", "INSERT INTO shop.k VALUES ('w', 3)",
		"INSERT INTO shop.isam SELECT * FROM shop.t", "UPDATE shop.isam SET n = n + 4", "ALTER TABLE shop.t ADD w INT FIRST", "SET SESSION binlog_row_image=MINIMAL", "UPDATE shop.t SET w = 5", "UPDATE shop.t SET id = 7, b = 'late' WHERE id = 3", "INSERT INTO shop.t (id, a) VALUES (8, 'h')", "SET SESSION binlog_row_image=FULL")
	m := takeHere(t, source)
	mysqltest.Exec(t, source, "INSERT INTO shop.k VALUES ('mistake', 1)")
	mistake := takeHere(t, source)
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	d.works(d.restore(target)...)
	mistake.equals(t, target, "all of it")
	mysqltest.Exec(t, target, "DROP DATABASE shop", "CREATE DATABASE shop")
	var last string
	if err := source.Root().QueryRowContext(t.Context(), "SELECT @@gtid_binlog_pos").Scan(&last); err != nil {
		t.Fatal(err)
	}
	d.works(d.restore(target, "--skip-gtid", last)...)
	m.equals(t, target, "without the mistake")
	d.refused(refusal{code: 12, kind: "range", says: []string{"0-1:999999"}}, d.restore(target, "--force", "--skip-gtid", "0-1-999999")...)
}
