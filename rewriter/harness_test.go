package rewriter

import (
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// bench is a server with one connection that has the session of a replay, and a place in its log.
type bench struct {
	server *mysqltest.Server
	*sql.Conn
	file string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
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
	b := &bench{server: s, Conn: conn}
	b.exec(t, "SET NAMES utf8mb4, time_zone='+00:00', foreign_key_checks=0, "+
		"sql_mode='STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'",
		"CREATE DATABASE w CHARACTER SET utf8mb4", "USE w")
	return b
}

func (b *bench) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := b.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%.3000s: %v", s, err)
		}
	}
}

// counts runs statements as one and returns the affected rows of each.
func (b *bench) counts(t testing.TB, statements string) ([]int64, error) {
	t.Helper()
	var counts []int64
	err := b.Raw(func(conn any) error {
		result, err := conn.(driver.ExecerContext).ExecContext(t.Context(), statements, nil)
		if err == nil {
			counts = result.(mysql.Result).AllRowsAffected()
		}
		return err
	})
	return counts, err
}

// rows returns a query's rows, the fields of each joined by a bar; NULL is ~.
func (b *bench) rows(t testing.TB, query string) []string {
	t.Helper()
	rs, err := b.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%.3000s: %v", query, err)
	}
	defer rs.Close()
	columns, err := rs.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for rs.Next() {
		fields := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range fields {
			into[i] = &fields[i]
		}
		if err := rs.Scan(into...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(fields))
		for i, f := range fields {
			if texts[i] = f.String; !f.Valid {
				texts[i] = "~"
			}
		}
		list = append(list, strings.Join(texts, "|"))
	}
	if err := rs.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// table reads a table's definition and prepares statements for it under another name.
func (b *bench) table(t testing.TB, name, target string) *Table {
	t.Helper()
	var ignored, show string
	if err := b.QueryRowContext(t.Context(), "SHOW CREATE TABLE "+schema.Quote(name)).Scan(&ignored, &show); err != nil {
		t.Fatal(err)
	}
	def, err := ddl.ParseCreateTable(show, "w")
	if err != nil {
		t.Fatal(err)
	}
	return NewTable(def, schema.Name{Schema: "w", Name: target})
}

// mark begins a new log file: changes tells what comes from here on.
func (b *bench) mark(t testing.TB) {
	t.Helper()
	b.exec(t, "FLUSH BINARY LOGS")
	files, err := b.server.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	b.file = files[len(files)-1]
}

// entry is one transaction of the log with the changes of one table.
type entry struct{ changes []Change }

// entries returns the transactions since mark that changed a table.
func (b *bench) entries(t testing.TB, table string) []entry {
	return slices.DeleteFunc(b.transactions(t, table), func(e entry) bool { return len(e.changes) == 0 })
}

// transactions returns all transactions since mark.
func (b *bench) transactions(t testing.TB, table string) []entry {
	t.Helper()
	data, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	var list []entry
	var open entry
	a := event.NewAssembler("t")
	a.OnRows(func(_ *event.Entry, rows *event.Rows) error {
		if rows.Table.Name.Name != table {
			return nil
		}
		return rows.Each(func(before, after event.Image) error {
			c, err := NewChange(rows, before.Clone(), after.Clone())
			open.changes = append(open.changes, c)
			return err
		})
	})
	for pos := 4; pos < len(data); {
		size := int(binary.LittleEndian.Uint32(data[pos+9:]))
		ended, err := a.Add(filepath.Base(b.file), uint64(pos), data[pos:pos+size])
		if err != nil {
			t.Fatal(err)
		}
		if ended != nil && ended.Kind == event.Transaction {
			list = append(list, open)
			open = entry{}
		}
		pos += size
	}
	return list
}

// statements renders a batch with one statement a row, and with neighbours joined.
func statements(b *Batch) (single, joined []string) {
	for s := range b.Singles() {
		single = append(single, string(s.SQL))
	}
	for s := range b.Statements(1 << 20) {
		joined = append(joined, string(s.SQL))
	}
	return single, joined
}
