package dumper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestLockedTableIsWaitedFor: error 1205 says nothing about a table.
func TestLockedTableIsWaitedFor(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	var locked <-chan error
	s.atChunk("d.t", 2, func() {
		locked = run(t, s.source, "LOCK TABLES d.t WRITE; DO SLEEP(2.5); UNLOCK TABLES")
		mysqltest.Eventually(t, func() bool {
			return strings.Contains(answer(t, s.source.Root(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'"), "1")
		}, "the table is locked")
	})
	_, m := s.backUp(inChunks)
	if err := <-locked; err != nil {
		t.Fatal(err)
	}
	n := baseOf(t, m, "d.t")
	if n.RowCount != 35 || len(n.ReadAgain) > 0 {
		t.Errorf("%d rows, read again %+v", n.RowCount, n.ReadAgain)
	}
	if !strings.Contains(s.log.String(), "1205") {
		t.Error("nothing waited for the lock: the test proves nothing")
	}
}

// TestConnectionsThatAreKilled: whoever kills the backup's connections and statements only
// delays it.
func TestConnectionsThatAreKilled(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 200)...)...)
	kills := 0
	s.gate.before(func(_ context.Context, key string) {
		if !strings.Contains(key, "/data/") || kills == 3 {
			return
		}
		kills++
		for _, id := range strings.Fields(answer(t, s.source.Root(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='tripod_backup' AND COMMAND<>'Binlog Dump GTID'")) {
			if err := s.source.Exec(t.Context(), "KILL "+id); err != nil && !strings.Contains(err.Error(), "1094") {
				t.Error(err)
			}
		}
	})
	_, m := s.backUp(inChunks)
	if n := baseOf(t, m, "d.t"); n.RowCount != 200 {
		t.Errorf("%d rows", n.RowCount)
	}
}

// TestSourceRestartsDuringTheBackup: clock, stream, workers and archive go on by themselves.
func TestSourceRestartsDuringTheBackup(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("gtid=%v", gtid), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: gtid})
			s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 95)...)...)
			s.atChunk("d.t", 3, func() {
				if err := s.source.Kill(); err != nil {
					t.Error(err)
				}
				if err := s.source.Restart(t.Context()); err != nil {
					t.Error(err)
				}
				s.exec("INSERT INTO d.t VALUES (1000,'after the crash')", "ALTER TABLE d.t ADD COLUMN w INT")
			})
			_, m := s.backUp(inChunks)
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}

// TestHoldsAreShort: no statement of the backup takes longer than max-hold, however many rows a
// chunk asks for, and none of them locks or flushes.
func TestHoldsAreShort(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("SET GLOBAL log_output='TABLE'", "SET GLOBAL long_query_time=0", "SET GLOBAL slow_query_log=1", "CREATE DATABASE d",
		"CREATE TABLE d.t (id INT PRIMARY KEY, v LONGTEXT)", "CREATE VIEW d.v AS SELECT * FROM d.t")
	for i := range 20 {
		// What is there before the backup need not go through the archive.
		s.exec("SET sql_log_bin=0", fmt.Sprintf("INSERT INTO d.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100)"+
			" SELECT i+100*%d, REPEAT(TO_BASE64(RANDOM_BYTES(1000)), 15) FROM n", i))
	}
	const hold = 100 * time.Millisecond
	_, m := s.backUp(func(c *Config) {
		c.MaxHold, c.tuning = hold, tuning{firstRows: 10_000, mostRows: 10_000, chunkText: 128 << 20}
	})
	if n := baseOf(t, m, "d.t"); n.RowCount != 2000 {
		t.Errorf("%d rows", n.RowCount)
	}
	if !strings.Contains(s.log.String(), "a chunk took too long") {
		t.Error("no chunk was too long: the test proves nothing")
	}
	const chunks = " FROM mysql.slow_log WHERE user_host LIKE 'tripod_backup%' AND CAST(sql_text AS CHAR) LIKE 'SELECT%FORCE INDEX%'"
	if answer(t, s.source.Root(), "SELECT COUNT(*)"+chunks) < "1" {
		t.Error("no chunk in the slow log: the test proves nothing")
	}
	if unbound := answer(t, s.source.Root(), "SELECT CAST(sql_text AS CHAR)"+chunks+" AND CAST(sql_text AS CHAR) NOT LIKE '%MAX_EXECUTION_TIME(100)%' LIMIT 1"); unbound != "" {
		t.Errorf("a chunk is read without a bound: %s", unbound)
	}
	// The server looks at its bound between rows, and this machine may have more to do: how long a
	// statement of 40 MB holds without one, make hold shows.
	longest := answer(t, s.source.Root(), "SELECT MAX(query_time) FROM mysql.slow_log WHERE user_host LIKE 'tripod_backup%' AND CAST(sql_text AS CHAR) NOT LIKE 'Binlog Dump%'")
	if limit := "00:00:05"; longest > limit {
		t.Errorf("a statement of the backup took %s: %s", longest, answer(t, s.source.Root(),
			"SELECT CAST(sql_text AS CHAR) FROM mysql.slow_log WHERE user_host LIKE 'tripod_backup%' ORDER BY query_time DESC LIMIT 3"))
	}
	if locks := answer(t, s.source.Root(), "SELECT CAST(sql_text AS CHAR) FROM mysql.slow_log WHERE user_host LIKE 'tripod_backup%'"+
		" AND (CAST(sql_text AS CHAR) LIKE 'FLUSH%' OR CAST(sql_text AS CHAR) LIKE 'LOCK%')"); locks != "" {
		t.Errorf("the backup locks: %s", locks)
	}
}

