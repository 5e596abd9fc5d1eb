package source_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// received notes how far a stream has come.
type received struct {
	pos atomic.Pointer[binlog.Position]
}

func (r *received) Entry(binlog.Position, binlog.GTID) {}
func (r *received) Event([]byte)                       {}
func (r *received) Passed(pos binlog.Position)         { r.pos.Store(&pos) }

func (r *received) has(pos binlog.Position) bool {
	p := r.pos.Load()
	return p != nil && pos.AtOrBefore(*p)
}

// Facts 1.6 and 1.7: what the stream has delivered may be invisible; with sync_binlog=1 it comes
// after the sync only, with sync_binlog=0 at once, before it is durable.
func TestFact1_6_ReceivedIsNotVisible(t *testing.T) {
	for _, syncBinlog := range []string{"0", "1"} {
		t.Run("sync_binlog="+syncBinlog, func(t *testing.T) {
			s, srv := heldSource(t, true)
			setGlobal(t, s, "sync_binlog", syncBinlog)
			stream := &received{}
			feed(t, s, firstFile(t, s), stream)
			h := holdCommit(t, s, srv, heldInsert)
			mysqltest.Eventually(t, func() bool { return stream.has(h.moved) }, "the stream to deliver the commit")
			delivered := time.Since(h.since)
			if syncBinlog == "0" {
				if h.isVisible(t) {
					t.Error("the row was visible when the stream had delivered it: the fact that forbids that mark did not show")
				}
				if delivered > heldFor/2 {
					t.Errorf("delivered after %v", delivered)
				}
			} else if delivered < heldFor {
				t.Errorf("delivered after %v, before the sync at %v", delivered, heldFor)
			}
			h.wait(t)
		})
	}
}

// Facts 1.12 and 9.2: a prepared XA transaction is in the log, in gtid_executed, waited for by
// neither log_status nor rotation, and visible to nobody.
func TestFact1_12_PreparedXAIsInEveryMarkAndInvisible(t *testing.T) {
	s, srv := heldSource(t, true, "BACKUP_ADMIN", "XA_RECOVER_ADMIN")
	c := rawConn(t, srv)
	before := gtidSet(t, rows(t, c, "SELECT @@global.gtid_executed")[0][0])
	end := filePos(t, rows(t, c, statusStatement)[0])
	mysqltest.Exec(t, s, "XA START 'x'; INSERT INTO a.t VALUES (100,1,1); XA END 'x'; XA PREPARE 'x'")
	set := gtidSet(t, rows(t, c, "SELECT @@global.gtid_executed")[0][0])
	status, err := source.ReadLogStatus(t.Context(), c, timeline)
	if err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "FLUSH BINARY LOGS")
	rotated := filePos(t, rows(t, c, statusStatement)[0])
	if set.Equal(before) || !end.Before(status.Position) || rotated.File == end.File {
		t.Errorf("gtid_executed %s then %s, log_status %s behind %s, rotated to %s", before, set, status.Position, end, rotated)
	}
	const look = "SELECT COUNT(*) FROM a.t WHERE v=1"
	if n := rows(t, c, look)[0][0]; n != "0" {
		t.Errorf("%s rows of a prepared transaction are visible", n)
	}
	if open, err := source.OpenXA(t.Context(), srv); err != nil || len(open) != 1 || open[0] != "X'78',X'',1" {
		t.Errorf("open XA %q, %v", open, err)
	}
	mysqltest.Exec(t, s, "XA COMMIT X'78',X'',1")
	if n := rows(t, c, look)[0][0]; n != "1" {
		t.Errorf("%s rows are visible after XA COMMIT", n)
	}
}

// Fact 1.13: a semi-synchronous source holds commits between log and engine for as long as no
// replica answers.
func TestFact1_13_SemiSyncHoldsCommitsBack(t *testing.T) {
	s, srv := heldSource(t, true, "BACKUP_ADMIN")
	mysqltest.Exec(t, s, "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'",
		"SET GLOBAL rpl_semi_sync_source_timeout=700", "SET GLOBAL rpl_semi_sync_source_enabled=ON")
	c := rawConn(t, srv)
	end := filePos(t, rows(t, c, statusStatement)[0])
	set := gtidSet(t, rows(t, c, "SELECT @@global.gtid_executed")[0][0])
	writer := session(t, s, "a")
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := writer.ExecContext(t.Context(), heldInsert)
		done <- err
	}()
	mysqltest.Eventually(t, func() bool { return filePos(t, rows(t, c, statusStatement)[0]) != end }, "the log to hold a commit")
	now := gtidSet(t, rows(t, c, "SELECT @@global.gtid_executed")[0][0])
	if n := rows(t, c, "SELECT COUNT(*) FROM a.t WHERE v=1")[0][0]; n != "0" || !now.Equal(set) {
		t.Errorf("%s rows visible while the source waits for a replica, gtid_executed %s", n, now)
	}
	if _, err := source.ReadLogStatus(t.Context(), c, timeline); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 600*time.Millisecond {
		t.Errorf("log_status answered after %v", took)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "UNINSTALL PLUGIN rpl_semi_sync_source")
}

// Fact 1.14: under READ COMMITTED a consistent snapshot is none; our sessions are REPEATABLE READ
// whatever the server's global says.
func TestFact1_14_ReadCommittedHasNoSnapshot(t *testing.T) {
	s, srv := heldSource(t, true)
	setGlobal(t, s, "transaction_isolation", "'READ-COMMITTED'")
	ours, plain := rawConn(t, srv), session(t, s, "a")
	batch(t, ours, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
	if _, err := plain.ExecContext(t.Context(), "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, "INSERT INTO a.t VALUES (100,1,1)")
	var n int
	if err := plain.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t WHERE v=1").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Error("READ COMMITTED kept the snapshot: the fact did not show")
	}
	if seen := rows(t, ours, "SELECT COUNT(*) FROM a.t WHERE v=1")[0][0]; seen != "0" {
		t.Error("our snapshot shows what was committed after it")
	}
}

// Fact 15.6: one reading of log_status is no snapshot's position; two that are equal are.
func TestFact15_6_ExactSnapshotIsExact(t *testing.T) {
	h := newHammer(t, true)
	h.inFlight = map[int64]bool{}
	c := rawConn(t, h.srv)
	type opened struct {
		at      binlog.Position
		visible map[string]bool
	}
	var exact []opened
	tries := 0
	h.underLoad(t, func() {
		for (len(exact) < 20 || len(exact) == tries) && tries < 4000 {
			tries++
			at, ok, err := source.OpenExactSnapshot(t.Context(), c, timeline)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				continue
			}
			o := opened{at: at, visible: map[string]bool{}}
			for _, row := range batch(t, c, "SELECT id FROM a.h; COMMIT")[0] {
				o.visible[row[0]] = true
			}
			exact = append(exact, o)
		}
	})
	t.Logf("%d of %d snapshots under load were exact", len(exact), tries)
	if len(exact) == tries {
		t.Error("every snapshot was exact: the load did not show the fact")
	}
	if len(exact) < 5 {
		t.Errorf("only %d of %d snapshots were exact", len(exact), tries)
	}
	log := locate(t, h.server)
	for _, o := range exact {
		for id, l := range log {
			if o.visible[fmt.Sprint(id)] != l.end.AtOrBefore(o.at) {
				t.Fatalf("commit %d ends at %s, the exact snapshot is at %s and shows it: %v", id, l.end, o.at, o.visible[fmt.Sprint(id)])
			}
		}
	}
}
