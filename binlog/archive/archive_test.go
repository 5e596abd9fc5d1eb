package archive_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// awaitFiles waits until the archive holds something of so many files.
func (s *site) awaitFiles(t testing.TB, n int) {
	t.Helper()
	timeline := s.timeline(t)
	mysqltest.EventuallyWithin(t, 2*time.Minute, func() bool {
		files, err := s.catalog().Files(t.Context(), instance, timeline)
		if err != nil {
			t.Fatal(err)
		}
		return len(files) >= n
	}, fmt.Sprintf("%d files in the archive", n))
}

func TestClosedFilesEqualTheSources(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	stop := load(t, s.source, time.Millisecond)
	r := s.start(t, s.config(t))
	s.awaitFiles(t, 4)
	mysqltest.Exec(t, s.source, "SET GLOBAL binlog_checksum = NONE") // rotates
	s.awaitFiles(t, 7)
	mysqltest.Exec(t, s.source, "SET GLOBAL binlog_checksum = CRC32")
	s.awaitFiles(t, 9)
	stop()
	result := r.stop(t)
	if result.Segments == 0 || result.Bytes == 0 || result.AsOf == 0 {
		t.Errorf("result %+v", result)
	}
	result = s.untilIdle(t, nil)
	s.compareFiles(t, s.timeline(t))
	if h := s.head(t, s.timeline(t)); h.End != result.End || h.AsOf != result.AsOf {
		t.Errorf("head %+v, result %+v", h, result)
	}
}

func TestSegmentsAreCutAtBoundariesAndMarkedWhereTheyAreNot(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	r := s.start(t, s.config(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)",
		"INSERT INTO w.t (b) VALUES ('small')",
		"SET GLOBAL max_allowed_packet = 67108864")
	mysqltest.Exec(t, s.source, "SET SESSION binlog_transaction_compression = OFF", "BEGIN", "INSERT INTO w.t (b) SELECT RANDOM_BYTES(1024) FROM information_schema.columns LIMIT 1000",
		"INSERT INTO w.t (b) VALUES (REPEAT('x', 20 * 1024 * 1024))", "COMMIT",
		"INSERT INTO w.t (b) VALUES ('small again')")
	s.untilIdleBeside(t, r)
	timeline := s.timeline(t)
	inside := 0
	for _, name := range s.compareFiles(t, timeline) {
		_, headers := s.archivedFile(t, timeline, name)
		for i, h := range headers {
			if i > 0 && h.BeginsInside != headers[i-1].EndsInside {
				t.Errorf("%s: the segment at %d begins inside an entry: %v; the one before ends inside: %v", name, h.Start, h.BeginsInside, headers[i-1].EndsInside)
			}
			if h.EndsInside != (h.Boundary < h.End) {
				t.Errorf("%s: segment to %d, boundary %d, ends inside: %v", name, h.End, h.Boundary, h.EndsInside)
			}
			if h.EndsInside {
				inside++
			}
		}
	}
	if inside < 10 {
		t.Errorf("%d segments end inside the transaction of 21 MiB", inside)
	}
}

// untilIdleBeside waits until a running archiver has everything that the source has now.
func (s *site) untilIdleBeside(t testing.TB, r *running) {
	t.Helper()
	end := s.sourceEnd(t)
	mysqltest.Eventually(t, func() bool {
		select {
		case <-r.ended:
			t.Fatalf("the archiver ended: %v", r.err)
		default:
		}
		h := s.head(t, end.Timeline)
		return h.Last.End > 0 && !h.End.Before(end)
	}, "the archive at "+end.String())
}

// sourceEnd returns the end of the source's log.
func (s *site) sourceEnd(t testing.TB) binlog.Position {
	t.Helper()
	p := binlog.Position{Timeline: s.timeline(t)}
	var do, ignore, set []byte
	into, status := []any{&p.File, &p.Pos, &do, &ignore, &set}, "SHOW BINARY LOG STATUS"
	if s.isMariaDB() {
		into, status = into[:4], "SHOW MASTER STATUS"
	}
	if err := s.source.Root().QueryRowContext(t.Context(), status).Scan(into...); err != nil {
		t.Fatal(err)
	}
	return p
}

