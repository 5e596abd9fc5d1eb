package source_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// timeline stands for whatever name the stream gave to the only history of a test.
const timeline = binlog.Timeline("here")

// asBackupUser opens s with no more rights than tripod asks for, but for extra grants on *.*.
func asBackupUser(t testing.TB, s *mysqltest.Server, extra ...string) *server.Server {
	t.Helper()
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, privilege := range extra {
		mysqltest.Exec(t, s, "GRANT "+privilege+" ON *.* TO "+server.QuoteAccount(u.Name+"@%"))
	}
	a, err := server.ParseURL(s.URL(u))
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret(u.Password)
	srv, err := server.Open(t.Context(), a, server.Source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func rawConn(t testing.TB, srv *server.Server) *server.RawConn {
	t.Helper()
	c, err := srv.RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// setGlobal sets a global variable until the test ends.
func setGlobal(t testing.TB, s *mysqltest.Server, name, value string) {
	t.Helper()
	var before string
	if err := s.Root().QueryRowContext(t.Context(), "SELECT @@global."+name).Scan(&before); err != nil {
		t.Fatal(err)
	}
	if _, err := strconv.Atoi(before); err != nil {
		before = "'" + before + "'"
	}
	mysqltest.Exec(t, s, "SET GLOBAL "+name+"="+value)
	t.Cleanup(func() {
		// The context of the test is over here.
		if err := s.Exec(context.Background(), "SET GLOBAL "+name+"="+before); err != nil {
			t.Error(err)
		}
	})
}

// rows runs a statement and fails the test on an error.
func rows(t testing.TB, c *server.RawConn, statement string) [][]string {
	t.Helper()
	out, err := c.Rows(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return out
}

// batch runs statements as one and returns the results that have rows.
func batch(t testing.TB, c *server.RawConn, statements string) [][][]string {
	t.Helper()
	var results [][][]string
	err := c.Batch(t.Context(), statements, func(_ int, fields []server.Field) (func([]byte) error, error) {
		if fields == nil {
			return nil, nil
		}
		results = append(results, nil)
		at := len(results) - 1
		return func(packet []byte) error {
			row, err := server.TextRow(packet)
			results[at] = append(results[at], row)
			return err
		}, nil
	})
	if err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
	return results
}

// filePos reads one answer of SHOW BINARY LOG STATUS.
func filePos(t testing.TB, row []string) binlog.Position {
	t.Helper()
	pos, err := strconv.ParseUint(row[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return binlog.Position{Timeline: timeline, File: row[0], Pos: pos}
}

func gtidSet(t testing.TB, text string) binlog.GTIDSet {
	t.Helper()
	set, err := binlog.ParseGTIDSet(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// session is a connection of root with a default schema, for one goroutine.
func session(t testing.TB, s *mysqltest.Server, schema string) *sql.Conn {
	t.Helper()
	db := s.Connect(mysqltest.Root, schema)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A connection that the test killed reports so.
		_ = conn.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func gtidName(on bool) string { return fmt.Sprintf("gtid=%v", on) }

func isRowLocked(err error) bool { return errors.Is(err, source.ErrRowLocked) }
