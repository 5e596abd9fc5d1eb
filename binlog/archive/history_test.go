package archive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

func (s *site) holes(t testing.TB) []catalog.Hole {
	t.Helper()
	holes, err := s.catalog().Holes(t.Context(), instance)
	if err != nil {
		t.Fatal(err)
	}
	return holes
}

func TestPurgeIsWrittenDownAsAHole(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("GTID %v", gtid), func(t *testing.T) {
			s := newSite(t, mysqltest.Take(t, mysqltest.Options{GTID: gtid}))
			mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
			first := s.untilIdle(t, nil)
			mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (2)", "FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (3)",
				"FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (4)")
			mysqltest.Purge(t, s.source, "binlog.000003")
			second := s.untilIdle(t, nil)

			holes := s.holes(t)
			if len(holes) != 1 || holes[0].From != first.End.Position || holes[0].End != first.End || holes[0].AsOf != first.AsOf ||
				holes[0].To != (binlog.Position{Timeline: s.timeline(t), File: "binlog.000003"}) {
				t.Fatalf("holes %+v, first end %v", holes, first.End)
			}
			line := s.line(t)
			if len(line) != 2 || line[0].To != first.End || line[1].To.Position != second.End.Position || line[0].Hole == nil || line[1].Hole != nil {
				t.Fatalf("line %+v", line)
			}
			err := s.reader().Covers(t.Context(), line[0].From.Position, line[1].To.Position)
			wantFault(t, err, fault.CodeRange, fault.KindHole)
			for _, stretch := range line {
				if err := s.reader().Covers(t.Context(), stretch.From.Position, stretch.To.Position); err != nil {
					t.Error(err)
				}
			}
			var last error
			for _, err := range s.reader().Events(t.Context(), line[0].From.Position) {
				last = err
			}
			wantFault(t, last, fault.CodeRange, fault.KindHole)
			// The next run joins what is behind the hole.
			s.untilIdle(t, nil)
			if n := len(s.holes(t)); n != 1 {
				t.Errorf("%d holes", n)
			}
		})
	}
}

func TestPurgeOfWholeArchivedFilesIsNoHole(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)")
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r)
	// The archive ends with the ROTATE event of the first file.
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (1)", "FLUSH BINARY LOGS")
	s.untilIdleBeside(t, r)
	r.stop(t)
	mysqltest.Purge(t, s.source, "binlog.000002")
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (2)")
	s.untilIdle(t, nil)
	if holes := s.holes(t); len(holes) != 0 {
		t.Errorf("holes %+v", holes)
	}
	if line := s.line(t); len(line) != 1 {
		t.Errorf("line %+v", line)
	}
}

func TestPurgeBesideARunningArchiver(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	proxy := mysqltest.Through(t, s.source)
	s.url = proxy.URL(s.user)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)")
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r)
	proxy.Refuse()
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (2)", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (4)")
	mysqltest.Purge(t, s.source, "binlog.000003")
	proxy.Resume()
	s.untilIdleBeside(t, r)
	r.stop(t)
	if holes := s.holes(t); len(holes) != 1 || holes[0].To.File != "binlog.000003" {
		t.Errorf("holes %+v", holes)
	}
}

// resets are ways to another history that position and size alone would not tell (fact 13.9).
var resets = map[string][]string{
	"shorter": {"RESET BINARY LOGS AND GTIDS"},
	"equal sizes": {"RESET BINARY LOGS AND GTIDS", "DROP SCHEMA w", "RESET BINARY LOGS AND GTIDS",
		"CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (2)", "INSERT INTO w.t VALUES (3)", "INSERT INTO w.t VALUES (4)"},
	"more files": {"RESET BINARY LOGS AND GTIDS", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS"},
	"purged":     {"RESET BINARY LOGS AND GTIDS", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "PURGE BINARY LOGS TO 'binlog.000003'"},
}

func TestResetIsAnErrorAndNewTimelineGoesOn(t *testing.T) {
	for name, statements := range resets {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, mysqltest.Source(t))
			mysqltest.Exec(t, s.source, "RESET BINARY LOGS AND GTIDS")
			mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
			first := s.untilIdle(t, nil)
			mysqltest.Exec(t, s.source, statements...)
			_, err := s.tryUntilIdle(t, nil)
			wantFault(t, err, fault.CodeFailed, fault.KindSource)
			if f := fault.Of(err); !strings.Contains(f.Hint, "--new-timeline") {
				t.Errorf("hint %q", f.Hint)
			}
			if h := s.head(t, s.timeline(t)); h.End != first.End {
				t.Errorf("the head moved from %v to %v", first.End, h.End)
			}
			second := s.untilIdle(t, func(c *archive.Config) { c.NewTimeline = true })
			if want := s.timeline(t) + "~2"; second.End.Timeline != want {
				t.Errorf("the archive ends at %v", second.End)
			}
			holes := s.holes(t)
			if len(holes) != 1 || holes[0].From != first.End.Position || holes[0].To.Timeline != second.End.Timeline {
				t.Errorf("holes %+v", holes)
			}
			line := s.line(t)
			if len(line) != 2 || line[0].To != first.End || line[1].To != second.End {
				t.Errorf("line %+v", line)
			}
			// The flag left behind and a plain run: both go on under the same timeline.
			mysqltest.Exec(t, s.source, "CREATE SCHEMA later")
			third := s.untilIdle(t, func(c *archive.Config) { c.NewTimeline = true })
			s.untilIdle(t, nil)
			if third.End.Timeline != second.End.Timeline || len(s.holes(t)) != 1 {
				t.Errorf("end %v, holes %+v", third.End, s.holes(t))
			}
			s.compareFiles(t, third.End.Timeline)
			if tl, err := archive.CurrentTimeline(t.Context(), s.catalog(), instance, string(s.timeline(t))); err != nil || tl != third.End.Timeline {
				t.Errorf("current timeline %s: %v", tl, err)
			}
		})
	}
}

