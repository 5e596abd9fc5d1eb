package dumper

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestShowCreateWaitsForAStatementInTheLog: a statement whose commit is held in the sync stage
// is in the log already (fact 1.1). SHOW CREATE of what it changes waits for its metadata lock,
// so that t0.high, and not t0.low, begins the window of every definition: D0, schemas, objects.
func TestShowCreateWaitsForAStatementInTheLog(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("gtid=%v", gtid), func(t *testing.T) {
			t.Parallel() // it waits more than it works
			s := mysqltest.Take(t, mysqltest.Options{GTID: gtid})
			mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE DATABASE gone", "CREATE TABLE d.t (a INT PRIMARY KEY)",
				"CREATE VIEW d.v AS SELECT 1 AS one", "CREATE VIEW d.w AS SELECT 1 AS one", "CREATE TRIGGER d.tr BEFORE INSERT ON d.t FOR EACH ROW SET @a=1",
				"CREATE TRIGGER d.ts BEFORE INSERT ON d.t FOR EACH ROW SET @a=1",
				"CREATE PROCEDURE d.p() SET @a=1", "CREATE PROCEDURE d.q() SET @a=1", "CREATE FUNCTION d.f() RETURNS INT DETERMINISTIC RETURN 1",
				"CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1", "CREATE EVENT d.g ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1")
			for _, c := range []struct{ statement, show, see string }{
				{"ALTER DATABASE d CHARACTER SET latin1", "SHOW CREATE DATABASE d", "latin1"},
				{"CREATE DATABASE n", "SHOW CREATE DATABASE n", "CREATE DATABASE"},
				{"DROP DATABASE gone", "SHOW CREATE DATABASE gone", "Error 1049"},
				{"ALTER TABLE d.t COMMENT 'changed'", "SHOW CREATE TABLE d.t", "changed"},
				{"CREATE OR REPLACE VIEW d.v AS SELECT 2 AS changed", "SHOW CREATE VIEW d.v", "changed"},
				{"CREATE VIEW d.n AS SELECT 2 AS changed", "SHOW CREATE VIEW d.n", "changed"},
				{"DROP VIEW d.w", "SHOW CREATE VIEW d.w", "Error 1146"},
				{"RENAME TABLE d.v TO d.x", "SHOW CREATE VIEW d.x", "changed"},
				{"CREATE TRIGGER d.tn BEFORE INSERT ON d.t FOR EACH ROW SET @changed=1", "SHOW CREATE TRIGGER d.tn", "changed"},
				{"DROP TRIGGER d.ts", "SHOW CREATE TRIGGER d.ts", "Error 1360"},
				{"RENAME TABLE d.t TO d.changed", "SHOW CREATE TRIGGER d.tr", "Error 1360|changed"},
				{"ALTER PROCEDURE d.p COMMENT 'changed'", "SHOW CREATE PROCEDURE d.p", "changed"},
				{"DROP PROCEDURE d.q", "SHOW CREATE PROCEDURE d.q", "Error 1305"},
				{"CREATE PROCEDURE d.n() SET @changed=1", "SHOW CREATE PROCEDURE d.n", "changed"},
				{"ALTER FUNCTION d.f COMMENT 'changed'", "SHOW CREATE FUNCTION d.f", "changed"},
				{"ALTER EVENT d.e COMMENT 'changed'", "SHOW CREATE EVENT d.e", "changed"},
				{"DROP EVENT d.g", "SHOW CREATE EVENT d.g", "Error 1539"},
				{"CREATE EVENT d.n ON SCHEDULE EVERY 1 DAY DISABLE DO SET @changed=1", "SHOW CREATE EVENT d.n", "changed"},
				{"ALTER EVENT d.n RENAME TO d.m", "SHOW CREATE EVENT d.m", "changed"},
				{"CREATE USER changed", "SHOW CREATE USER changed", "CREATE USER"},
				{"GRANT SELECT ON d.* TO changed", "SHOW GRANTS FOR changed", "GRANT SELECT"},
				{"ALTER USER changed ACCOUNT LOCK", "SHOW CREATE USER changed", "ACCOUNT LOCK"},
				{"DROP USER changed", "SHOW CREATE USER changed", "Error 1396"},
			} {
				t.Run(c.statement, func(t *testing.T) { waits(t, s, c.statement, c.show, c.see) })
			}
		})
	}
}

func waits(t *testing.T, s *mysqltest.Server, statement, show, see string) {
	mysqltest.Exec(t, s, "SET GLOBAL binlog_group_commit_sync_delay=250000")
	defer mysqltest.Exec(t, s, "SET GLOBAL binlog_group_commit_sync_delay=0")
	before := position(t, s)
	done := make(chan error, 1)
	go func() { done <- s.Exec(context.Background(), statement) }()
	mysqltest.Eventually(t, func() bool { return position(t, s) != before }, "the statement is in the log")
	began := time.Now()
	answer := answer(t, s.Root(), show)
	took := time.Since(began)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, text := range strings.Split(see, "|") {
		seen = seen || strings.Contains(answer, text)
	}
	if !seen {
		t.Errorf("%s, %v after %s was in the log, answers %q", show, took, statement, answer)
	}
	t.Logf("%s answered after %v", show, took)
}

func position(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	return answer(t, s.Root(), "SHOW BINARY LOG STATUS")
}

// answer joins all values of a statement's rows, or returns its error.
func answer(t testing.TB, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			all = append(all, v.String)
		}
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return strings.Join(all, " ")
}
