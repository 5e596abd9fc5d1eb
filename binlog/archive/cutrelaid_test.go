package archive_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// A reader that leaves out an entry without an end goes on where that begins, also if the entry has got its end meanwhile and
// compaction has taken the segments away that the reader knew: a segment that ends inside an entry begins with it.
func TestAnEntryGetsItsEndWhileItIsLeftOut(t *testing.T) {
	s := newSite(t, mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true}))
	mysqltest.Exec(t, s.source, "CREATE DATABASE w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGTEXT)")
	s.untilIdle(t, nil)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t (b) VALUES ('small')", "BEGIN; INSERT INTO w.t (b) VALUES "+strings.Repeat("(REPEAT(UUID(), 1000)),", 20)+"('last'); COMMIT",
		"FLUSH BINARY LOGS", "INSERT INTO w.t (b) VALUES ('behind')")
	s.untilIdle(t, func(c *archive.Config) { c.Flush = time.Minute }) // segments are cut by their size alone
	whole := s.readAll(t)
	large := whole[len(whole)-2]
	keys := s.segmentKeys(t)
	var inside []string // segments of nothing but a piece of the large entry, and what comes behind them in the file
	refs, err := s.catalog().Segments(t.Context(), instance, large.Start.Timeline, large.Start.File, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if ref.Start > large.Start.Pos {
			inside = append(inside, ref.Key)
		}
	}
	if len(inside) < 4 {
		t.Fatalf("the entry lies in %d segments of %d", len(inside), len(keys))
	}
	tail := map[string][]byte{}
	for _, key := range inside[2:] {
		tail[key] = s.take(t, key)
	}
	asm := event.NewAssembler(large.Start.Timeline)
	entries, begun := 0, false
	for e, err := range s.reader().Events(t.Context(), s.line(t)[0].From.Position, archive.WholeEntries()) {
		if err != nil {
			t.Fatal(err)
		}
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if entry != nil {
			entries++
		}
		if e.End() == large.Start && !begun {
			begun = true
			for key, b := range tail {
				s.put(t, key, b)
			}
			s.compact(t, 0)
			s.compact(t, anHour)
			s.checkCompact(t, large.Start.File)
		}
	}
	if !begun || entries != len(whole) {
		t.Errorf("%d entries were read, want %d", entries, len(whole))
	}
}
