package mysqltest

import (
	"context"
	"database/sql"
	"testing"
)

// takeAndUse takes a server within a test of its own, uses it, and gives it back by the test's end.
func takeAndUse(t *testing.T, use func(t *testing.T, s *Server)) (pid int) {
	t.Helper()
	t.Run("use", func(t *testing.T) {
		s := Source(t)
		pid = s.PID()
		use(t, s)
	})
	return pid
}

func TestServersAreKeptAndComeBackAsNew(t *testing.T) {
	first := takeAndUse(t, func(t *testing.T, s *Server) {
		Exec(t, s,
			"CREATE DATABASE `d``e`", "CREATE TABLE `d``e`.p (a INT PRIMARY KEY)",
			"CREATE DATABASE f", "CREATE TABLE f.c (a INT, FOREIGN KEY (a) REFERENCES `d``e`.p (a))",
			"CREATE USER 'x''y'@'%'", "FLUSH BINARY LOGS", "SET SESSION sql_log_bin=0")
		conn := pinned(t, s)
		for _, statement := range []string{"XA START 'a''b', X'00ff', 7", "INSERT INTO `d``e`.p VALUES (1)", "XA END 'a''b', X'00ff', 7", "XA PREPARE 'a''b', X'00ff', 7"} {
			if _, err := conn.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	})
	second := takeAndUse(t, func(t *testing.T, s *Server) {
		for text, want := range map[string]string{
			"SELECT COUNT(*) FROM information_schema.schemata":                        "4",
			"SELECT COUNT(*) FROM mysql.user WHERE user NOT LIKE 'mysql%'":            "1",
			"SELECT @@gtid_executed":                                                  "",
			"SELECT @@sql_log_bin":                                                    "1",
			"SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'root'": "1",
		} {
			if got := query(t, s, text); got != want {
				t.Errorf("%s is %q, want %q", text, got, want)
			}
		}
		if prepared := preparedTransactions(t, s); prepared != 0 {
			t.Errorf("%d prepared transactions are left", prepared)
		}
		if files, err := s.BinlogFiles(); err != nil || len(files) != 1 {
			t.Errorf("binlog files %v, %v", files, err)
		}
		Exec(t, s, "SET GLOBAL max_connections = 55")
	})
	if first != second {
		t.Error("a clean server was not kept")
	}
	third := takeAndUse(t, func(t *testing.T, s *Server) {
		if got := query(t, s, "SELECT @@max_connections"); got == "55" {
			t.Error("a changed global variable came back")
		}
	})
	if third == second {
		t.Error("a server with a changed global variable was kept")
	}
}

func preparedTransactions(t *testing.T, s *Server) (count int) {
	t.Helper()
	list, err := s.Root().QueryContext(t.Context(), "XA RECOVER")
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	for list.Next() {
		count++
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return count
}

// pinned returns a connection that lives until the test ends.
func pinned(t *testing.T, s *Server) *sql.Conn {
	t.Helper()
	conn, err := s.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // an error says that the server went first
	return conn
}

func TestPoolKeepsNothingOutsideMain(t *testing.T) {
	var closed pool
	server, err := closed.take(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.put(context.Background(), server, true); err != nil {
		t.Fatal(err)
	}
	if server.Alive() || exists(server.home.path) {
		t.Error("a server that nobody will stop was kept")
	}
}
