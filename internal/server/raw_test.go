package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

func rawConn(t testing.TB, s *server.Server) *server.RawConn {
	t.Helper()
	c, err := s.RawConn(t.Context())
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

func TestRawRowsAsReceived(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY, s VARCHAR(10) CHARACTER SET latin1, b LONGBLOB)",
		"INSERT INTO a.t VALUES (1, _latin1 x'e9', NULL), (2, '', REPEAT('x', 300)), (3, NULL, '')")
	c := rawConn(t, open(t, address(t, s, backupUser(t, s), ""), server.Source))
	var packets [][]byte
	fields, err := c.Query(t.Context(), "SELECT id, s, b FROM a.t ORDER BY id", func(packet []byte) error {
		packets = append(packets, bytes.Clone(packet))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(fields) != 3 || fields[1].Name != "s" || fields[1].Table != "t" || fields[1].Schema != "a" || fields[2].Type != 252 {
		t.Errorf("fields %+v", fields)
	}
	want := [][]byte{
		[]byte("\x011\x01\xe9\xfb"),
		append([]byte("\x012\x00\xfc\x2c\x01"), bytes.Repeat([]byte("x"), 300)...),
		[]byte("\x013\xfb\x00"),
	}
	if len(packets) != len(want) {
		t.Fatalf("%d rows", len(packets))
	}
	for i := range want {
		if !bytes.Equal(packets[i], want[i]) {
			t.Errorf("row %d is %q", i, packets[i])
		}
	}
	values, err := server.SplitRow(packets[0], nil)
	if err != nil || len(values) != 3 || string(values[1]) != "\xe9" || values[2] != nil {
		t.Errorf("split into %q, %v", values, err)
	}
	if _, err := server.SplitRow([]byte("\x05abc"), nil); err == nil {
		t.Error("a row that ends in a value was split")
	}
}

// Rows of 16 MiB and more come in several packets, the last of which may be empty.
func TestRawLargeRows(t *testing.T) {
	s := mysqltest.Source(t)
	c := rawConn(t, open(t, address(t, s, backupUser(t, s), ""), server.Source))
	const fragment = 1<<24 - 1
	for _, size := range []int{1, 250, 1 << 16, 256<<10 - 4, 256 << 10, fragment - 9, fragment - 5, fragment - 4, fragment, 2*fragment - 9, 40 << 20} {
		got := 0
		_, err := c.Query(t.Context(), fmt.Sprintf("SELECT REPEAT('y', %d)", size), func(packet []byte) error {
			values, err := server.SplitRow(packet, nil)
			if err != nil {
				return err
			}
			got = len(values[0])
			if bytes.Count(values[0], []byte("y")) != size {
				return errors.New("other bytes in between")
			}
			return nil
		})
		if err != nil || got != size {
			t.Fatalf("%d bytes asked for, %d came: %v", size, got, err)
		}
	}
	// A statement of more than one packet.
	rows, err := c.Rows(t.Context(), "SELECT LENGTH('"+strings.Repeat("z", fragment+10)+"')")
	if err != nil || rows[0][0] != fmt.Sprint(fragment+10) {
		t.Fatalf("%v, %v", rows, err)
	}
}

func TestRawBatch(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (1),(2),(3)")
	srv := open(t, address(t, s, backupUser(t, s), ""), server.Source)
	c := rawConn(t, srv)
	var seen []string
	collect := func(i int, fields []server.Field) (func([]byte) error, error) {
		seen = append(seen, fmt.Sprintf("%d:%d", i, len(fields)))
		if fields == nil {
			return nil, nil
		}
		return func(packet []byte) error {
			row, err := server.TextRow(packet)
			seen = append(seen, strings.Join(row, ","))
			return err
		}, nil
	}
	chunk := "START TRANSACTION; SELECT @@server_uuid; SELECT id FROM a.t ORDER BY id; COMMIT"
	if err := c.Batch(t.Context(), chunk, collect); err != nil {
		t.Fatal(err)
	}
	want := "0:0 1:1 " + srv.Facts().ServerUUID + " 2:1 1 2 3 3:0"
	if got := strings.Join(seen, " "); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}

	// An error ends the batch and leaves the connection in step.
	seen = nil
	err := c.Batch(t.Context(), "SELECT 1; SELECT * FROM a.missing; SELECT 2", collect)
	if server.ErrorNumber(err) != server.ErrNoSuchTable || c.Broken() {
		t.Fatalf("got %v, broken %v", err, c.Broken())
	}
	if got := strings.Join(seen, " "); got != "0:1 1" {
		t.Fatalf("got %s", got)
	}
	if rows, err := c.Rows(t.Context(), "SELECT 7"); err != nil || rows[0][0] != "7" {
		t.Fatalf("after an error: %v, %v", rows, err)
	}

	// A callback that gives up takes the connection with it.
	stop := errors.New("enough")
	_, err = c.Query(t.Context(), "SELECT id FROM a.t", func([]byte) error { return stop })
	if !errors.Is(err, stop) || !c.Broken() {
		t.Fatalf("got %v, broken %v", err, c.Broken())
	}
	if _, err := c.Rows(t.Context(), "SELECT 1"); err == nil {
		t.Fatal("a connection that was given up answers")
	}
}

