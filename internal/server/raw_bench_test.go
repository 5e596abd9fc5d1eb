package server_test

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// BenchmarkRawRows reads rows of about 120 bytes as the chunk reader does. It must not allocate
// per row: allocations stay in the hundreds per run of 100,000 rows.
func BenchmarkRawRows(b *testing.B) {
	s := mysqltest.Source(b)
	mysqltest.Exec(b, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY, s VARCHAR(100))",
		"SET SESSION cte_max_recursion_depth=100000; INSERT INTO a.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100000) SELECT i, REPEAT('x', 100) FROM n")
	c := rawConn(b, open(b, address(b, s, backupUser(b, s), ""), server.Source))
	b.ReportAllocs()
	var bytes int64
	for b.Loop() {
		bytes = 0
		_, err := c.Query(b.Context(), "SELECT id, s FROM a.t ORDER BY id", func(packet []byte) error {
			bytes += int64(len(packet))
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(bytes)
}
