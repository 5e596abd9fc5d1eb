package source_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// heldFor is how long group commit keeps a commit in the sync stage: the server's limit is 1 s.
const heldFor = 600 * time.Millisecond

const statusStatement = "SHOW BINARY LOG STATUS"

// held is a commit that stands in the log and is visible to nobody yet.
type held struct {
	conn   *server.RawConn // of the backup user, idle
	before binlog.Position // where the log ended before it
	moved  binlog.Position // where it ends with it
	gtids  binlog.GTIDSet  // gtid_executed before it
	done   chan error      // the end of the commit
	since  time.Time
}

// holdCommit lets a statement commit that is held back between the log's flush and the engine's
// commit, and returns as soon as the log has moved.
func holdCommit(t *testing.T, s *mysqltest.Server, srv *server.Server, statement string) *held {
	t.Helper()
	h := &held{conn: rawConn(t, srv), done: make(chan error, 1)}
	status := srv.Facts().BinlogStatus()
	if s.Install().Kind == mysqltest.MariaDB1011 {
		holdBySemiSync(t, s)
	} else {
		setGlobal(t, s, "binlog_group_commit_sync_no_delay_count", "0")
		setGlobal(t, s, "binlog_group_commit_sync_delay", "600000")
		h.gtids = gtidSet(t, rows(t, h.conn, "SELECT @@global.gtid_executed")[0][0])
	}
	h.before = filePos(t, rows(t, h.conn, status)[0])
	writer := session(t, s, "a")
	h.since = time.Now()
	go func() {
		// Not the context of the test: the commit ends by itself, and its end is waited for.
		_, err := writer.ExecContext(context.WithoutCancel(t.Context()), statement)
		h.done <- err
	}()
	t.Cleanup(func() { h.wait(t) })
	mysqltest.Eventually(t, func() bool {
		h.moved = filePos(t, rows(t, h.conn, status)[0])
		return h.moved != h.before
	}, "the log to hold a commit")
	return h
}

// holdBySemiSync has the next commit wait, between the log and the engine, for a replica that there is
// not: once, since the server gives up then.
func holdBySemiSync(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	setGlobal(t, s, "rpl_semi_sync_master_wait_point", "'AFTER_SYNC'")
	setGlobal(t, s, "rpl_semi_sync_master_timeout", fmt.Sprint(heldFor.Milliseconds()))
	setGlobal(t, s, "rpl_semi_sync_master_enabled", "1")
}

// wait waits for the end of the commit.
func (h *held) wait(t *testing.T) {
	t.Helper()
	if h.done == nil {
		return
	}
	if err := <-h.done; err != nil {
		t.Errorf("the held commit failed: %v", err)
	}
	h.done = nil
}

// ended tells whether the commit has returned to its client.
func (h *held) ended() bool { return len(h.done) > 0 }

// isVisible looks with a read view of its own.
func (h *held) isVisible(t *testing.T) bool {
	t.Helper()
	return rows(t, h.conn, "SELECT COUNT(*) FROM a.t WHERE v = 1")[0][0] != "0"
}

// heldSource is a source with a table a.t of three rows (id, v=0).
func heldSource(t *testing.T, gtid bool, extra ...string) (*mysqltest.Server, *server.Server) {
	t.Helper()
	return heldSourceOn(t, mysqltest.Options{GTID: gtid}, extra...)
}

func heldSourceOn(t *testing.T, o mysqltest.Options, extra ...string) (*mysqltest.Server, *server.Server) {
	t.Helper()
	s := mysqltest.Take(t, o)
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY, v INT NOT NULL, w INT, KEY (v))",
		"INSERT INTO a.t VALUES (1,0,0),(2,0,0),(3,0,0)")
	return s, asBackupUser(t, s, extra...)
}

const heldInsert = "INSERT INTO t VALUES (100, 1, 1)"

// Fact 1.1: file:pos read before a snapshot runs ahead of what the snapshot shows.
func TestFact1_1_FilePosRunsAheadOfVisibility(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(gtidName(gtid), func(t *testing.T) {
			s, srv := heldSource(t, gtid)
			h := holdCommit(t, s, srv, heldInsert)
			if h.isVisible(t) {
				t.Fatal("the row is visible as soon as the log holds it: the fact that forbids file:pos as low mark did not show")
			}
			h.wait(t)
			if !h.isVisible(t) {
				t.Fatal("the row is not visible after its commit")
			}
		})
	}
}