// The first segment waits for no flush: DESIGN wants it within half a second, however long a flush is.
func TestFirstSegmentWaitsForNoFlush(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	timeline := s.timeline(t)
	began := make(chan struct{}, 1)
	c := s.config(t)
	c.Flush = time.Hour
	c.Progress = func(archive.Progress) {
		select {
		case began <- struct{}{}:
		default:
		}
	}
	r := s.start(t, c)
	select {
	case <-began:
	case <-time.After(time.Minute):
		t.Fatal("no first segment within a minute")
	}
	if h := s.head(t, timeline); h.Last.End == 0 {
		t.Errorf("head %+v", h)
	}
	r.stop(t)
}

func TestCommitsAreArchivedWithinAFlush(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)")
	c := s.config(t)
	c.Flush = 300 * time.Millisecond
	r := s.start(t, c)
	s.untilIdleBeside(t, r)
	for i := range 3 {
		mysqltest.Exec(t, s.source, fmt.Sprintf("INSERT INTO w.t VALUES (%d)", i))
		start := time.Now()
		s.untilIdleBeside(t, r)
		// A flush, an upload, and a busy machine.
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("commit %d was archived after %v", i, took)
		}
	}
}

func TestAsOfMovesWhileNothingHappens(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	timeline := s.timeline(t)
	r := s.start(t, s.config(t).WithQuickHead())
	s.untilIdleBeside(t, r)
	first := s.head(t, timeline)
	mysqltest.Eventually(t, func() bool { return s.head(t, timeline).AsOf > first.AsOf+300_000 }, "as_of 0.3 s later")
	if last := s.head(t, timeline); last.End != first.End {
		t.Errorf("the end moved from %v to %v", first.End, last.End)
	}
}

func TestUntilIdleOnAnIdleSource(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	first := s.untilIdle(t, nil)
	second := s.untilIdle(t, nil)
	if second.Segments != 0 || second.End != first.End || second.AsOf <= first.AsOf {
		t.Errorf("first run %+v, second %+v", first, second)
	}
}

// TestUntilIdleDoesNotWaitForAFlush: what was there at the start is cut when it has come, behind the quick first segment too.
func TestUntilIdleDoesNotWaitForAFlush(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	aDay := func(c *archive.Config) { c.Flush = 24 * time.Hour }
	// Far more than comes before the first segment is cut.
	statements := []string{"CREATE DATABASE d", "CREATE TABLE d.t (v LONGTEXT)"}
	for range 8 {
		statements = append(statements, "INSERT INTO d.t VALUES (REPEAT('x', 1500000))")
	}
	mysqltest.Exec(t, s.source, append(statements, "INSERT INTO d.t VALUES ('the last')")...)
	s.untilIdle(t, aDay)
	s.compareFiles(t, s.timeline(t))
}

func TestFromOldestTakesAllFiles(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
	s.untilIdle(t, func(c *archive.Config) { c.FromOldest = true })
	if names := s.compareFiles(t, s.timeline(t)); len(names) != 3 {
		t.Errorf("files %v, want 3", names)
	}
	other := newSite(t, s.source)
	other.untilIdle(t, nil)
	if names := other.compareFiles(t, s.timeline(t)); len(names) != 1 || names[0] != "binlog.000003" {
		t.Errorf("files %v, want the current one", names)
	}
	third := newSite(t, s.source)
	third.untilIdle(t, func(c *archive.Config) { c.FirstFile = "binlog.000002" })
	if names := third.compareFiles(t, s.timeline(t)); len(names) != 2 || names[0] != "binlog.000002" {
		t.Errorf("files %v, want two", names)
	}
}

func TestArchiveSurvivesRestartsOfTheSource(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	stop := load(t, s.source, time.Millisecond)
	r := s.start(t, s.config(t))
	for i := range 4 {
		s.awaitFiles(t, 2*i+1)
		if i%2 == 0 {
			if err := s.source.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.source.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	s.untilIdleBeside(t, r)
	r.stop(t)
	s.compareFiles(t, s.timeline(t))
}

func TestArchiveSurvivesCutConnections(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	proxy := mysqltest.Through(t, s.source)
	s.url = proxy.URL(s.user)
	stop := load(t, s.source, time.Millisecond)
	r := s.start(t, s.config(t))
	for i := range 8 {
		s.awaitFiles(t, i+1)
		proxy.Cut()
	}
	stop()
	s.untilIdleBeside(t, r)
	r.stop(t)
	s.compareFiles(t, s.timeline(t))
}
