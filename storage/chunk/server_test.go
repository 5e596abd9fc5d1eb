package chunk_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/chunk"
	"github.com/tripod-db/tripod/storage/file"
)

// bench is a server with what a backup and a restore hold of it: the raw connection of a
// source, and a session of a target.
type bench struct {
	*mysqltest.Server
	store  *file.Bucket
	source *server.RawConn
	target *sql.Conn
	chunks int
}

// newBench takes a server and makes the schemas src and dst.
func newBench(t *testing.T) *bench { return newBenchOf(t, mysqltest.MySQL97) }

func newBenchOf(t *testing.T, kind mysqltest.Kind) *bench {
	t.Helper()
	s := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	mysqltest.Exec(t, s, "CREATE DATABASE src", "CREATE DATABASE dst")
	backup, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	restore, err := s.CreateRestoreUser(t.Context(), "dst")
	if err != nil {
		t.Fatal(err)
	}
	connect := func(u mysqltest.User, role server.Role) *server.Server {
		a, err := server.ParseURL(s.URL(u))
		if err != nil {
			t.Fatal(err)
		}
		a.Password = server.NewSecret(u.Password)
		c, err := server.Open(t.Context(), a, role)
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
	raw, err := connect(backup, server.Source).RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := raw.Close(); err != nil {
			t.Error(err)
		}
	})
	target, err := connect(restore, server.Target).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{Server: s, store: store(t), source: raw, target: target}
}

// dump stores all rows of a table as one chunk.
func (b *bench) dump(t *testing.T, table *schema.Table) (key string, sum chunk.Sum) {
	t.Helper()
	w, err := chunk.NewWriter(chunk.NewTranscoder(table), chunk.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	expressions, _ := chunk.Select(table)
	_, err = b.source.Query(t.Context(), "SELECT "+strings.Join(expressions, ", ")+" FROM "+table.Name.Quoted(), func(packet []byte) error {
		_, err := w.Row(packet)
		return err
	})
	if err != nil {
		t.Fatalf("read %s: %v", table.Name, err)
	}
	b.chunks++
	key = fmt.Sprintf("chunk/%d", b.chunks)
	if sum, err = w.Put(t.Context(), b.store, key); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return key, sum
}

// load puts a chunk into the table of the same name in dst, as a restore does: from the
// statement of a manifest, without STRICT for an ENUM 0. A warning is an error.
func (b *bench) load(t *testing.T, table *schema.Table, key string, sum chunk.Sum) error {
	t.Helper()
	r, err := chunk.Open(t.Context(), b.store, key, chunk.Zstd, sum)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	load, err := chunk.ParseLoad(chunk.LoadStatement(table).String())
	if err != nil {
		t.Fatal(err)
	}
	load.Table = schema.Name{Schema: "dst", Name: table.Name.Name}
	name := t.Name()
	mysql.RegisterReaderHandler(name, func() io.Reader { return r })
	defer mysql.DeregisterReaderHandler(name)

	mode := "STRICT_ALL_TABLES,"
	if sum.ZeroEnum {
		mode = ""
	}
	if _, err := b.target.ExecContext(t.Context(), "SET sql_mode='"+mode+"ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.target.ExecContext(t.Context(), load.Statement("Reader::"+name)); err != nil {
		return err
	}
	return warnings(t.Context(), b.target, sum.ZeroEnum)
}

// warnings makes an error of the session's warnings. A chunk with an ENUM 0 is told so by 1265.
func warnings(ctx context.Context, c *sql.Conn, zeroEnum bool) error {
	rows, err := c.QueryContext(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []error
	for rows.Next() {
		var level, message string
		var code int
		if err := rows.Scan(&level, &code, &message); err != nil {
			return err
		}
		if !zeroEnum || code != 1265 {
			all = append(all, fmt.Errorf("%s %d: %s", level, code, message))
		}
	}
	return errors.Join(append(all, rows.Err())...)
}

// copyTable dumps src.<name> and loads it into dst.<name>, made by the same definition.
func (b *bench) copyTable(t *testing.T, table *schema.Table) {
	t.Helper()
	key, sum := b.dump(t, table)
	if err := b.load(t, table, key, sum); err != nil {
		t.Fatalf("load %s: %v", table.Name, err)
	}
	var want, got uint64
	counts := fmt.Sprintf("SELECT (SELECT COUNT(*) FROM %s), (SELECT COUNT(*) FROM %s)", table.Name.Quoted(), schema.Name{Schema: "dst", Name: table.Name.Name}.Quoted())
	if err := b.Root().QueryRowContext(t.Context(), counts).Scan(&want, &got); err != nil {
		t.Fatal(err)
	}
	if want != got || want != sum.Rows || want == 0 {
		t.Fatalf("%s has %d rows, the chunk %d, the copy %d", table.Name, want, sum.Rows, got)
	}
}

// queryText returns the first column of a query's rows as root sees it.
func (b *bench) queryText(t *testing.T, query string) []string {
	t.Helper()
	rows, err := b.Root().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s.String)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
