package dumper

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestWaitCountsFromTheLastRow: a SELECT that lasted longer than --wait, rows coming all the
// time, is begun again when its connection is lost.
func TestWaitCountsFromTheLastRow(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.log (a INT, b LONGTEXT)",
		"INSERT INTO d.log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<600) SELECT i, REPEAT('x', 100000) FROM n")
	const wait = 2 * time.Second
	var began time.Time
	var killed atomic.Bool
	s.gate.before(func(ctx context.Context, key string) {
		if !strings.Contains(key, "/data/") || killed.Load() {
			return
		}
		if began.IsZero() {
			began = time.Now()
		}
		if time.Since(began) < wait*3/2 {
			slow := time.NewTimer(200 * time.Millisecond)
			defer slow.Stop()
			select {
			case <-slow.C:
			case <-ctx.Done():
			}
			return
		}
		for _, id := range strings.Fields(answer(t, s.source.Root(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='tripod_backup' AND INFO LIKE '%FROM `d`.`log`%'")) {
			killed.Store(true)
			s.exec("KILL " + id)
		}
	})
	_, m := s.backUp(func(c *Config) {
		inChunks(c)
		c.Wait = wait
	})
	if n := baseOf(t, m, "d.log"); n.Class != "snapshot" || n.RowCount != 600 {
		t.Errorf("class %s, %d rows", n.Class, n.RowCount)
	}
	if !killed.Load() || !strings.Contains(s.log.String(), "a statement is tried again") {
		t.Error("no long read was lost: the test proves nothing")
	}
}

// TestLongBarrier: a row barrier brings no row, and takes as long as its table is large. It ends no backup whose source answers.
func TestLongBarrier(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.slow (n INT, v CHAR(128) AS (SHA2(REPEAT(n, 4000000), 512)) VIRTUAL)", "USE d", "INSERT INTO slow (n) SELECT seq FROM seq_10_to_99")
	began := time.Now()
	r, _ := s.backUp(func(c *Config) { c.Wait = time.Second })
	if r.Rows != 90 {
		t.Errorf("%d rows", r.Rows)
	}
	t.Logf("the backup took %v", time.Since(began))
}
