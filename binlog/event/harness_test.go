package event

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestMain(m *testing.M) {
	mysqltest.InMemory()
	mysqltest.Main(m)
}

// rawEvent is an event where it stands.
type rawEvent struct {
	file  string
	start uint64
	raw   []byte
}

// newRand returns a source of randomness whose seed is printed when the test fails.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// session is one connection, with a log of its own behind mark.
type session struct {
	*sql.Conn
	server *mysqltest.Server
}

// newSession opens a connection with the settings that literals need (fact 6.12).
func newSession(t testing.TB, s *mysqltest.Server) *session {
	t.Helper()
	conn, err := s.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The pool would hand the settings on.
		if err := conn.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("drop a connection: %v", err)
		}
	})
	c := &session{Conn: conn, server: s}
	c.exec(t, "SET NAMES utf8mb4", "SET time_zone='+00:00'", "SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")
	return c
}

func (c *session) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := c.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.2000s: %v", s, err)
		}
	}
}

// value returns the only column of the only row of a query.
func (c *session) value(t testing.TB, query string) string {
	t.Helper()
	var v sql.NullString
	if err := c.QueryRowContext(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%.2000s: %v", query, err)
	}
	return v.String
}

// rows returns all fields of a query as the server sends them; NULL is nil.
func (c *session) rows(t testing.TB, query string) [][][]byte {
	t.Helper()
	rs, err := c.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%.2000s: %v", query, err)
	}
	defer rs.Close()
	columns, err := rs.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][][]byte
	for rs.Next() {
		fields := make([]sql.RawBytes, len(columns))
		into := make([]any, len(columns))
		for i := range fields {
			into[i] = &fields[i]
		}
		if err := rs.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([][]byte, len(columns))
		for i, f := range fields {
			if f != nil {
				row[i] = append([]byte{}, f...)
			}
		}
		all = append(all, row)
	}
	if err := rs.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// logSince closes the current file and returns the events of all files from the one named.
func logSince(t testing.TB, s *mysqltest.Server, first string) []rawEvent {
	t.Helper()
	mysqltest.Exec(t, s, "FLUSH BINARY LOGS")
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	var events []rawEvent
	for _, path := range files[:len(files)-1] {
		if filepath.Base(path) >= first { // names of one length
			events = append(events, readLog(t, path)...)
		}
	}
	return events
}

// beginLog begins a new file and returns its name.
func beginLog(t testing.TB, s *mysqltest.Server) string {
	t.Helper()
	mysqltest.Exec(t, s, "FLUSH BINARY LOGS")
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(files[len(files)-1])
}

// readLog splits a binlog file.
func readLog(t testing.TB, path string) []rawEvent {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	events, err := splitLog(filepath.Base(path), data)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func splitLog(file string, data []byte) ([]rawEvent, error) {
	if !bytes.HasPrefix(data, []byte("\xfebin")) {
		return nil, fmt.Errorf("%s is no binlog file", file)
	}
	var events []rawEvent
	for pos := 4; pos < len(data); {
		if pos+HeaderSize > len(data) {
			return nil, fmt.Errorf("%s at %d: %w", file, pos, io.ErrUnexpectedEOF)
		}
		size := int(binary.LittleEndian.Uint32(data[pos+9:]))
		if size < HeaderSize || pos+size > len(data) {
			return nil, fmt.Errorf("%s at %d: an event of %d bytes", file, pos, size)
		}
		events = append(events, rawEvent{file: file, start: uint64(pos), raw: data[pos : pos+size : pos+size]})
		pos += size
	}
	return events, nil
}

// parseAll decodes events with one parser.
func parseAll(t testing.TB, raws []rawEvent) []Event {
	t.Helper()
	p := NewParser()
	var events []Event
	for _, r := range raws {
		es, err := p.Parse(r.raw)
		if err != nil {
			t.Fatalf("%s:%d: %v", r.file, r.start, err)
		}
		events = append(events, es...)
	}
	return events
}