// Facts 1.3 and 1.4 in the window of a held commit: gtid_executed stays behind visibility.
func TestFact1_3_GTIDExecutedWaitsForVisibility(t *testing.T) {
	s, srv := heldSource(t, true)
	h := holdCommit(t, s, srv, heldInsert)
	looks := 0
	for visible := false; !visible; looks++ {
		set := gtidSet(t, rows(t, h.conn, "SELECT @@global.gtid_executed")[0][0])
		visible = h.isVisible(t)
		if !visible && !set.Equal(h.gtids) {
			t.Fatalf("gtid_executed moved from %s to %s before the row was visible", h.gtids, set)
		}
	}
	if looks < 10 {
		t.Fatalf("only %d looks at a commit that was held for %v", looks, heldFor)
	}
}

// Fact 1.8: log_status waits for the commits in flight.
func TestFact1_8_LogStatusWaitsForCommitsInFlight(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(gtidName(gtid), func(t *testing.T) {
			s, srv := heldSource(t, gtid, "BACKUP_ADMIN")
			h := holdCommit(t, s, srv, heldInsert)
			status, err := source.ReadLogStatus(t.Context(), h.conn, timeline)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(h.since); took < heldFor {
				t.Errorf("log_status answered %v after the commit began, which is held for %v", took, heldFor)
			}
			if !h.isVisible(t) {
				t.Error("log_status answered before the row was visible")
			}
			if status.Position != h.moved || status.ServerUUID != srv.Facts().ServerUUID {
				t.Errorf("log_status says %s of %s, the log ends at %s", status.Position, status.ServerUUID, h.moved)
			}
			if gtid && status.GTIDs.Equal(h.gtids) {
				t.Errorf("log_status says %s, as before the commit", status.GTIDs)
			}
		})
	}
}

// Fact 1.9: rotation waits until every prepared transaction of the old file is committed.
func TestFact1_9_RotationWaitsForCommitsInFlight(t *testing.T) {
	s, srv := heldSource(t, false)
	h := holdCommit(t, s, srv, heldInsert)
	mysqltest.Exec(t, s, "FLUSH BINARY LOGS")
	if took := time.Since(h.since); took < heldFor {
		t.Errorf("rotation ended %v after the commit began, which is held for %v", took, heldFor)
	}
	if !h.isVisible(t) {
		t.Error("a new file began before the row of the old one was visible")
	}
}

// Fact 15.2: the row barrier waits for the row that a commit in flight holds, and for an update
// of a column that no index covers.
func TestFact15_2_RowBarrierWaitsForCommitsInFlight(t *testing.T) {
	for name, statement := range map[string]string{
		"insert": heldInsert,
		"update": "UPDATE t SET v=1 WHERE id=2",
		// Only a column outside of every index changes: a look that walks the index on v passes it.
		"unindexed": "UPDATE t SET w=7 WHERE id=2",
		// The same with what SELECT * does not show: an index covers all the rest.
		"invisible": "UPDATE t SET x=7 WHERE id=2",
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MariaDB1011} {
				t.Run(kind.String(), func(t *testing.T) { barrierWaits(t, kind, statement) })
			}
		})
	}
}

func barrierWaits(t *testing.T, kind mysqltest.Kind, statement string) {
	t.Helper()
	s, srv := heldSourceOn(t, mysqltest.Options{Kind: kind})
	mysqltest.Exec(t, s, "ALTER TABLE a.t ADD COLUMN x INT INVISIBLE DEFAULT 0, ADD KEY (w,v)")
	if statement == heldInsert {
		statement = "INSERT INTO t (id,v,w) VALUES (100, 1, 1)"
	}
	h := holdCommit(t, s, srv, statement)
	low, err := source.RowBarrier(t.Context(), srv, h.conn, schema.Name{Schema: "a", Name: "t"}, timeline)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(h.since); took < heldFor {
		t.Errorf("the barrier ended %v after the commit began, which is held for %v", took, heldFor)
	}
	if low != h.moved {
		t.Errorf("the low mark is %s, the log ended at %s", low, h.moved)
	}
	if n := rows(t, h.conn, "SELECT COUNT(*) FROM a.t WHERE v=1 OR w=7 OR x=7")[0][0]; n != "1" {
		t.Errorf("%s changed rows are visible behind the barrier", n)
	}
}

