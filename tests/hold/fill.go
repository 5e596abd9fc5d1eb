package hold

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// rowBytes is the size of a row's text; the large tables hold nothing else.
const rowBytes = 1000

// largeTables is how many tables share the bytes.
const largeTables = 3

// fill makes the tables and doubles them until they hold the wanted bytes. It returns the names
// of the large ones and the number of rows in each.
func fill(ctx context.Context, s *mysqltest.Server, bytes int64) (tables []string, rows int, err error) {
	rows = 64
	doublings := 0
	for int64(rows)*rowBytes*largeTables < bytes {
		rows *= 2
		doublings++
	}
	statements := []string{
		"SET sql_log_bin = 0", // what is there before the archive begins need not be in it
		"CREATE DATABASE hold", "USE hold",
		"CREATE TABLE hold.journal (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, session INT, n INT)",
		"CREATE TABLE hold.settings (k VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL, n INT NOT NULL, v VARCHAR(100), PRIMARY KEY (k, n))",
		"INSERT INTO hold.settings WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT CONCAT('k', i % 50), i, 'v' FROM n",
		"CREATE TABLE hold.visits (at DATETIME, page VARCHAR(20))", // without a key, written by nobody
		"INSERT INTO hold.visits SELECT NOW(), k FROM hold.settings",
	}
	for i := range largeTables {
		table := fmt.Sprintf("hold.large%d", i+1)
		tables = append(tables, table)
		statements = append(statements,
			"CREATE TABLE "+table+" (id BIGINT NOT NULL PRIMARY KEY, n INT NOT NULL, payload VARCHAR(1000) CHARACTER SET latin1 NOT NULL)",
			fmt.Sprintf("INSERT INTO %s WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64) SELECT i, 0, REPEAT(SHA2(RAND(), 512), 7) FROM n", table))
		for have := 64; have < rows; have *= 2 {
			statements = append(statements, fmt.Sprintf("INSERT INTO %s SELECT id + %d, 0, CONCAT(SHA2(RAND(), 512), SUBSTR(payload, 129)) FROM %s", table, have, table))
		}
	}
	return tables, rows, s.Exec(ctx, append(statements, "SET sql_log_bin = 1")...)
}
