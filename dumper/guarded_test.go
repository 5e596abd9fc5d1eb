package dumper

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestShowCreateWaitsInATransactionToo: between START TRANSACTION and COMMIT a SHOW CREATE waits
// for a statement in the log and sees what it did, like one of its own, and lets its lock go.
func TestShowCreateWaitsInATransactionToo(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "CREATE VIEW d.v AS SELECT 1 AS one",
		"CREATE PROCEDURE d.p() SET @a=1", "CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1", "CREATE DATABASE gone")
	conn, err := s.srv.RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, c := range []struct{ statement, show, see string }{
		{"ALTER DATABASE d CHARACTER SET latin1", "SHOW CREATE DATABASE d", "latin1"},
		{"DROP DATABASE gone", "SHOW CREATE DATABASE gone", "Error 1049"},
		{"ALTER TABLE d.t COMMENT 'changed'", "SHOW CREATE TABLE d.t", "changed"},
		{"CREATE OR REPLACE VIEW d.v AS SELECT 2 AS changed", "SHOW CREATE VIEW d.v", "changed"},
		{"CREATE TRIGGER d.tn BEFORE INSERT ON d.t FOR EACH ROW SET @changed=1", "SHOW CREATE TRIGGER d.tn", "changed"},
		{"ALTER PROCEDURE d.p COMMENT 'changed'", "SHOW CREATE PROCEDURE d.p", "changed"},
		{"ALTER EVENT d.e COMMENT 'changed'", "SHOW CREATE EVENT d.e", "changed"},
		{"DROP TABLE d.t", "SHOW CREATE TABLE d.t", "Error 1146"},
	} {
		t.Run(c.statement, func(t *testing.T) {
			s.exec("SET GLOBAL binlog_group_commit_sync_delay=250000")
			defer s.exec("SET GLOBAL binlog_group_commit_sync_delay=0")
			before := position(t, s.source)
			done := make(chan error, 1)
			go func() { done <- s.source.Exec(context.WithoutCancel(t.Context()), c.statement) }()
			mysqltest.Eventually(t, func() bool { return position(t, s.source) != before }, "the statement is in the log")
			rows, err := guardedRows(t.Context(), conn, c.show)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(rows, err); !strings.Contains(got, c.see) {
				t.Errorf("%s answers %s", c.show, got)
			}
			if locks := answer(t, s.source.Root(), fmt.Sprintf("SELECT COUNT(*) FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID=l.OWNER_THREAD_ID"+
				" WHERE PROCESSLIST_ID=%d AND l.OBJECT_SCHEMA='d'", conn.ThreadID())); locks != "0" {
				t.Errorf("%s keeps %s locks", c.show, locks)
			}
		})
	}
}
