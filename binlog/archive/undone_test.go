package archive_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestWhatIsUndoneIsKnownBeforeItIsRead: of transactions that are much larger than a segment, too, and of joined segments.
func TestWhatIsUndoneIsKnownBeforeItIsRead(t *testing.T) {
	s := newMariaDBSite(t)
	row := strings.Repeat("x", 1000)
	insert := func(n int) string {
		return fmt.Sprintf("INSERT INTO w.t (b) WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT '%s' FROM s", n, row)
	}
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGTEXT)")
	s.untilIdle(t, nil) // an archive begins at the end of the log
	for range 2 {
		mysqltest.Exec(t, s.source,
			"BEGIN; "+insert(30)+"; SAVEPOINT a; CREATE TEMPORARY TABLE w.x (a INT); DROP TEMPORARY TABLE w.x; "+insert(40)+"; ROLLBACK TO a; "+insert(1)+"; SAVEPOINT b; "+insert(1)+"; ROLLBACK TO b; COMMIT",
			insert(2),
			"BEGIN; CREATE TEMPORARY TABLE w.x (a INT); DROP TEMPORARY TABLE w.x; "+insert(1)+"; ROLLBACK",
			"BEGIN; SAVEPOINT a; CREATE TEMPORARY TABLE w.x (a INT); DROP TEMPORARY TABLE w.x; "+insert(50)+"; SAVEPOINT b; "+insert(2)+"; ROLLBACK TO b; "+insert(2)+"; ROLLBACK TO a; COMMIT",
			"BEGIN; CREATE TEMPORARY TABLE w.x (a INT); DROP TEMPORARY TABLE w.x; "+insert(60)+"; ROLLBACK",
			insert(2), "FLUSH BINARY LOGS")
	}
	s.untilIdle(t, func(c *archive.Config) { c.SegmentSize = 8 << 10 })
	_, undone := s.readUndone(t)
	if undone < 2*(40+1+1+54+60)/10 { // some rows come in one event
		t.Errorf("only %d events are undone", undone)
	}
	s.compact(t, 24*time.Hour)
	if _, again := s.readUndone(t); again != undone {
		t.Errorf("%d events are undone, %d were before the segments were joined", again, undone)
	}
}
