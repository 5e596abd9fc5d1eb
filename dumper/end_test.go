package dumper

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestW1GrowingTableIsReadToItsEnd: a table that grows by more than a chunk behind each chunk is read up to
// what was its last row when the first one was stored; what comes later is behind the window's low, and so
// in the log.
func TestW1GrowingTableIsReadToItsEnd(t *testing.T) {
	const rows, grows, most = 100, 15, 60
	for _, engine := range []string{"InnoDB", "MyISAM"} {
		t.Run(engine, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.exec(append([]string{"CREATE DATABASE d", "SET default_storage_engine=" + engine}, fill("d.t", rows)...)...)
			var chunks atomic.Int64
			var later atomic.Pointer[string] // where the log ended when the first row came that was not read
			s.gate.before(func(_ context.Context, key string) {
				if !strings.Contains(key, "/d/t/") || chunks.Add(1) > most {
					return
				}
				n := int(chunks.Load())
				if n == 2 {
					end := s.logEnd()
					later.Store(&end)
				}
				var values []string
				for i := range grows {
					values = append(values, fmt.Sprintf("(%d, 'late')", rows+grows*n+i))
				}
				s.exec("INSERT INTO d.t VALUES " + strings.Join(values, ", "))
			})
			_, m := s.backUp(inChunks)
			base := baseOf(t, m, "d.t")
			var got uint64
			for _, c := range base.Chunks {
				got += c.Rows
				if c.T0.Before(base.Rows.Low) || base.Rows.High.Before(c.T1) {
					t.Errorf("chunk %s with window %s to %s in %s to %s", c.Key, c.T0, c.T1, base.Rows.Low, base.Rows.High)
				}
			}
			if got != rows+grows {
				t.Errorf("%d rows in %d chunks of a table that had %d when its first chunk was stored", got, len(base.Chunks), rows+grows)
			}
			first, last := base.Chunks[0], base.Chunks[len(base.Chunks)-1]
			if first.After != nil || last.UpTo != nil {
				t.Errorf("the chunks reach from %v to %v, and not over the whole table", first.After, last.UpTo)
			}
			end, err := binlog.ParsePosition(*later.Load())
			if err != nil {
				t.Fatal(err)
			}
			end.Timeline = last.T0.Timeline
			if end.Before(last.T0) || end.Before(base.Rows.Low) {
				t.Errorf("rows that were not read came behind %s, and the window begins at %s, that of the last chunk at %s", end, base.Rows.Low, last.T0)
			}
		})
	}
}
