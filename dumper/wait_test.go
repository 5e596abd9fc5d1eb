package dumper

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// wantTimeout: the backup ended by --wait, long before the test gave up, and said for what it waited.
func wantTimeout(t *testing.T, err error, names ...string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Kind != fault.KindTimeout || !strings.Contains(f.Hint, "--wait") {
		t.Fatalf("error %v: want one of --wait", err)
	}
	for _, name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}

// TestR6WaitEndsThoughTheStreamMoves: a log that goes on brings nothing nearer to its end when an
// answer of the source does not come.
func TestR6WaitEndsThoughTheStreamMoves(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.other (a INT PRIMARY KEY AUTO_INCREMENT)", "CREATE TABLE d.log (a INT)",
		"INSERT INTO d.log VALUES (1)", "CREATE VIEW d.v AS SELECT 1 AS one"}, fill("d.t", 35)...)...)
	defer s.writes(20*time.Millisecond, "INSERT INTO d.other VALUES ()")()
	w := s.throughWire()
	for _, c := range []struct{ name, needle, waitsFor string }{
		{"discovery", "COALESCE(TABLE_ROWS", "discovery"},
		{"definition", "SHOW CREATE TABLE `d`.`t`", "d.t (being read)"},
		{"schema", "SHOW CREATE DATABASE `d`", "schema d (being read)"},
		{"object", "SHOW CREATE VIEW", "view d.v (being read)"},
		{"long read", " FROM `d`.`log`; COMMIT", "d.log (being read)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.with(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w.on(c.needle, neverSent)
			_, err := s.tryBackUp(ctx, inChunks, func(c *Config) { c.Wait, c.Fresh = 2*time.Second, true })
			wantTimeout(t, err, c.waitsFor, "binlog.")
			if w.met() == 0 {
				t.Error("the statement was not sent: the test proves nothing")
			}
		})
	}
}

// TestR6WaitEndsThoughTheStoreStands is the same for a store that takes an object and says nothing.
func TestR6WaitEndsThoughTheStoreStands(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.other (a INT PRIMARY KEY AUTO_INCREMENT)"}, fill("d.t", 35)...)...)
	defer s.writes(20*time.Millisecond, "INSERT INTO d.other VALUES ()")()
	s.gate.before(func(ctx context.Context, key string) {
		if strings.Contains(key, "/d/t/00000002") {
			<-ctx.Done()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := s.tryBackUp(ctx, inChunks, func(c *Config) { c.Wait = 2 * time.Second })
	wantTimeout(t, err, "d.t (being read)")
}

// TestR6CatchUpIsProgress: everything is read while the stream is far behind the place that it has
// to pass. It comes nearer, for longer than --wait.
func TestR6CatchUpIsProgress(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 700)...)...)
	mysqltest.Failpoint(t, "dumper/slowStream", "sleep(5)")
	const wait = time.Second
	began := time.Now()
	_, m := s.backUp(func(c *Config) { c.Wait = wait })
	if took := time.Since(began); took < 3*wait {
		t.Errorf("the backup took %v: the test proves nothing", took)
	}
	if n := baseOf(t, m, "d.t"); n.RowCount != 700 {
		t.Errorf("%d rows", n.RowCount)
	}
}

// TestR3BrokenOffReadWaitsForALongCatchUp: why a read broke off stands far ahead in the log.
func TestR3BrokenOffReadWaitsForALongCatchUp(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	// One statement makes many entries: the store stands for less than --wait meanwhile.
	s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.other (a INT PRIMARY KEY AUTO_INCREMENT)",
		"CREATE PROCEDURE d.entries() BEGIN DECLARE i INT DEFAULT 0; WHILE i < 1500 DO INSERT INTO d.other VALUES (); SET i=i+1; END WHILE; END"}, fill("d.t", 35)...)...)
	mysqltest.Failpoint(t, "dumper/slowStream", "sleep(5)")
	s.atChunk("d.t", 2, func() { s.exec("CALL d.entries()", "DROP TABLE d.t") })
	_, m := s.backUp(inChunks, func(c *Config) { c.Wait = 4 * time.Second })
	if n := baseOf(t, m, "d.t"); n.Base == catalog.BaseRead && !n.Absent {
		t.Errorf("d.t has base %+v", n)
	}
	if !strings.Contains(s.log.String(), "a read broke off") {
		t.Error("no read broke off: the test proves nothing")
	}
}

