package archive_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// cutOff archives the source, kills it when it has written no more of a transaction than its first rows, less some
// bytes, and starts it again. It returns the end of the archive and of the file.
func (s *site) cutOff(t *testing.T, less uint64) (end binlog.Point, cut uint64) {
	t.Helper()
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)")
	end = s.untilIdle(t, nil).End
	mysqltest.Exec(t, s.source, "BEGIN", "INSERT INTO w.t VALUES (1)", "INSERT INTO w.t VALUES (2)", "COMMIT")
	if err := s.source.Kill(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.source.DataDir(), end.File)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut = end.Pos // GTID, annotation, table map, rows
	for event.Type(file[cut+4]) != event.TypeWriteRowsV1 {
		cut += uint64(binary.LittleEndian.Uint32(file[cut+9:]))
	}
	cut += uint64(binary.LittleEndian.Uint32(file[cut+9:])) - less
	if err := os.Truncate(path, int64(cut)); err != nil {
		t.Fatal(err)
	}
	if err := s.source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	return end, cut
}

// MariaDB leaves the beginning of a transaction in its log that it wrote when it was killed, and gives its GTID away
// again. The archive holds these bytes; no stop point leads into them.
func TestMariaDBTransactionCutOffByACrash(t *testing.T) {
	s := newMariaDBSite(t)
	first, cut := s.cutOff(t, 0)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (3)", "FLUSH BINARY LOGS", "INSERT INTO w.t VALUES (4)")
	second := s.untilIdle(t, nil)
	s.compareFiles(t, s.timeline(t))
	s.executedEqualsTheSources(t, second.End)
	entries := s.readAll(t)
	again := mustSet(t, first.GTIDSet)
	after := 0
	for _, e := range entries {
		if e.Start.Before(first.Position) {
			continue
		}
		if e.Start.File == first.File {
			t.Errorf("an entry at %s", e.Start)
		}
		if again.Contains(e.GTID) {
			t.Errorf("GTID %s at %s", e.GTID, e.Start)
		}
		after++
	}
	if after != 2 {
		t.Errorf("%d entries behind the crash", after)
	}
	s.mariadbStopPoints(t, entries, second.End)
	// The archive is read and written on from within what was cut off, too.
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (5)")
	s.untilIdle(t, nil)
	s.compareFiles(t, s.timeline(t))
	got, err := s.resolve(t, binlog.StopPoint{Kind: binlog.StopPosition, Position: binlog.Position{File: first.File, Pos: cut}})
	if err != nil || got.Position != first.Position {
		t.Errorf("the end of what was cut off resolved to %s: %v", got, err)
	}
}

// Behind an event of which a part is missing MariaDB sends nothing, to nobody: that is told, and once the file is
// gone the archive goes on behind a hole.
func TestMariaDBEventCutOffByACrash(t *testing.T) {
	s := newMariaDBSite(t)
	first, _ := s.cutOff(t, 5)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (3)")
	_, err := s.tryUntilIdle(t, nil)
	wantFault(t, err, fault.CodeFailed, fault.KindSource)
	if f := fault.Of(err); !strings.Contains(f.Error(), "ends inside the event") || !strings.Contains(f.Hint, "PURGE BINARY LOGS") {
		t.Errorf("%v, hint %q", f, f.Hint)
	}
	mysqltest.Purge(t, s.source, "binlog.000002")
	second := s.untilIdle(t, nil)
	if holes := s.holes(t); len(holes) != 1 || holes[0].From.File != first.File || holes[0].To.File != "binlog.000002" {
		t.Errorf("holes %+v", holes)
	}
	s.compareSome(t, second.End.File)
}
