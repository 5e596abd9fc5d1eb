package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// hostileGlobals are settings of a source under which an ordinary session reads wrongly (fact 15.12).
var hostileGlobals = []string{
	"sql_select_limit=2", "transaction_isolation='READ-UNCOMMITTED'", "init_connect='SET autocommit=0'", "sql_mode='ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH'",
	"time_zone='+09:00'", "sql_safe_updates=1", "sql_big_selects=0", "max_join_size=1", "max_execution_time=1", "completion_type='CHAIN'",
	"sql_quote_show_create=0", "transaction_read_only=1", "wait_timeout=1", "sql_auto_is_null=1", "default_storage_engine='MyISAM'",
	"character_set_connection='utf16'", "show_gipk_in_create_table_and_information_schema=0",
}

func TestReadingIsExactWhateverTheGlobals(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY, c CHAR(5) CHARACTER SET latin1, ts TIMESTAMP)",
		"SET time_zone='+00:00'; INSERT INTO a.t VALUES (1, _latin1 x'e9', '2026-01-01 00:00:00'), (2, 'b', NULL), (3, 'c', NULL), (4, 'd', NULL)",
		"SET SESSION sql_generate_invisible_primary_key=ON; CREATE TABLE a.gipk (v INT)")
	u := backupUser(t, s)
	writer, err := s.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := writer.ExecContext(t.Context(), "BEGIN; INSERT INTO a.t VALUES (5, 'e', NULL)"); err != nil {
		t.Fatal(err)
	}
	for _, g := range hostileGlobals {
		mysqltest.Exec(t, s, "SET GLOBAL "+g)
	}
	srv := open(t, address(t, s, u, ""), server.Source)
	const query = "SELECT id, c, ts FROM a.t ORDER BY id"
	want := "1,\xe9,2026-01-01 00:00:00 2,b, 3,c, 4,d,"

	c := rawConn(t, srv)
	rows, err := c.Rows(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if got := joinRows(rows); got != want {
		t.Errorf("raw: %q", got)
	}
	conn, err := srv.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	list, err := conn.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	var texts [][]string
	for list.Next() {
		row := make([][]byte, 3)
		if err := list.Scan(&row[0], &row[1], &row[2]); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, []string{string(row[0]), string(row[1]), string(row[2])})
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	if got := joinRows(texts); got != want {
		t.Errorf("control: %q", got)
	}
	// No transaction is left open, neither by autocommit=0 nor by CHAIN.
	if _, err := c.Query(t.Context(), "START TRANSACTION; SELECT COUNT(*) FROM a.t; COMMIT", nil); err == nil {
		t.Error("Query took several results")
	}
	c = rawConn(t, srv)
	if err := c.Batch(t.Context(), "START TRANSACTION; SELECT COUNT(*) FROM a.t; COMMIT", func(int, []server.Field) (func([]byte) error, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	var open int
	err = s.Root().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = ?", c.ThreadID()).Scan(&open)
	if err != nil || open != 0 {
		t.Errorf("%d transactions are open behind a chunk (%v)", open, err)
	}
	if rows, err := c.Rows(t.Context(), "SHOW CREATE TABLE a.gipk"); err != nil || !strings.Contains(rows[0][1], "`my_row_id`") {
		t.Errorf("%v, %v", rows, err)
	}
}

func joinRows(rows [][]string) string {
	var parts []string
	for _, r := range rows {
		parts = append(parts, strings.Join(r, ","))
	}
	return strings.Join(parts, " ")
}

func TestTargetSession(t *testing.T) {
	s := mysqltest.Target(t)
	for _, g := range hostileGlobals {
		mysqltest.Exec(t, s, "SET GLOBAL "+g)
	}
	mysqltest.Exec(t, s, "CREATE DATABASE a")
	u, err := s.CreateRestoreUser(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	srv := open(t, address(t, s, u, ""), server.Target)
	for _, statement := range []string{
		"CREATE TABLE a.p (id INT AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL, s VARCHAR(10) CHARACTER SET utf8mb4)",
		"CREATE TABLE a.c (p INT, FOREIGN KEY (p) REFERENCES a.p (id))",
		"INSERT INTO a.c VALUES (77)", "INSERT INTO a.p VALUES (0, '0000-00-00', 'ü'), (1, '2026-02-31', \"double\")",
	} {
		if _, err := srv.DB().ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var ids, hex string
	if err := srv.DB().QueryRowContext(t.Context(), "SELECT GROUP_CONCAT(id ORDER BY id), HEX(MIN(s)) FROM a.p").Scan(&ids, &hex); err != nil {
		t.Fatal(err)
	}
	if ids != "0,1" || hex == "" {
		t.Errorf("ids %s, %s", ids, hex)
	}
	if _, err := srv.DB().ExecContext(t.Context(), "INSERT INTO a.p VALUES (2, '2026-01-01', 'much too long for it')"); server.ErrorNumber(err) != 1406 {
		t.Errorf("a value that does not fit: %v", err)
	}
}

func TestClassify(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT)", "CREATE USER g IDENTIFIED BY 'p'", "GRANT SELECT ON a.* TO g")
	srv := open(t, address(t, s, mysqltest.User{Name: "g", Password: "p"}, ""), server.Source)
	for statement, number := range map[string]uint16{
		"SELECT * FROM mysql.user":   server.ErrTableDenied,
		"SHOW BINARY LOG STATUS":     server.ErrPrivilegeNeeded,
		"USE mysql":                  server.ErrSchemaDenied,
		"INSERT INTO a.t VALUES (1)": server.ErrTableDenied,
	} {
		_, err := srv.DB().ExecContext(t.Context(), statement)
		if server.ErrorNumber(err) != number {
			t.Errorf("%s: %v", statement, err)
		}
		wantFault(t, server.Classify(fmt.Errorf("do it: %w", err)), fault.CodeFailed, fault.KindGrant, "GRANT")
	}
	_, err := srv.DB().ExecContext(t.Context(), "SELECT * FROM a.missing")
	if classified := server.Classify(err); server.ErrorNumber(classified) != server.ErrTableDenied && server.ErrorNumber(classified) != server.ErrNoSuchTable {
		t.Errorf("got %v", classified)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = srv.DB().ExecContext(ctx, "SELECT 1")
	var f *fault.Error
	if errors.As(server.Classify(err), &f) || !errors.Is(err, context.Canceled) || server.IsTransient(err) {
		t.Errorf("a context that ended is a fault: %v", err)
	}
	if server.Classify(nil) != nil {
		t.Error("no error is a fault")
	}
}
