package archive_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Where segments overlap, each names the entries that end in both. A stop point is where its entry is,
// by the segments as by an index.
func TestStopPointsWhereSegmentsOverlap(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.addOverlaps(t)
	for _, file := range s.closedFiles(t) {
		if err := os.Remove(s.indexPath(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	// Every seventh entry, others in each run.
	const step = 7
	first := rand.IntN(step)
	t.Logf("from entry %d on", first)
	check := func(t *testing.T) {
		for n := first; n < len(entries); n += step {
			e := entries[n]
			set := mustSet(t, e.GTID.String())
			want := map[binlog.StopKind]binlog.Position{binlog.StopGTID: e.End, binlog.StopBeforeGTID: e.Start, binlog.StopPosition: e.End}
			for kind, at := range want {
				got, err := s.resolve(t, binlog.StopPoint{Kind: kind, GTIDs: set, Position: e.End})
				if err != nil || got.Position != at {
					t.Errorf("entry %d, kind %d: %s resolved to %s, want %s: %v", n, kind, set, got.Position, at, err)
				}
			}
			at := entries[len(entries)-1].End
			if later := firstLater(entries, commitOf(e)); later >= 0 {
				at = entries[later].Start
			}
			if got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopTime, Time: commitOf(e)}); err != nil || got.Position != at {
				t.Errorf("entry %d: %s resolved to %s, want %s: %v", n, commitOf(e), got.Position, at, err)
			}
		}
	}
	t.Run("without an index", check)
	s.untilIdle(t, nil)
	for _, file := range s.closedFiles(t) {
		s.index(t, file)
	}
	t.Run("with one", check)
	s.compact(t, 0)
	s.compact(t, anHour)
	t.Run("compacted", check)
}