// TestHolesOutliveAReset: what was lost stays written down when the history begins again behind it.
func TestHolesOutliveAReset(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
	first := s.untilIdle(t, nil)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (2)", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
	mysqltest.Purge(t, s.source, "binlog.000003")
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (3)")
	second := s.untilIdle(t, nil)
	purged := s.holes(t)
	if len(purged) != 1 || purged[0].End != first.End {
		t.Fatalf("holes %+v", purged)
	}
	mysqltest.Exec(t, s.source, "RESET BINARY LOGS AND GTIDS", "INSERT INTO w.t VALUES (4)")
	third := s.untilIdle(t, func(c *archive.Config) { c.NewTimeline = true })
	for range 2 {
		holes := s.holes(t)
		if len(holes) != 2 || holes[0] != purged[0] || holes[1].End != second.End {
			t.Errorf("holes %+v, the one before the reset was %+v", holes, purged[0])
		}
		line := s.line(t)
		if len(line) != 3 || line[0].To != first.End || line[0].Hole == nil || line[1].To != second.End || line[1].Hole == nil || line[2].To.Timeline != third.End.Timeline {
			t.Errorf("line %+v", line)
		}
		s.untilIdle(t, nil)
	}
}

// TestASourceThatLostItsTail: without sync_binlog=1 a crash takes the last transactions from the source, not from
// the archive. What comes behind it is another history, be it longer than the lost one or shorter.
func TestASourceThatLostItsTail(t *testing.T) {
	s := newSite(t, mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true}))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO w.t VALUES ()")
	kept := s.untilIdle(t, nil)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES ()")
	held := s.untilIdle(t, nil)
	if err := s.source.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(s.source.DataDir(), kept.End.Position.File), int64(kept.End.Position.Pos)); err != nil {
		t.Fatal(err)
	}
	if err := s.source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := s.tryUntilIdle(t, nil)
		wantFault(t, err, fault.CodeFailed, fault.KindSource)
		if f := fault.Of(err); !strings.Contains(f.Hint, "--new-timeline") {
			t.Errorf("hint %q", f.Hint)
		}
		if h := s.head(t, s.timeline(t)); h.End != held.End {
			t.Errorf("the head moved from %v to %v", held.End, h.End)
		}
		mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (), (), ()", "INSERT INTO w.t VALUES ()", "FLUSH BINARY LOGS")
	}
	after := s.untilIdle(t, func(c *archive.Config) { c.NewTimeline = true })
	if holes, line := s.holes(t), s.line(t); len(holes) != 1 || holes[0].End != held.End || len(line) != 2 || line[1].To != after.End {
		t.Errorf("holes %+v, line %+v", holes, line)
	}
}

func TestResetBesideARunningArchiverIsAnError(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r)
	mysqltest.Exec(t, s.source, "RESET BINARY LOGS AND GTIDS", "INSERT INTO w.t VALUES (2)")
	<-r.ended
	wantFault(t, r.err, fault.CodeFailed, fault.KindSource)
}

func TestAnotherServerIsRefused(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	s.untilIdle(t, nil)
	other := newSite(t, mysqltest.Source(t))
	other.bucket = s.bucket
	_, err := other.tryUntilIdle(t, nil)
	wantFault(t, err, fault.CodeFailed, fault.KindSource)
}

// GTIDs that were written into gtid_purged by hand are in no file: what is there is unbroken all
// the same, and such a transaction is told to be nowhere.
func TestGTIDsThatWerePatchedAreNoHole(t *testing.T) {
	const foreign = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
	s.untilIdle(t, nil)
	mysqltest.Exec(t, s.source, "SET GLOBAL gtid_purged = '+"+foreign+":1-50'", "INSERT INTO w.t VALUES (2)", "FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (3)")
	s.untilIdle(t, nil)
	if holes, line := s.holes(t), s.line(t); len(holes) != 0 || len(line) != 1 {
		t.Errorf("holes %+v, line %+v", holes, line)
	}
	s.compareFiles(t, s.timeline(t))
	entries := s.readAll(t)
	last := entries[len(entries)-1]
	if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: mustSet(t, last.GTID.String())}); err != nil || got.Position != last.End {
		t.Errorf("the last transaction resolved to %v: %v", got, err)
	}
	_, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: mustSet(t, foreign+":50")})
	wantFault(t, err, fault.CodeRange, fault.KindRange)
}
