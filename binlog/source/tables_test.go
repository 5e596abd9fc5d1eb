package source_test

import (
	"slices"
	"testing"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

func TestPreflightTables(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{ExtraArgs: []string{"--innodb-native-foreign-keys=ON"}})
	srv := asBackupUser(t, s)
	survey := func(schemas ...string) []source.Finding {
		t.Helper()
		list, err := source.Tables(t.Context(), srv, func(n schema.Name) bool { return len(schemas) == 0 || slices.Contains(schemas, n.Schema) })
		if err != nil {
			t.Fatal(err)
		}
		return source.PreflightTables(srv.Facts(), list)
	}
	if findings := survey(); len(findings) > 0 {
		t.Fatalf("an empty server: %+v", findings)
	}
	mysqltest.Exec(t, s, "CREATE DATABASE `ü`", "CREATE DATABASE b",
		"CREATE TABLE `ü`.pk (id INT PRIMARY KEY)",
		"CREATE TABLE `ü`.uk (id INT NOT NULL, v INT, UNIQUE (id), UNIQUE (v))",
		"CREATE TABLE `ü`.nullable (id INT, UNIQUE (id))",
		"CREATE TABLE `ü`.prefix (s VARCHAR(10) NOT NULL, UNIQUE (s(3)))",
		"CREATE TABLE `ü`.expression (id INT NOT NULL, UNIQUE ((id+1)))",
		"CREATE TABLE `ü`.none (id INT)",
		"CREATE TABLE b.m (id INT PRIMARY KEY) ENGINE=MyISAM",
		"CREATE TABLE b.csv (id INT NOT NULL) ENGINE=CSV", "CREATE TABLE b.heap (id INT NOT NULL) ENGINE=MEMORY", "CREATE TABLE b.old (id INT) ENGINE=ARCHIVE",
		"CREATE TABLE b.p (id INT PRIMARY KEY)",
		"CREATE TABLE b.c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES b.p (id) ON DELETE SET NULL)",
		"CREATE TABLE b.hole (id INT) ENGINE=BLACKHOLE",
		"CREATE VIEW b.v AS SELECT 1")
	all := survey()
	wantFinding(t, all, "keyless", source.LevelWarning, "4 tables are", "ADD PRIMARY KEY")
	wantFinding(t, all, "keyless", source.LevelWarning, ": ü.expression, ü.none, ü.nullable, ü.prefix", "")
	wantFinding(t, all, "engine", source.LevelError, "1 table is of an engine whose rows cannot be read exactly: b.old (ARCHIVE)", "--exclude b.old")
	wantFinding(t, all, "engine", source.LevelWarning, "2 tables are neither transactional nor", "ADD PRIMARY KEY")
	wantFinding(t, all, "engine", source.LevelWarning, "b.csv (CSV), b.heap (MEMORY)", "--keyless-missing")
	wantFinding(t, all, "engine", source.LevelInfo, "1 table is not transactional", "")
	wantFinding(t, all, "engine", source.LevelInfo, "b.m (MyISAM)", "")
	wantFinding(t, all, "cascade", source.LevelWarning, "may have to be read again: b.c", "innodb_native_foreign_keys=OFF")
	wantFinding(t, all, "rowless", source.LevelWarning, "b.hole (BLACKHOLE)", "")
	if only := survey("ü"); len(only) != 1 || only[0].ID != "keyless" {
		t.Errorf("of one schema: %+v", only)
	}
}
