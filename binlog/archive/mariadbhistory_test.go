package archive_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestMariaDBPurgeIsWrittenDownAsAHole(t *testing.T) {
	s := newMariaDBSite(t)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
	first := s.untilIdle(t, nil)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (2)", "FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (3)",
		"FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (4)", "FLUSH BINARY LOGS")
	mysqltest.Purge(t, s.source, "binlog.000003")
	second := s.untilIdle(t, nil)
	holes := s.holes(t)
	if len(holes) != 1 || holes[0].From != first.End.Position || holes[0].To != (binlog.Position{Timeline: s.timeline(t), File: "binlog.000003"}) {
		t.Fatalf("holes %+v, first end %v", holes, first.End)
	}
	line := s.line(t)
	if len(line) != 2 || line[0].To != first.End || line[1].To.Position != second.End.Position {
		t.Fatalf("line %+v", line)
	}
	s.executedEqualsTheSources(t, second.End)
	s.compareSome(t, second.End.File)
	missing := mustSet(t, holes[0].End.GTIDSet)
	if got := missing.String(); got != fmt.Sprintf("0-%d:1-5", s.source.Port()) {
		t.Fatalf("executed in front of the hole: %s", got)
	}
	_, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopBeforeGTID, GTIDs: mustSet(t, fmt.Sprintf("0-%d-6", s.source.Port()))})
	wantFault(t, err, fault.CodeRange, fault.KindRange) // in the hole
}

// compareSome is compareFiles of one file: of others the source may have purged what is archived.
func (s *site) compareSome(t *testing.T, name string) {
	t.Helper()
	got, _ := s.archivedFile(t, s.timeline(t), name)
	want, err := os.ReadFile(filepath.Join(s.source.DataDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	want[4+17] &^= 1 // set while the file is open
	if string(got) != string(want) {
		t.Errorf("%s: the archive has %d bytes, the source's file %d: not equal", name, len(got), len(want))
	}
}

func TestMariaDBResetIsAnErrorAndNewTimelineGoesOn(t *testing.T) {
	for name, statements := range map[string][]string{
		"shorter":    {"RESET MASTER"},
		"more files": {"RESET MASTER", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS"},
		"purged":     {"RESET MASTER TO 3"}, // GTIDs begin anew
	} {
		t.Run(name, func(t *testing.T) {
			s := newMariaDBSite(t)
			mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)", "INSERT INTO w.t VALUES (1)")
			first := s.untilIdle(t, nil)
			mysqltest.Exec(t, s.source, statements...)
			_, err := s.tryUntilIdle(t, nil)
			wantFault(t, err, fault.CodeFailed, fault.KindSource)
			if f := fault.Of(err); !strings.Contains(f.Hint, "--new-timeline") {
				t.Errorf("hint %q", f.Hint)
			}
			second := s.untilIdle(t, func(c *archive.Config) { c.NewTimeline = true })
			if want := first.End.Timeline + "~2"; second.End.Timeline != want {
				t.Errorf("the archive ends at %v", second.End)
			}
			mysqltest.Exec(t, s.source, "CREATE SCHEMA later")
			third := s.untilIdle(t, nil)
			if third.End.Timeline != second.End.Timeline || len(s.holes(t)) != 1 {
				t.Errorf("end %v, holes %+v", third.End, s.holes(t))
			}
			s.compareFiles(t, third.End.Timeline)
			if tl, err := archive.CurrentTimeline(t.Context(), s.catalog(), instance, s.server(t).Facts().ServerUUID); err != nil || tl != third.End.Timeline {
				t.Errorf("current timeline %s: %v", tl, err)
			}
		})
	}
}

// A server id is no uuid: another server may have the same one, and log files with later numbers.
func TestMariaDBAnotherServerIsRefused(t *testing.T) {
	s := newMariaDBSite(t)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w")
	s.untilIdle(t, nil)
	for name, o := range map[string]struct {
		args  []string
		reset string
	}{
		"another id":                 {nil, "RESET MASTER"},
		"the same id":                {[]string{fmt.Sprintf("--server-id=%d", s.source.Port())}, "RESET MASTER"},
		"the same id, the next file": {[]string{fmt.Sprintf("--server-id=%d", s.source.Port())}, "RESET MASTER TO 2"},
		"the same id, later files":   {[]string{fmt.Sprintf("--server-id=%d", s.source.Port())}, "RESET MASTER TO 5"},
	} {
		t.Run(name, func(t *testing.T) {
			other := newSite(t, mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, ExtraArgs: o.args}))
			other.bucket = s.bucket
			// Further GTIDs of that server than are archived.
			mysqltest.Exec(t, other.source, o.reset, "CREATE SCHEMA a", "CREATE SCHEMA b", "CREATE SCHEMA c", "CREATE SCHEMA d", "FLUSH BINARY LOGS")
			_, err := other.tryUntilIdle(t, nil)
			wantFault(t, err, fault.CodeFailed, fault.KindSource)
			t.Log(err)
		})
	}
	if line := s.line(t); len(line) != 1 || len(s.holes(t)) != 0 {
		t.Errorf("line %+v, holes %+v", line, s.holes(t))
	}
}

// What is prepared is known over files and runs, by the name that its GTID, and later its commit, give it.
func TestMariaDBOpenXA(t *testing.T) {
	s := newMariaDBSite(t)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)")
	// In a session that ends: one that has prepared a transaction may do nothing else.
	db := s.source.Connect(mysqltest.Root, "w")
	_, err := db.ExecContext(t.Context(), "XA START 'a','b',7; INSERT INTO t VALUES (1); XA END 'a','b',7; XA PREPARE 'a','b',7")
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s.source, "FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (2)")
	prepared := s.untilIdle(t, func(c *archive.Config) { c.FromOldest = true })
	open, err := s.reader().OpenXA(t.Context(), prepared.End.Position)
	if err != nil || len(open) != 1 || open[0].XID != "X'61',X'62',7" || open[0].Prepare.File != "binlog.000001" || len(open[0].Tables) != 1 || open[0].Tables[0].Name != "t" {
		t.Fatalf("open %+v: %v", open, err)
	}
	mysqltest.Eventually(t, func() bool { // the session may still be at its end
		err := s.source.Exec(t.Context(), "XA COMMIT 'a','b',7")
		if err != nil && !mysqltest.IsError(err, 1397) {
			t.Fatal(err)
		}
		return err == nil
	}, "the transaction to commit")
	ended := s.untilIdle(t, nil)
	if open, err := s.reader().OpenXA(t.Context(), ended.End.Position); err != nil || len(open) != 0 {
		t.Errorf("open %+v: %v", open, err)
	}
	entries := s.readAll(t)
	if last := entries[len(entries)-1]; last.Kind != event.XACommit || last.XID != open[0].XID {
		t.Errorf("the last entry is %+v", last)
	}
}
