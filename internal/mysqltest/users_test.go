package mysqltest

import (
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func itoa(n int) string { return strconv.Itoa(n) }

func open(t *testing.T, config *mysql.Config) *sql.DB {
	t.Helper()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() }) // an error says that the server went first
	return db
}

func grantsOf(t *testing.T, db *sql.DB) string {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	grants, err := rows[string](t.Context(), conn, "SHOW GRANTS")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(grants, "\n")
}

func TestBackupUserHasTheIssuesGrantsOnly(t *testing.T) {
	s := Source(t)
	user, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, s.Config(user, ""))
	grants := grantsOf(t, db)
	var got []string
	for line := range strings.SplitSeq(grants, "\n") {
		privileges, _, found := strings.Cut(strings.TrimPrefix(line, "GRANT "), " ON *.*")
		if !found {
			t.Errorf("a grant on less than *.*: %s", line)
		}
		for privilege := range strings.SplitSeq(privileges, ",") {
			got = append(got, strings.TrimSpace(privilege))
		}
	}
	want := slices.Clone(BackupGrants)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the backup user has %q, want %q", got, want)
	}
	var plugin string
	if err := s.Root().QueryRowContext(t.Context(), "SELECT plugin FROM mysql.user WHERE user = ?", user.Name).Scan(&plugin); err != nil || plugin != "caching_sha2_password" {
		t.Errorf("plugin %q, %v", plugin, err)
	}
	// A second call replaces the account.
	if _, err := s.CreateBackupUser(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRestoreUserHasRightsOnItsSchemasOnly(t *testing.T) {
	s := Target(t)
	Exec(t, s, "CREATE DATABASE abc", "CREATE DATABASE `back``tick`")
	user, err := s.CreateRestoreUser(t.Context(), "a_c", "back`tick")
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, s.Config(user, ""))
	for _, allowed := range []string{
		"CREATE DATABASE a_c", "CREATE TABLE a_c.t (a INT)", "CREATE TABLE `back``tick`.t (a INT)",
		"CREATE FUNCTION a_c.f() RETURNS INT RETURN 1", "CREATE TRIGGER a_c.g BEFORE INSERT ON a_c.t FOR EACH ROW SET @x = 1",
	} {
		if _, err := db.ExecContext(t.Context(), allowed); err != nil {
			t.Errorf("%s: %v", allowed, err)
		}
	}
	for _, forbidden := range []string{"CREATE TABLE abc.t (a INT)", "SET SESSION sql_log_bin = 0", "CREATE DATABASE other"} {
		if _, err := db.ExecContext(t.Context(), forbidden); err == nil {
			t.Errorf("%s is allowed", forbidden)
		}
	}
}

func TestURLsNameTheServerWithoutThePassword(t *testing.T) {
	s := Source(t)
	if got, want := s.URL(BackupUser), "mysql://tripod_backup@"+s.Addr()+"/"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := s.SocketURL(Root), "mysql://root@"+s.Socket(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
