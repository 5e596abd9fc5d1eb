package mysqltest

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryKind holds a server of each kind to what tests take for granted of all.
func TestEveryKind(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			s := Take(t, Options{Kind: kind, GTID: true})
			for text, want := range map[string]string{
				"SELECT @@log_bin":                                "1",
				"SELECT @@sync_binlog":                            "1",
				"SELECT @@binlog_format":                          "ROW",
				"SELECT @@binlog_row_image":                       "FULL",
				"SELECT @@local_infile":                           "0",
				"SELECT @@performance_schema":                     "0",
				"SELECT CURRENT_USER()":                           "root@localhost",
				"SELECT COUNT(*) FROM mysql.user WHERE user = ''": "0",
			} {
				if got := query(t, s, text); got != want {
					t.Errorf("%s is %q, want %q", text, got, want)
				}
			}
			if got := query(t, s, "SELECT VERSION()"); !strings.HasPrefix(got, s.Install().Version) || s.Install().Kind != kind {
				t.Errorf("the server is %s, its program says %s", got, s.Install().Version)
			}
			if kind == MySQL56 && query(t, s, "SELECT @@gtid_mode") != "ON" {
				t.Error("gtid_mode is off with Options.GTID")
			}
			Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)",
				"XA START 'x', 'y', 7", "INSERT INTO d.t VALUES (1)", "XA END 'x', 'y', 7", "XA PREPARE 'x', 'y', 7")
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := query(t, s, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'd'"); got != "0" {
				t.Error("Reset left a schema")
			}
			if files, err := s.BinlogFiles(); err != nil || len(files) != 1 {
				t.Errorf("after Reset: %v, %v", files, err)
			}
		})
	}
}

func TestUsersOfEveryKind(t *testing.T) {
	for _, kind := range []Kind{MySQL56, MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := Take(t, Options{Kind: kind, TrustFunctionCreators: true})
			for range 2 { // the second call replaces the account
				if _, err := s.CreateBackupUser(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			user, err := s.CreateRestoreUser(t.Context(), "a_c")
			if err != nil {
				t.Fatal(err)
			}
			grants := grantsOf(t, open(t, s.Config(BackupUser, "")))
			privileges, _, _ := strings.Cut(strings.TrimPrefix(grants, "GRANT "), " ON *.*")
			got, want := strings.Split(privileges, ", "), kind.BackupGrants()
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("the backup user has %q, want %q", got, want)
			}
			db := open(t, s.Config(user, ""))
			for _, allowed := range []string{"CREATE DATABASE a_c", "CREATE TABLE a_c.t (a INT)", "CREATE TRIGGER a_c.g BEFORE INSERT ON a_c.t FOR EACH ROW SET @x = 1"} {
				if _, err := db.ExecContext(t.Context(), allowed); err != nil {
					t.Errorf("%s: %v", allowed, err)
				}
			}
			for _, forbidden := range []string{"CREATE DATABASE abc", "SET SESSION sql_log_bin = 0", "CREATE DATABASE test"} {
				if _, err := db.ExecContext(t.Context(), forbidden); err == nil {
					t.Errorf("%s is allowed", forbidden)
				}
			}
		})
	}
}
