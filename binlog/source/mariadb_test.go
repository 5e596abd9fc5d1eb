package source_test

import (
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// mariadbTick is short: on MariaDB nothing keeps all commits between the log and the engine for longer
// than a sync, and a mark that was sampled long before a read is always good.
const mariadbTick = time.Millisecond

// TestW1_W2_MariaDBReadsLieBetweenTheirTicks: the clock's binlog checkpoints, those that the stream brings
// too, against reads while 16 sessions commit on files of 4 KiB.
func TestW1_W2_MariaDBReadsLieBetweenTheirTicks(t *testing.T) {
	reads, log, resolver := newHammerOn(t, mysqltest.MariaDB1011, false).reads(t, mariadbTick, *samplesElsewhere)
	w1, w2 := violations(t, reads, log, resolver)
	if w1 > 0 || w2 > 0 {
		t.Errorf("of %d reads %d broke W1 and %d broke W2", len(reads), w1, w2)
	}
	// Marks that never move would keep both invariants too.
	lows, highs := map[binlog.Position]bool{}, map[binlog.Position]bool{}
	for _, r := range reads {
		low, _ := resolver.Low(r.t0)
		if low.Pos != binlog.FirstOffset || r.t0.Mark != source.MarkCheckpoint {
			t.Fatalf("the low of %s is %s", r.t0, low)
		}
		lows[low], highs[r.t1.High] = true, true
	}
	if len(lows) < 3 || len(highs) < len(reads)/4 {
		t.Errorf("of %d reads there are only %d different lows and %d highs", len(reads), len(lows), len(highs))
	}
}

// For the mutation table: with file:pos as low mark the test above fails.
func TestW1_MariaDBMutationIsCaught(t *testing.T) {
	mysqltest.Failpoint(t, "binlog/source/w1-off", "return(true)")
	for count := 0; count < samplesMost; {
		reads, log, resolver := newHammerOn(t, mysqltest.MariaDB1011, false).reads(t, mariadbTick, *samplesElsewhere)
		if w1, _ := violations(t, reads, log, resolver); w1 > 0 {
			return
		}
		count += len(reads)
	}
	t.Errorf("file:pos as low watermark was not caught in %d reads", samplesMost)
}

// Facts 1.1, 1.5 and 1.10 while one commit is held: file:pos and the GTID positions are ahead of what is
// visible, the clock's low is not, and neither is it behind another file.
func TestFact1_10_MariaDBMarksAroundAHeldCommit(t *testing.T) {
	s, srv := heldSourceOn(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	c := startClock(t, srv)
	look := rawConn(t, srv)
	binlogPos := rows(t, look, "SELECT @@global.gtid_binlog_pos")[0][0]
	h := holdCommit(t, s, srv, heldInsert)
	tick, err := c.AfterNow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	moved := rows(t, look, "SELECT @@global.gtid_binlog_pos")[0][0]
	if h.isVisible(t) || h.ended() {
		t.Fatal("the commit is over: the facts that forbid file:pos and gtid_binlog_pos did not show")
	}
	if moved == binlogPos {
		t.Errorf("gtid_binlog_pos stayed at %s", moved)
	}
	if low := tick.LowPosition; !low.Before(h.before) || tick.High != h.moved || tick.ServerUUID != srv.Facts().ServerUUID {
		t.Errorf("%s, while the log has come from %s to %s", tick, h.before, h.moved)
	}
	h.wait(t)
}
