package archive_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Any session may set the time in its events' headers, and that at which its transaction was first
// committed. A stop time means when the source committed: no entry of another clock ends a restore
// early, and none takes it too far.
func TestStopTimesAmongOtherClocks(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
		"SET timestamp = 1000000000", "INSERT INTO w.t (v) VALUES (1)", "ALTER TABLE w.t COMMENT 'of the past'", "SET timestamp = DEFAULT", "INSERT INTO w.t (v) VALUES (2)",
		"SET timestamp = 2000000000", "INSERT INTO w.t (v) VALUES (3)", "ALTER TABLE w.t COMMENT 'of the future'", "FLUSH BINARY LOGS", "INSERT INTO w.t (v) VALUES (4)", "SET timestamp = DEFAULT",
		"SET original_commit_timestamp = 1000000000000000", "INSERT INTO w.t (v) VALUES (5)", "SET original_commit_timestamp = 2000000000000000", "INSERT INTO w.t (v) VALUES (6)")
	s.untilIdle(t, func(c *archive.Config) { c.FromOldest = true })
	entries := s.readAll(t)
	strange := 0
	for i, e := range entries {
		if e.Timestamp == 1000000000 || e.Timestamp == 2000000000 {
			strange++
		}
		want := s.line(t)[0].To.Position
		if i+1 < len(entries) {
			want = entries[i+1].Start
		}
		for at, want := range map[binlog.Time]binlog.Position{e.CommitTime - 1: e.Start, e.CommitTime: want} {
			if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: at}); err != nil || got.Position != want {
				t.Errorf("entry %d, committed at %s: %s resolved to %s, want %s: %v", i, e.CommitTime, at, got.Position, want, err)
			}
		}
	}
	if strange < 5 {
		t.Errorf("%d entries have another clock: the test proves nothing", strange)
	}
}

// TestStopTimesOfHeadersThatASessionHasSet: where the log has no other time than the header's, one that a session has set hours ahead
// moves no stop time behind it, whether the file goes on, or the next one does, or nothing.
func TestStopTimesOfHeadersThatASessionHasSet(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSite(t, mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true}))
			first := time.Now().Unix() + 600 // behind what made the accounts
			at := func(second int64) string { return fmt.Sprintf("SET timestamp=%d", first+second) }
			const ahead = "SET timestamp=2147483000"
			mysqltest.Exec(t, s.source, at(0), "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)", at(60), "INSERT INTO w.t (v) VALUES (1)", ahead, "INSERT INTO w.t (v) VALUES (-1)",
				"INSERT INTO w.t (v) VALUES (-2)", at(120), "INSERT INTO w.t (v) VALUES (2)", ahead, "INSERT INTO w.t (v) VALUES (-3)", "FLUSH BINARY LOGS", at(180), "INSERT INTO w.t (v) VALUES (3)", at(240), "INSERT INTO w.t (v) VALUES (4)",
				ahead, "INSERT INTO w.t (v) VALUES (-4)")
			s.untilIdle(t, func(c *archive.Config) { c.FromOldest = true })
			entries := s.readAll(t)
			starts := map[uint32]binlog.Position{}
			for _, e := range entries {
				if _, known := starts[e.Timestamp]; !known {
					starts[e.Timestamp] = e.Start
				}
			}
			for second, want := range map[int64]binlog.Position{
				0: starts[uint32(first+60)], 60: starts[uint32(first+120)], 119: starts[uint32(first+120)], 120: starts[uint32(first+180)], 180: starts[uint32(first+240)],
			} {
				got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: binlog.Time(first+second) * 1_000_000})
				if err != nil || got.Position != want || want.IsZero() {
					t.Errorf("second %d resolved to %s, want %s: %v", second, got.Position, want, err)
				}
			}
		})
	}
}