func (s *site) insert(statement string) {
	if _, err := s.source.Root().ExecContext(context.WithoutCancel(s.t.Context()), statement); err != nil {
		s.t.Errorf("%s: %v", statement, err)
	}
}

// TestR5LongReadThatIsLostEachTime: rows come, but never all of them.
func TestR5LongReadThatIsLostEachTime(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.log (a INT, b LONGTEXT)",
		"INSERT INTO d.log WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200) SELECT i, REPEAT('x', 100000) FROM n")
	s.gate.before(func(_ context.Context, key string) {
		if !strings.Contains(key, "/d/log/") || strings.HasSuffix(key, "/00000001.tsv.zst") {
			return
		}
		for _, id := range strings.Fields(answer(t, s.source.Root(), "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='tripod_backup' AND INFO LIKE '%FROM `d`.`log`%'")) {
			s.exec("KILL " + id)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	few := func(c *Config) { c.SnapshotTries = 3 }
	_, err := s.tryBackUp(ctx, inChunks, few)
	if f := fault.Of(err); f == nil || f.Kind != fault.KindKeyless || !strings.Contains(f.Hint, "--snapshot-tries") || !strings.Contains(err.Error(), "d.log") {
		t.Fatalf("error %v: want one that names d.log", err)
	}
	r, _ := s.backUp(inChunks, few, func(c *Config) { c.KeylessMissing = true })
	if len(r.NotBackedUp) != 1 || r.NotBackedUp[0].Name.String() != "d.log" {
		t.Errorf("not backed up are %+v, want d.log", r.NotBackedUp)
	}
}

// TestR5StreamThatFallsBehind: where the source writes more than the stream brings, each try would
// be judged later than the one before, by the same factor.
func TestR5StreamThatFallsBehind(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(keyless(3)...)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	// The stream brings one entry for every two that are written, on a busy machine too.
	var written, streamed atomic.Int64
	var writers sync.WaitGroup
	writing, stop := context.WithCancel(ctx)
	defer writers.Wait()
	defer stop()
	for range 4 { // between those of one the table may be read
		writers.Go(func() {
			for writing.Err() == nil {
				s.insert("INSERT INTO d.plain VALUES (7)")
				written.Add(1)
			}
		})
	}
	mysqltest.FailpointCall(t, "dumper/entryStreamed", func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := streamed.Add(1); written.Load() < 2*n && writing.Err() == nil; {
			<-tick.C
		}
	})
	slow := func(c *Config) { c.Wait = 5 * time.Second }
	began := time.Now()
	_, err := s.tryBackUp(ctx, slow)
	if f := fault.Of(err); f == nil || f.Kind != fault.KindKeyless || !strings.Contains(err.Error(), "d.plain") || !strings.Contains(err.Error(), "stream") {
		t.Fatalf("error %v after %v: want one of kind keyless that names d.plain and the stream", err, time.Since(began))
	}
}

// TestR5WindowEndsWithTheSelect: what is written while the rows go to the store is behind the window.
func TestR5WindowEndsWithTheSelect(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		s := newSite(t, mysqltest.Options{GTID: gtid, Relaxed: true})
		s.exec(keyless(20)...)
		written := 0
		s.gate.before(func(_ context.Context, key string) {
			if strings.Contains(key, "/d/log/") {
				written++
				s.insert("INSERT INTO d.log VALUES (100, NULL)")
			}
		})
		_, m := s.backUp(func(c *Config) { c.Tables = []string{"d.log"} })
		if n := baseOf(t, m, "d.log"); n.RowCount != 20 || written != 1 {
			t.Errorf("gtid %v: %d rows, read again %+v, %d rows written", gtid, n.RowCount, n.ReadAgain, written)
		}
	}
}

