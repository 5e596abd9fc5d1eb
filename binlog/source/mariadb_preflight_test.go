package source_test

import (
	"slices"
	"testing"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// Of a good MariaDB nothing is wrong.
func TestPreflightOfMariaDB(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	srv := asBackupUser(t, s)
	findings := preflight(t, srv)
	if got := errorsOf(findings); len(got) > 0 {
		t.Errorf("errors %v in %+v", got, findings)
	}
	wantFinding(t, findings, "version", source.LevelInfo, "mariadb 10.11", "")
	wantFinding(t, findings, "low_watermark", source.LevelInfo, "binlog checkpoint", "max_binlog_size")
	wantFinding(t, findings, "log_replica_updates", source.LevelWarning, "cannot see whether", "GRANT SLAVE MONITOR ON *.* TO 'tripod_backup'@'%'")
	for _, f := range findings {
		if f.Level == source.LevelWarning && f.ID != "log_replica_updates" {
			t.Errorf("a good source is warned about: %+v", f)
		}
	}
	for _, f := range preflight(t, asBackupUser(t, s, "SLAVE MONITOR")) {
		if f.ID == "log_replica_updates" {
			t.Errorf("with SLAVE MONITOR: %+v", f)
		}
	}
}

func TestPreflightOfABadMariaDB(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, ExtraArgs: []string{
		"--binlog-format=MIXED", "--binlog-row-image=MINIMAL", "--sync-binlog=0", "--innodb-flush-log-at-trx-commit=3", "--old-mode=",
		"--binlog-ignore-db=x", "--expire-logs-days=0.5",
	}})
	srv := asBackupUser(t, s, "SLAVE MONITOR")
	mysqltest.Exec(t, s, "CHANGE MASTER 'second' TO MASTER_HOST='127.0.0.1', MASTER_USER='nobody'", "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)",
		"XA START 'x','y',7; INSERT INTO a.t VALUES (1); XA END 'x','y',7; XA PREPARE 'x','y',7")
	findings := preflight(t, srv)
	want := []string{"binlog_format", "old_mode", "binlog_ignore_db", "log_replica_updates"}
	if got := errorsOf(findings); !slices.Equal(got, want) {
		t.Errorf("errors %v, want %v", got, want)
	}
	wantFinding(t, findings, "binlog_format", source.LevelError, "MIXED", "SET GLOBAL binlog_format=ROW")
	wantFinding(t, findings, "old_mode", source.LevelError, "utf8mb4", "SET GLOBAL old_mode='UTF8_IS_UTF8MB3'")
	wantFinding(t, findings, "retention", source.LevelWarning, "43200 seconds", "binlog_expire_logs_seconds=604800")
	wantFinding(t, findings, "sync_binlog", source.LevelWarning, "0", "sync_binlog=1")
	mysqltest.Exec(t, s, "XA ROLLBACK 'x','y',7")
	wantFinding(t, findings, "xa", source.LevelWarning, "X'78',X'79',7", "XA COMMIT")
	for _, f := range findings {
		if f.ID == "innodb_flush_log_at_trx_commit" {
			t.Errorf("3 is as durable as 1: %+v", f)
		}
	}
}

func TestPreflightNamesTheMissingGrantOfMariaDB(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	srv := asBackupUser(t, s)
	mysqltest.Exec(t, s, "REVOKE BINLOG MONITOR, REPLICATION SLAVE, EVENT ON *.* FROM 'tripod_backup'@'%'")
	findings := preflight(t, srv)
	const grant = "GRANT BINLOG MONITOR, REPLICATION SLAVE, EVENT ON *.* TO 'tripod_backup'@'%'"
	wantFinding(t, findings, "grants", source.LevelError, "lacks BINLOG MONITOR", grant)
	mysqltest.Exec(t, s, grant)
	for _, f := range preflight(t, srv) {
		if f.ID == "grants" {
			t.Errorf("after the GRANT: %+v", f)
		}
	}
}

func TestPreflightOfMariaDBTables(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.k (id INT PRIMARY KEY)", "CREATE TABLE a.keyless (id INT)",
		"CREATE TABLE a.v (id INT PRIMARY KEY) WITH SYSTEM VERSIONING", "CREATE SEQUENCE a.s", "CREATE TABLE a.numbered (id INT PRIMARY KEY DEFAULT NEXTVAL(a.s), v VARCHAR(20) DEFAULT 'nextval')", "CREATE TABLE a.aria (id INT PRIMARY KEY) ENGINE=Aria",
		"CREATE TABLE a.u (id UUID PRIMARY KEY)", "CREATE TABLE a.z (id INT PRIMARY KEY, b BLOB COMPRESSED)", "CREATE TABLE a.fine (uuid INT PRIMARY KEY, j JSON)",
		"SET GLOBAL mysql56_temporal_format=OFF; CREATE TABLE a.old (id INT PRIMARY KEY, t DATETIME); SET GLOBAL mysql56_temporal_format=ON", "SET sql_mode=ORACLE; CREATE PACKAGE a.pk AS PROCEDURE p(x INT); END",
		"CREATE TABLE a.m (id INT PRIMARY KEY) ENGINE=MyISAM", "CREATE TABLE a.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES a.k (id) ON DELETE CASCADE)",
		"CREATE TABLE a.g (id INT PRIMARY KEY, ts TIMESTAMP NOT NULL, d DATE AS (DATE(ts)) VIRTUAL)")
	srv := asBackupUser(t, s)
	findings, tables, err := source.Survey(t.Context(), srv, source.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 13 {
		t.Errorf("%d tables: %+v", len(tables), tables)
	}
	wantFinding(t, findings, "table_type", source.LevelError, "2 tables are system-versioned or a sequence", "--exclude")
	wantFinding(t, findings, "table_type", source.LevelError, "a.v (system versioned)", "DROP SYSTEM VERSIONING")
	wantFinding(t, findings, "table_type", source.LevelError, "a.s (sequence)", "a.s")
	wantFinding(t, findings, "column_type", source.LevelError, "3 tables are", "a.old,a.s,a.u,a.v,a.z,a.aria")
	wantFinding(t, findings, "column_type", source.LevelError, "a.u, column id (uuid)", "--exclude")
	wantFinding(t, findings, "sequence_default", source.LevelWarning, "1 table is with a default that takes numbers of a sequence, which is not backed up: a.numbered", "START WITH")
	wantFinding(t, findings, "packages", source.LevelWarning, "a.pk", "SHOW CREATE PACKAGE BODY")
	wantFinding(t, findings, "engine", source.LevelError, "a.aria (Aria)", "a.aria")
	wantFinding(t, findings, "engine", source.LevelInfo, "a.m (MyISAM)", "InnoDB")
	wantFinding(t, findings, "keyless", source.LevelWarning, "a.keyless", "PRIMARY KEY")
	wantFinding(t, findings, "cascade", source.LevelWarning, "a.child", "take the tables along")
	exclude := source.Scope{Table: func(n schema.Name) bool { return !slices.Contains([]string{"v", "s", "aria", "u", "z", "old"}, n.Name) }}
	if findings, _, err = source.Survey(t.Context(), srv, exclude); err != nil || len(errorsOf(findings)) > 0 {
		t.Errorf("errors %v, %v", errorsOf(findings), err)
	}
	if err := source.Refuse(findings); err != nil {
		t.Error(err)
	}
}