func TestKillQueryEndsOurOwnStatement(t *testing.T) {
	s := mysqltest.Source(t)
	srv := open(t, address(t, s, backupUser(t, s), ""), server.Source)
	c := rawConn(t, srv)
	running := make(chan error, 1)
	go func() {
		// No view: while a server opens one, the session is its definer's, and not ours to kill (error 1095).
		ten := "(SELECT 0" + strings.Repeat(" UNION ALL SELECT 1", 9) + ") t"
		var tables []string
		for i := range 12 {
			tables = append(tables, fmt.Sprint(ten, i))
		}
		_, err := c.Query(t.Context(), "SELECT SUM(RAND()) FROM "+strings.Join(tables, ", "), nil)
		running <- err
	}()
	var err error
	mysqltest.Eventually(t, func() bool {
		if killed := srv.KillQuery(t.Context(), c.ThreadID()); killed != nil {
			t.Fatal(killed)
		}
		select {
		case err = <-running:
			return true
		default:
			return false
		}
	}, "the end of a killed statement")
	if server.ErrorNumber(err) != server.ErrQueryInterrupted || c.Broken() {
		t.Fatalf("got %v, broken %v", err, c.Broken())
	}
	if err := srv.KillQuery(t.Context(), 4_000_000_000); err != nil {
		t.Fatalf("a connection that is gone: %v", err)
	}
}

func TestRawEndsWithItsContext(t *testing.T) {
	s := mysqltest.Source(t)
	c := rawConn(t, open(t, address(t, s, backupUser(t, s), ""), server.Source))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Query(ctx, "DO SLEEP(30)", nil)
	if !errors.Is(err, context.DeadlineExceeded) || !c.Broken() {
		t.Fatalf("got %v, broken %v", err, c.Broken())
	}
}

func TestRawServerGone(t *testing.T) {
	s := mysqltest.Source(t)
	c := rawConn(t, open(t, address(t, s, backupUser(t, s), ""), server.Source))
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err := c.Rows(t.Context(), "SELECT 1")
	if !server.IsTransient(err) || !c.Broken() {
		t.Fatalf("got %v, broken %v", err, c.Broken())
	}
}

// TestRawEndedWhileIdle: what a server says to a connection that it ends while nothing is asked (4031 of MySQL) is the
// connection's end, and not an answer that nobody understands.
func TestRawEndedWhileIdle(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		for _, end := range []string{"wait_timeout", "KILL"} {
			t.Run(fmt.Sprint(kind, "_", end), func(t *testing.T) {
				s := mysqltest.Take(t, mysqltest.Options{Kind: kind})
				c := rawConn(t, open(t, address(t, s, mysqltest.Root, ""), server.Source))
				if end == "KILL" {
					mysqltest.Exec(t, s, fmt.Sprintf("KILL %d", c.ThreadID()))
				} else if _, err := c.Query(t.Context(), "SET SESSION wait_timeout=1", nil); err != nil {
					t.Fatal(err)
				}
				mysqltest.Eventually(t, func() bool {
					var n int
					if err := s.Root().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID=?", c.ThreadID()).Scan(&n); err != nil {
						t.Fatal(err)
					}
					return n == 0
				}, "the end of the connection")
				_, err := c.Rows(t.Context(), "SELECT 1")
				if !server.IsTransient(err) || !c.Broken() {
					t.Fatalf("got %v, broken %v", err, c.Broken())
				}
				t.Log(err)
			})
		}
	}
}

// A row that is too long takes no memory; what it is known by lies in its first bytes.
func TestRawLimitsRows(t *testing.T) {
	s := mysqltest.Source(t)
	srv := open(t, address(t, s, backupUser(t, s), ""), server.Source)
	for _, size := range []int{3 << 20, 20 << 20, 40 << 20} {
		c := rawConn(t, srv)
		c.LimitRows(2 << 20)
		query := fmt.Sprintf("SELECT 1, REPEAT('y', 300000), REPEAT('y', %d), 2", size)
		_, err := c.Query(t.Context(), query, func([]byte) error { return errors.New("it was handed out") })
		var long *server.LongRowError
		if !errors.As(err, &long) || long.Size < min(size, 1<<24-1) || long.Size > size+301000 || !c.Broken() {
			t.Errorf("a row of %d bytes gives %v", size, err)
			continue
		}
		c = rawConn(t, srv)
		c.LimitRows(long.Size + size/2)
		rows := 0
		if _, err := c.Query(t.Context(), query, func([]byte) error { rows++; return nil }); rows != 1 || (err != nil) {
			// Behind the first fragment the rest is met.
			if !errors.As(err, &long) || long.Size < size {
				t.Errorf("with room for %d bytes, a row of %d gives %d rows, %v", long.Size+size/2, size, rows, err)
			}
		}
	}
}