// TestR3BackOffOfEveryKind: definitions are read again with the same pauses as tables.
func TestR3BackOffOfEveryKind(t *testing.T) {
	b := newBoard(time.Minute, &lag{}, bases.New(bases.Config{}))
	now := time.Now()
	var again []catalog.ReadAgain
	for n := range 9 {
		want := bases.Want{Kind: bases.WantDefinition, Name: schema.Name{Schema: "d", Name: "t"}, Attempt: 1, Again: again}
		if left := b.pauseLeft(want, now); left != pauseBefore(n) {
			t.Errorf("after %d reads: a pause of %v, want %v", n, left, pauseBefore(n))
		}
		again = append(again, catalog.ReadAgain{Reason: "a statement in the definition's window"})
	}
	if pauseBefore(100) != time.Second {
		t.Errorf("the longest pause is %v", pauseBefore(100))
	}
}

// TestR6WaitEndsInEveryPhase: a store that takes a call and never answers, in whatever phase, ends the
// backup by --wait, and the next run goes on.
func TestR6WaitEndsInEveryPhase(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d", "CREATE VIEW d.v AS SELECT 1 AS one"}, fill("d.t", 35)...)...)
	for _, c := range []struct{ name, object, says string }{
		{"intent", "/intent.json", "intent"},
		{"chunk", chunkKey("d.t", 1), "d.t (being read)"},
		{"definition", "/schema/d/table.t.sql", "table.t.sql"},
		{"view", "/schema/d/view.v.sql", "view.v.sql"},
		{"manifest", "/manifest.json", "manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.with(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			met := false
			s.gate.before(func(ctx context.Context, key string) {
				if strings.HasSuffix(key, c.object) {
					met = true
					<-ctx.Done()
				}
			})
			_, err := s.tryBackUp(ctx, inChunks, func(c *Config) { c.Wait, c.Fresh = 2*time.Second, true })
			wantTimeout(t, err, c.says)
			s.gate.before(nil)
			if !met {
				t.Error("the store was not asked: the test proves nothing")
			}
			if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || len(ids) > 0 {
				t.Errorf("backups %v, %v", ids, err)
			}
		})
	}
	s.backUp(inChunks)
}

// TestStoreGoneAndBack: a store that is away for less than its layer's patience only delays the backup;
// away for longer it ends it with a clear line, and the next run goes on with what was stored.
func TestStoreGoneAndBack(t *testing.T) {
	for _, long := range []bool{false, true} {
		t.Run(fmt.Sprintf("long=%v", long), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 95)...)...)
			mysqltest.Failpoint(t, "dumper/journalOften", "return")
			var away atomic.Bool
			store := &storagetest.Faulty{Bucket: s.gate, Before: func(context.Context, storagetest.Operation, string) error {
				if away.Load() {
					return storagetest.ErrBroken
				}
				return nil
			}}
			flaky := *s
			limit, try := time.Minute, flaky.tryBackUp
			if long {
				limit, try = 500*time.Millisecond, flaky.tryDying
			}
			flaky.catalog = catalog.New(storage.Retry(store, storage.RetryOptions{Limit: limit, First: 10 * time.Millisecond, Longest: 50 * time.Millisecond}))
			s.atChunk("d.t", 6, func() {
				mysqltest.Eventually(t, func() bool { return s.journaled(s.unfinished(), chunkKey("d.t", 5)) }, "the journal has the chunk before")
				away.Store(true)
				if !long {
					time.AfterFunc(time.Second, func() { away.Store(false) })
				}
			})
			r, err := try(t.Context(), inChunks)
			if !long {
				if err != nil || r.Rows != 95 {
					t.Fatalf("%+v, %v", r, err)
				}
				return
			}
			if f := fault.Of(err); f == nil || f.Code != fault.CodeFailed || f.Kind != fault.KindStore || f.Hint == "" {
				t.Fatalf("error %v: want one of the store", err)
			}
			away.Store(false)
			s.gate.before(nil)
			r, m := flaky.backUp(inChunks)
			if r.Adopted.Chunks < 5 || baseOf(t, m, "d.t").RowCount != 95 {
				t.Errorf("adopted %+v, %d rows", r.Adopted, r.Rows)
			}
		})
	}
}