// TestW4ManifestBehindTheArchive: the manifest is written when the archive covers everything.
func TestW4ManifestBehindTheArchive(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 5)...)...)
	release := make(chan struct{})
	var mu sync.Mutex
	var held, early bool
	s.gate.before(func(ctx context.Context, key string) {
		switch {
		case strings.HasSuffix(key, ".seg"):
			mu.Lock()
			held = true
			mu.Unlock()
			select {
			case <-release:
			case <-ctx.Done():
			}
		case strings.HasSuffix(key, "manifest.json"):
			mu.Lock()
			defer mu.Unlock()
			select {
			case <-release:
			default:
				early = true
			}
		case strings.HasSuffix(key, ".sql"): // everything is read; the archive comes a little later
			go func() {
				timer := time.NewTimer(500 * time.Millisecond)
				defer timer.Stop()
				<-timer.C
				mu.Lock()
				defer mu.Unlock()
				select {
				case <-release:
				default:
					close(release)
				}
			}()
		}
	})
	_, m := s.backUp()
	if !held || early {
		t.Errorf("segments held back %v, manifest before them %v", held, early)
	}
	if err := archive.Open(s.catalog, instanceName).Covers(t.Context(), m.Floor.Position, m.End.Position); err != nil {
		t.Error(err)
	}
}

// TestW4EndIsArchivedAtOnce: a backup that has read everything does not wait for its own archiver's next flush.
func TestW4EndIsArchivedAtOnce(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 25)...)...)
	s.atChunk("d.t", 3, func() { s.exec("INSERT INTO d.t VALUES (100, 'behind the first segment of the archive')") })
	_, m := s.backUp(inChunks, func(c *Config) { c.Flush, c.Wait = 24*time.Hour, time.Minute })
	if err := archive.Open(s.catalog, instanceName).Covers(t.Context(), m.Floor.Position, m.End.Position); err != nil {
		t.Error(err)
	}
}

func TestW4ArchiveThatDoesNotCome(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 5)...)...)
	s.gate.before(func(ctx context.Context, key string) {
		if strings.HasSuffix(key, ".seg") {
			<-ctx.Done()
		}
	})
	_, err := s.tryDying(t.Context(), func(c *Config) { c.Wait = time.Second })
	if f := fault.Of(err); f == nil || f.Kind != fault.KindTimeout || !strings.Contains(err.Error(), "archive") {
		t.Errorf("error %v: want a timeout that names the archive", err)
	}
	if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || len(ids) != 0 {
		t.Errorf("backups %v, %v", ids, err)
	}
}

// TestBackupBesideAnArchiver: the backup leaves the archive to whoever holds the lease.
func TestBackupBesideAnArchiver(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	if err := s.catalog.EnsureInstance(t.Context(), catalog.Instance{Name: instanceName, Flavor: server.FlavorMySQL}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		cfg := s.config().archive("")
		cfg.Role, cfg.Flush = archive.RoleArchive, 100*time.Millisecond
		_, err := archive.Run(ctx, cfg)
		done <- err
	}()
	mysqltest.Eventually(t, func() bool {
		_, held, err := s.catalog.LatestLease(t.Context(), instanceName)
		return err == nil && held
	}, "the archiver holds the lease")
	_, m := s.backUp(inChunks)
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if lease, _, err := s.catalog.LatestLease(t.Context(), instanceName); err != nil || lease.Role != string(archive.RoleArchive) {
		t.Errorf("lease %+v, %v: want the archiver's", lease, err)
	}
	if err := archive.Open(s.catalog, instanceName).Covers(t.Context(), m.Floor.Position, m.End.Position); err != nil {
		t.Error(err)
	}
}

func TestInterrupted(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 200)...)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.atChunk("d.t", 3, cancel)
	began := time.Now()
	_, err := s.tryBackUp(ctx, inChunks)
	if !errors.Is(err, context.Canceled) || time.Since(began) > 10*time.Second {
		t.Errorf("error %v after %v", err, time.Since(began))
	}
}

func TestMissingGrant(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("REVOKE TRIGGER ON *.* FROM tripod_backup")
	_, err := s.tryBackUp(t.Context())
	if f := fault.Of(err); f == nil || f.Kind != fault.KindGrant || !strings.Contains(f.Hint, "GRANT TRIGGER ON *.*") {
		t.Errorf("error %v, want the GRANT", err)
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.m (a INT) ENGINE=ARCHIVE", "CREATE TABLE d.t (a INT PRIMARY KEY)",
		"CREATE TABLE d.hole (a INT) ENGINE=BLACKHOLE")
	_, err := s.tryBackUp(t.Context())
	if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(err.Error(), "d.m") || !strings.Contains(f.Hint, "--exclude d.m") {
		t.Errorf("error %v: want one that names d.m and the way out", err)
	}
	_, m := s.backUp(func(c *Config) { c.Exclude = []string{"d.m"} })
	if n := baseOf(t, m, "d.hole"); n.Class != "no rows" || n.SchemaKey == "" || len(n.Chunks) > 0 {
		t.Errorf("a BLACKHOLE table: %+v", n)
	}
}
