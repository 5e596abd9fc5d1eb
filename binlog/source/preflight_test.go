package source_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

func preflight(t *testing.T, srv *server.Server, schemas ...string) []source.Finding {
	t.Helper()
	g, err := srv.Grants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	findings, err := source.Preflight(t.Context(), srv, source.BackupNeeds(srv.Facts(), g, schemas...))
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// wantFinding fails unless there is a finding of this id and level whose message and remedy hold
// the texts.
func wantFinding(t *testing.T, findings []source.Finding, id string, level source.Level, message, remedy string) {
	t.Helper()
	for _, f := range findings {
		if f.ID == id && f.Level == level && strings.Contains(f.Message, message) && strings.Contains(f.Remedy, remedy) {
			return
		}
	}
	t.Errorf("no %s %s with %q and %q among %+v", level, id, message, remedy, findings)
}

func errorsOf(findings []source.Finding) []string {
	var ids []string
	for _, f := range findings {
		if f.Level == source.LevelError {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

func TestPreflightOfAGoodSource(t *testing.T) {
	srv := asBackupUser(t, mysqltest.Source(t))
	findings := preflight(t, srv)
	if len(errorsOf(findings)) > 0 || source.Refuse(findings) != nil {
		t.Fatalf("a good source is refused: %+v", findings)
	}
	for _, f := range findings {
		if f.Level == source.LevelWarning && f.ID != "xa" { // a grant that the account may do without
			t.Errorf("a good source is warned about: %+v", f)
		}
	}
	wantFinding(t, findings, "xa", source.LevelWarning, "XA", "GRANT XA_RECOVER_ADMIN ON *.* TO 'tripod_backup'@'%'")
	wantFinding(t, findings, "version", source.LevelInfo, "mysql 9.7", "")
}

func TestPreflightOfABadSource(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{ExtraArgs: []string{
		"--binlog-format=STATEMENT", "--binlog-row-image=MINIMAL", "--binlog-row-value-options=PARTIAL_JSON", "--sync-binlog=0",
		"--innodb-flush-log-at-trx-commit=2", "--binlog-do-db=a", "--binlog-expire-logs-seconds=3600",
		"--gtid-mode=OFF_PERMISSIVE", "--replicate-do-db=x", "--log-replica-updates=OFF",
	}})
	mysqltest.Exec(t, s, "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_USER='nobody'", "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)",
		"XA START 'x','y',7; INSERT INTO a.t VALUES (1); XA END 'x','y',7; XA PREPARE 'x','y',7")
	srv := asBackupUser(t, s, "XA_RECOVER_ADMIN")
	findings := preflight(t, srv)
	want := []string{"binlog_format", "binlog_do_db", "log_replica_updates"}
	if got := errorsOf(findings); !slices.Equal(got, want) {
		t.Errorf("errors %v, want %v", got, want)
	}
	wantFinding(t, findings, "binlog_format", source.LevelError, "STATEMENT", "SET PERSIST binlog_format=ROW")
	wantFinding(t, findings, "binlog_row_image", source.LevelWarning, "MINIMAL", "SET PERSIST binlog_row_image=FULL")
	wantFinding(t, findings, "binlog_row_value_options", source.LevelWarning, "PARTIAL_JSON", "SET PERSIST binlog_row_value_options=''")
	wantFinding(t, findings, "binlog_do_db", source.LevelError, "binlog-do-db=a", "binlog_do_db")
	wantFinding(t, findings, "gtid_mode", source.LevelWarning, "OFF_PERMISSIVE", "gtid_mode=ON")
	wantFinding(t, findings, "sync_binlog", source.LevelWarning, "sync_binlog is 0", "sync_binlog=1")
	wantFinding(t, findings, "innodb_flush_log_at_trx_commit", source.LevelWarning, "2", "=1")
	wantFinding(t, findings, "retention", source.LevelWarning, "3600 seconds", "binlog_expire_logs_seconds=604800")
	wantFinding(t, findings, "low_watermark", source.LevelInfo, "start of the binlog file", "BACKUP_ADMIN")
	wantFinding(t, findings, "xa", source.LevelWarning, "X'78',X'79',7", "XA COMMIT")
	err := source.Refuse(findings)
	wantFault(t, err, fault.KindSource, "SET PERSIST binlog_format=ROW")
}

func TestPreflightNamesLibraries(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE LIBRARY d.lib LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n } $$")
	findings := preflight(t, asBackupUser(t, s))
	wantFinding(t, findings, "libraries", source.LevelWarning, "d.lib", "SHOW CREATE LIBRARY")
	if err := source.Refuse(findings); err != nil {
		t.Errorf("a source with a library is refused: %v", err)
	}
}

func TestPreflightWithoutABinlog(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{ExtraArgs: []string{"--skip-log-bin"}})
	findings := preflight(t, asBackupUser(t, s))
	if got := errorsOf(findings); !slices.Equal(got, []string{"log_bin"}) {
		t.Errorf("errors %v", got)
	}
	wantFault(t, source.Refuse(findings), fault.KindSource, "log_bin")
}

func TestPreflightNamesTheMissingGrant(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE shop_1", "CREATE USER poor IDENTIFIED BY 'p'", "GRANT SELECT, SHOW VIEW ON *.* TO poor")
	a, err := server.ParseURL(s.URL(mysqltest.User{Name: "poor"}))
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret("p")
	srv := openAddress(t, a)
	findings := preflight(t, srv)
	const everything = "GRANT REPLICATION CLIENT, REPLICATION SLAVE, TRIGGER, EVENT ON *.* TO 'poor'@'%'"
	wantFinding(t, findings, "grants", source.LevelError, "poor@% lacks REPLICATION CLIENT, REPLICATION SLAVE, TRIGGER, EVENT on *.*", everything)
	wantFault(t, source.Refuse(findings), fault.KindGrant, everything)

	mysqltest.Exec(t, s, "REVOKE ALL ON *.* FROM poor", "GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO poor")
	findings = preflight(t, openAddress(t, a), "shop_1")
	wantFinding(t, findings, "grants", source.LevelError, "", "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON `shop\\_1`.* TO 'poor'@'%'")
	wantFinding(t, findings, "grants", source.LevelError, "", "GRANT SHOW_ROUTINE ON *.* TO 'poor'@'%'")
	for _, f := range findings {
		if f.ID == "grants" {
			mysqltest.Exec(t, s, f.Remedy)
		}
	}
	if findings = preflight(t, openAddress(t, a), "shop_1"); source.Refuse(findings) != nil {
		t.Errorf("after the GRANTs: %+v", findings)
	}
}

func TestW6_PreflightFindsTwoServersBehindOneAddress(t *testing.T) {
	a, b := mysqltest.Source(t), mysqltest.Source(t)
	u, err := a.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	turns := newRelay(t, func(n int) string {
		if n%4 == 3 {
			return b.Addr()
		}
		return a.Addr()
	})
	findings := preflight(t, openAddress(t, turns.address(t, u)))
	wantFinding(t, findings, "identity", source.LevelError, "W6", "primary")
	wantFault(t, source.Refuse(findings), fault.KindSource, "primary")
}

// An archiver needs the log and the right to read it, and nothing else.
func TestPreflightOfAnArchive(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{ExtraArgs: []string{"--binlog-format=STATEMENT", "--binlog-row-image=MINIMAL"}})
	srv := asBackupUser(t, s)
	mysqltest.Exec(t, s, "REVOKE SELECT, SHOW VIEW, TRIGGER, EVENT, SHOW_ROUTINE ON *.* FROM 'tripod_backup'@'%'")
	refusal := func() error {
		findings, err := source.PreflightArchive(t.Context(), srv)
		if err != nil {
			t.Fatal(err)
		}
		return source.Refuse(findings)
	}
	if err := refusal(); err != nil {
		t.Errorf("a source whose log can be read is refused: %v", err)
	}
	for _, privilege := range []string{"REPLICATION CLIENT", "REPLICATION SLAVE"} {
		mysqltest.Exec(t, s, "REVOKE "+privilege+" ON *.* FROM 'tripod_backup'@'%'")
		statement := "GRANT " + privilege + " ON *.* TO 'tripod_backup'@'%'"
		if f := fault.Of(refusal()); f == nil || f.Kind != fault.KindGrant || f.Hint != statement {
			t.Errorf("without %s: %+v", privilege, f)
		}
		mysqltest.Exec(t, s, statement)
	}
}
