package rewriter

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestDeletionsByKeysOfSeveralColumnsWalkNoTable: what a batch deletes by (a,b) is found by the key on every server, one row or many: MySQL
// 5.6 walks the table for several, MariaDB for one.
func TestDeletionsByKeysOfSeveralColumnsWalkNoTable(t *testing.T) {
	b := newBench(t)
	const rows = "INSERT INTO t SELECT i, i%7, 0 FROM (SELECT x.d*100+y.d*10+z.d i FROM digits x, digits y, digits z) n"
	fill := []string{"CREATE TABLE digits (d INT)", "INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)", "CREATE TABLE t (a INT, b INT, c INT, PRIMARY KEY (a,b))", rows}
	b.exec(t, fill...)
	b.mark(t)
	b.exec(t, "DELETE FROM t WHERE a=500", "DELETE FROM t WHERE a IN (100,200,300)")
	entries := b.entries(t, "t")
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true})
			mysqltest.Exec(t, s, append([]string{"CREATE DATABASE w", "USE w"}, fill...)...)
			table := b.table(t, "t", "t")
			if kind == mysqltest.MySQL56 {
				table.ListNoRows()
			}
			var list []string
			for i, e := range entries {
				batch := NewBatch(false)
				for row, c := range e.changes {
					if err := batch.Add(table, Account, c, Origin{Row: uint64(i*10 + row)}); err != nil {
						t.Fatal(err)
					}
				}
				_, joined := statements(batch)
				list = append(list, joined...)
			}
			if n := deletedWalking(t, s, list); n > 50 {
				t.Errorf("%d rows were walked over to delete 4 of 1000:\n%s", n, strings.Join(list, "\n"))
			}
		})
	}
}

// deletedWalking runs statements that delete one row or more each, and counts the rows that were walked over.
func deletedWalking(t *testing.T, s *mysqltest.Server, statements []string) (walked int) {
	t.Helper()
	conn, err := s.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	exec := func(ctx context.Context, statement string) int64 {
		t.Helper()
		r, err := conn.ExecContext(ctx, statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		n, _ := r.RowsAffected()
		return n
	}
	exec(t.Context(), "FLUSH STATUS")
	var deleted int64
	for _, statement := range statements {
		deleted += exec(t.Context(), statement)
	}
	if deleted != 4 {
		t.Errorf("%d rows were deleted", deleted)
	}
	var name string
	if err := conn.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read_rnd_next'").Scan(&name, &walked); err != nil {
		t.Fatal(fmt.Errorf("count the rows: %w", err))
	}
	return walked
}