// Fact 15.2, the other half: a look that a covering index answers passes an update in flight.
func TestFact15_2_ACoveringIndexPassesUpdatesInFlight(t *testing.T) {
	s, srv := heldSource(t, false)
	h := holdCommit(t, s, srv, "UPDATE t SET w=7 WHERE id=2")
	batch(t, h.conn, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SELECT 1 FROM a.t WHERE RAND()<0 FOR SHARE")
	if h.ended() || rows(t, h.conn, "SELECT w FROM a.t WHERE id=2")[0][0] == "7" {
		t.Fatal("SELECT 1 waited as well: the fact that demands SELECT * did not show")
	}
}

// A row barrier holds nobody up, and gives up on a row that stays locked.
func TestFact15_2_RowBarrierGivesUpOnAnOpenTransaction(t *testing.T) {
	s, srv := heldSource(t, false)
	writer := session(t, s, "a")
	if _, err := writer.ExecContext(t.Context(), "BEGIN; UPDATE t SET v=5 WHERE id=1"); err != nil {
		t.Fatal(err)
	}
	c := rawConn(t, srv)
	_, err := source.RowBarrier(t.Context(), srv, c, schema.Name{Schema: "a", Name: "t"}, timeline)
	if !isRowLocked(err) {
		t.Fatalf("got %v", err)
	}
	if _, err := writer.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if _, err := source.RowBarrier(t.Context(), srv, c, schema.Name{Schema: "a", Name: "t"}, timeline); err != nil {
		t.Fatalf("the same connection, the row free: %v", err)
	}
	open := rows(t, c, "SELECT COUNT(*) FROM information_schema.processlist WHERE command <> 'Sleep' AND id <> CONNECTION_ID()")
	if open[0][0] != "0" {
		t.Fatalf("%s statements of ours are still running", open[0][0])
	}
}

// Fact 12.2: an insert into a MyISAM table beside readers is logged, and unseen until it lets the
// table's lock go; the table barrier waits for that, and holds nobody up.
func TestFact12_2_TableBarrierWaitsForInsertsBesideReaders(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) { tableBarrierWaits(t, kind) })
	}
}

func tableBarrierWaits(t *testing.T, kind mysqltest.Kind) {
	t.Helper()
	s, srv := heldSourceOn(t, mysqltest.Options{Kind: kind, GTID: true})
	mysqltest.Exec(t, s, "ALTER TABLE a.t ENGINE=MyISAM", "CREATE TABLE a.c (id INT NOT NULL) ENGINE=CSV", "CREATE TABLE a.m (id INT PRIMARY KEY) ENGINE=MEMORY")
	h := holdCommit(t, s, srv, heldInsert)
	if h.isVisible(t) {
		t.Fatal("the row is visible as soon as the log holds it")
	}
	barrier := func(table string) (binlog.Position, bool) {
		t.Helper()
		at, ok, err := source.TableBarrier(t.Context(), srv, h.conn, schema.Name{Schema: "a", Name: table}, timeline)
		if err != nil {
			t.Fatal(err)
		}
		return at, ok
	}
	at, ok := barrier("t")
	if !ok || at.Before(h.moved) || !h.isVisible(t) {
		t.Errorf("the barrier returned %s (%v), the log had come to %s; visible: %v", at, ok, h.moved, h.isVisible(t))
	}
	for _, other := range []string{"c", "m"} {
		if _, ok := barrier(other); !ok {
			t.Errorf("%s is not there", other)
		}
	}
	if _, ok := barrier("gone"); ok {
		t.Error("a table that is not there")
	}
	if got := rows(t, rawConn(t, srv), srv.Facts().BinlogStatus())[0]; filePos(t, got).Pos < at.Pos {
		t.Errorf("the log ends at %v", got)
	}
	// Somebody who keeps the table to himself: the barrier does not wait for ever.
	keeper := session(t, s, "a")
	if _, err := keeper.ExecContext(t.Context(), "LOCK TABLES t WRITE"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := source.TableBarrier(t.Context(), srv, h.conn, schema.Name{Schema: "a", Name: "t"}, timeline); !errors.Is(err, source.ErrTableLocked) {
		t.Errorf("error %v behind LOCK TABLES", err)
	}
}
