package dumper

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestTimeLimitsOfTheSource: while the store takes its time a SELECT stands still and other connections
// idle, longer than the source's settings let anybody. Nothing is cut off, nothing is read twice.
func TestTimeLimitsOfTheSource(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.a", 15)...)...)
	s.exec(append(fill("d.z", 15), "CREATE TABLE d.log (a INT, b LONGTEXT)")...)
	s.exec("SET sql_log_bin=0", "INSERT INTO d.log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<600) SELECT i, REPEAT('x', 100000) FROM n",
		"SET GLOBAL net_write_timeout=1", "SET GLOBAL wait_timeout=1", "SET GLOBAL interactive_timeout=1")
	const ours = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='tripod_backup' AND TIME>=3 AND "
	var once sync.Once
	s.gate.before(func(_ context.Context, key string) {
		if strings.Contains(key, "/data/d/log/") {
			once.Do(func() {
				mysqltest.Eventually(t, func() bool { return answer(t, s.source.Root(), ours+"INFO LIKE '%FROM `d`.`log`%'") != "0" }, "a SELECT of 3 s")
				mysqltest.Eventually(t, func() bool { return answer(t, s.source.Root(), ours+"COMMAND='Sleep'") != "0" }, "a connection that has been idle for 3 s")
			})
		}
	})
	_, m := s.backUp(func(c *Config) {
		inChunks(c)
		c.Wait = 30 * time.Second
	})
	once.Do(func() { t.Error("d.log was read in no chunk") })
	if n := baseOf(t, m, "d.log"); n.Class != "snapshot" || n.RowCount != 600 || len(n.ReadAgain) > 0 {
		t.Errorf("class %s, %d rows, read again %+v", n.Class, n.RowCount, n.ReadAgain)
	}
	if strings.Contains(s.log.String(), "a statement is tried again") {
		t.Error("a connection was cut off")
	}
}
