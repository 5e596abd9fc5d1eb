package history

import (
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestAnUnknownSavepointOfMySQL56: a session of MySQL 5.6 that is killed in a transaction, behind a ROLLBACK TO a savepoint that there is
// not, commits what it did, and logs nothing of it. No archive can hold that, so histories set back to savepoints that they have made.
func TestAnUnknownSavepointOfMySQL56(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MySQL56, Relaxed: true})
	mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	c, err := s.Root().Conn(t.Context())
	must(t, err)
	defer c.Close()
	var id int
	must(t, c.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id))
	for _, statement := range []string{"BEGIN", "INSERT INTO d.t VALUES (1)", "ROLLBACK TO nosuch"} {
		if _, err := c.ExecContext(t.Context(), statement); (err != nil) != (statement == "ROLLBACK TO nosuch") {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	logged := func() (p string) {
		var nothing string
		must(t, s.Root().QueryRowContext(t.Context(), "SHOW MASTER STATUS").Scan(&nothing, &p, &nothing, &nothing, &nothing))
		return p
	}
	before := logged()
	mysqltest.Exec(t, s, fmt.Sprintf("KILL %d", id))
	mysqltest.Eventually(t, func() bool {
		var rows int
		must(t, s.Root().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM d.t").Scan(&rows))
		return rows == 1
	}, "the row that was not committed")
	if behind := logged(); behind != before {
		t.Errorf("the log went from %s to %s", before, behind)
	}
}
