package dumper

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
)

// prepareXA prepares a transaction that inserts a row.
func (s *site) prepareXA(id, statement string) {
	s.t.Helper()
	s.exec("XA START '"+id+"'", statement, "XA END '"+id+"'", "XA PREPARE '"+id+"'")
}

// TestXAPreparedLongAgo: a transaction whose prepare lies before the backup's log may touch any
// table when it commits; what is read behind the commit holds it.
func TestXAPreparedLongAgo(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.prepareXA("old", "INSERT INTO d.t VALUES (1000, 'prepared')")
	s.exec("FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (999, 'other')")
	s.atChunk("d.t", 2, func() { s.exec("XA COMMIT 'old'") })
	_, m := s.backUp(inChunks)
	s.checkAgain(m, "XA COMMIT")
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

// TestW4XAPreparedInAnOlderFile: where an archiver has seen the prepare, the commit is one of known
// rows, and the manifest names it though the backup's own log begins behind it.
func TestW4XAPreparedInAnOlderFile(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.k (id INT)", "CREATE TABLE d.other (id INT)"}, fill("d.t", 35)...)...)
	s.prepareXA("early", "INSERT INTO d.k VALUES (1)")
	s.prepareXA("open", "INSERT INTO d.t VALUES (1000, 'prepared')")
	s.exec("FLUSH BINARY LOGS")
	if _, err := archive.Run(t.Context(), archive.Config{Server: s.srv, Catalog: s.catalog, Instance: instanceName, SpoolDir: t.TempDir(), UntilIdle: true, FromOldest: true}); err != nil {
		t.Fatal(err)
	}
	s.atChunk("d.t", 2, func() { s.exec("XA COMMIT 'early'") })
	r, m := s.backUp(inChunks, func(c *Config) { c.Threads = 1 })
	if len(m.OpenXA) != 2 || strings.Contains(fmt.Sprint(m.Warnings), "before the archive begins and") {
		t.Errorf("open %+v, warnings %q", m.OpenXA, m.Warnings)
	}
	for _, table := range r.Tables {
		if table.Name == "other" && len(table.ReadAgain) != 0 {
			t.Errorf("d.other was read again: %+v", table.ReadAgain)
		}
	}
	intent, err := s.catalog.Intent(t.Context(), instanceName, m.ID)
	if err != nil || intent.OldestPrepare != m.OpenXA[0].Prepare {
		t.Errorf("the intent pins %s (%v), the first is %s", intent.OldestPrepare, err, m.OpenXA[0].Prepare)
	}
	s.exec("XA ROLLBACK 'open'")
}

// TestR5StatementsOfXACountAtTheCommit: one in statement format is in no row event, and in no window
// before the XA transaction is committed.
func TestR5StatementsOfXACountAtTheCommit(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec("SET SESSION binlog_format=STATEMENT", "USE d", "XA START 's'", "UPDATE t SET v='statement' WHERE id=3", "XA END 's'", "XA PREPARE 's'")
	s.atChunk("d.t", 2, func() { s.exec("XA COMMIT 's'") })
	_, m := s.backUp(inChunks)
	s.checkAgain(m, "UPDATE t")
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

// TestXAPreparedBeforeTheArchive: one that is open, and of which nobody has the prepare, is waited for;
// in the end the backup names it.
func TestXAPreparedBeforeTheArchive(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 5)...)...)
	s.prepareXA("left", "INSERT INTO d.t VALUES (1000, 'prepared')")
	s.prepareXA("soon", "INSERT INTO d.t VALUES (1001, 'prepared')")
	s.exec("FLUSH BINARY LOGS")
	s.exec("GRANT XA_RECOVER_ADMIN ON *.* TO '" + mysqltest.BackupUser.Name + "'@'%'")
	phases, made := progress.NewBoard(time.Now), make(chan *catalog.Manifest)
	go func() {
		defer close(made)
		r, err := s.tryBackUp(t.Context(), func(c *Config) { c.Wait, c.Progress = 5*time.Second, phases })
		if err != nil {
			t.Error(err)
			return
		}
		m, err := s.catalog.Manifest(t.Context(), instanceName, r.BackupID)
		if err != nil {
			t.Error(err)
		}
		made <- m
	}()
	waits := func(p progress.Snapshot) bool { return strings.Contains(p.Waiting, "736f6f6e") }
	mysqltest.Eventually(t, func() bool { return slices.ContainsFunc(phases.Snapshot(), waits) }, "the backup waits for the XA transaction")
	s.exec("XA COMMIT 'soon'")
	m := <-made
	if m == nil {
		t.FailNow()
	}
	if last := m.Warnings[len(m.Warnings)-1]; !strings.Contains(last, "1 XA transactions were prepared before the archive begins") || !strings.Contains(last, "X'6c656674'") || len(m.OpenXA) != 0 {
		t.Errorf("warnings %q, open %+v", m.Warnings, m.OpenXA)
	}
	if n := baseOf(t, m, "d.t"); n.RowCount != 6 {
		t.Errorf("%d rows, read again %+v", n.RowCount, n.ReadAgain)
	}
	s.exec("XA ROLLBACK 'left'")
}

// TestXAThatTheSourceDoesNotLog: before 5.7.7 a prepared transaction is not in the log, and its commit is an
// ordinary transaction there: nobody waits for it.
func TestXAThatTheSourceDoesNotLog(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MySQL56, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 5)...)...)
	conn, err := s.source.Root().Conn(t.Context()) // whoever leaves takes the transaction along
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, statement := range []string{"XA START 'open'", "INSERT INTO d.t VALUES (1000, 'prepared')", "XA END 'open'", "XA PREPARE 'open'"} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	_, m := s.backUp(func(c *Config) { c.Wait = 5 * time.Second })
	if strings.Contains(fmt.Sprint(m.Warnings), "before the archive begins and") {
		t.Errorf("warnings %q", m.Warnings)
	}
	if _, err := conn.ExecContext(t.Context(), "XA COMMIT 'open'"); err != nil {
		t.Fatal(err)
	}
}

// TestStrangersDoNotWaitForeverForTheArchive: an archive that stands still in front of the backup's floor is a wait
// with a bound, too.
func TestStrangersDoNotWaitForeverForTheArchive(t *testing.T) {
	bucket, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	}()
	b := &backup{
		cfg:   Config{Catalog: catalog.New(bucket), Instance: instanceName, Wait: 1500 * time.Millisecond, Log: slog.New(slog.DiscardHandler)},
		watch: &watch{strangers: map[string]bool{"X'61',X'',1": true}}, wanted: archive.NewWanted(),
	}
	floor := binlog.Position{Timeline: "t", File: "binlog.000007", Pos: 4}
	b.board = newBoard(b.cfg.Wait, &b.lag, bases.New(bases.Config{First: bases.Mark{High: floor, Low: func() (binlog.Position, bool) { return floor, true }}}))
	s := b.strangers()
	mysqltest.Eventually(t, func() bool {
		waiting, wrong := s.wait(t.Context())
		if err = wrong; err == nil && waiting == "" {
			t.Fatalf("the wait is over, warnings %q", b.warnings)
		}
		return err != nil
	}, "the wait ends")
	if f := fault.Of(err); f.Kind != fault.KindTimeout || !strings.Contains(err.Error(), "the archive does not reach the backup's floor") {
		t.Error(err)
	}
}

// TestXAOpenAtFloor: the manifest says where the prepare of an open transaction lies, and the
// archive covers it (W4).
//
// Without GTIDs floor is the start of a file, and the log is followed from an older one, because XA
// transactions were committed in it; the floor of a killed run is known before the stream comes there.
func TestXAOpenAtFloor(t *testing.T) {
	for _, c := range []struct{ gtid, killed bool }{{true, false}, {true, true}, {false, false}, {false, true}} {
		t.Run(fmt.Sprintf("gtid=%v,killed=%v", c.gtid, c.killed), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: c.gtid, Relaxed: true})
			s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
			if !c.gtid {
				// Not in d.t: its reader would wait for the open one (row barrier).
				s.exec(fill("d.w", 5)...)
				s.prepareXA("warm", "INSERT INTO d.w VALUES (34000, 'committed')")
				s.exec("XA COMMIT 'warm'")
			}
			s.prepareXA("open", "INSERT INTO d.t VALUES (1000, 'prepared')")
			s.prepareXA("over", "INSERT INTO d.t VALUES (1001, 'rolled back')")
			s.exec("XA ROLLBACK 'over'")
			if !c.gtid {
				s.exec("FLUSH BINARY LOGS")
			}
			executed := answer(t, s.source.Root(), "SELECT REPLACE(@@global.gtid_executed, '\n', '')")
			if c.killed {
				s.killedAt("d.t", 2)
			}
			r, m := s.backUp(inChunks)
			if len(m.OpenXA) != 1 || !strings.HasPrefix(m.OpenXA[0].XID, "X'6f70656e'") || !m.OpenXA[0].Prepare.Before(m.Floor.Position) {
				t.Errorf("open at floor %s: %+v", m.Floor, m.OpenXA)
			}
			if m.Floor.GTIDSet != executed || m.Floor.Time == 0 {
				t.Errorf("floor %+v, executed were %s", m.Floor, executed)
			}
			if n := baseOf(t, m, "d.t"); n.RowCount != 35 {
				t.Errorf("%d rows, read again %+v", n.RowCount, n.ReadAgain)
			}
			if c.killed != (r.Adopted.Chunks > 0) {
				t.Errorf("adopted %+v", r.Adopted)
			}
			s.exec("XA COMMIT 'open'")
		})
	}
}

// TestR5PartialImagesOfASession: any session may log images that lack columns. A table of whose window
// one changes a key is read again; others have a class of their own.
func TestR5PartialImagesOfASession(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec(append([]string{"CREATE DATABASE e"}, fill("e.k", 35)...)...)
	s.exec("ALTER TABLE d.t ADD COLUMN w INT", "ALTER TABLE e.k ADD COLUMN w INT")
	s.atChunk("d.t", 2, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "UPDATE d.t SET id=id+1000 WHERE id<20") })
	_, m := s.backUp(inChunks)
	n := baseOf(t, m, "d.t")
	if len(n.ReadAgain) == 0 || !strings.Contains(n.ReadAgain[0].Reason, "partial") {
		t.Errorf("read again because of %+v", n.ReadAgain)
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
	s.atChunk("e.k", 2, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "UPDATE e.k SET w=7 WHERE id<20") })
	_, m = s.backUp(inChunks)
	if n := baseOf(t, m, "e.k"); len(n.ReadAgain) != 0 || n.Class != string(schema.PartialImage) {
		t.Errorf("e.k is of class %q, read again because of %+v", n.Class, n.ReadAgain)
	}
	// Its images hold the primary key, and not the column by which rows are told apart.
	s.exec("CREATE TABLE e.prefix (b VARCHAR(9) NOT NULL, id INT NOT NULL UNIQUE, w INT, PRIMARY KEY (b(5)))", "INSERT INTO e.prefix SELECT CONCAT('b', id), id, 1 FROM e.k")
	s.atChunk("e.prefix", 2, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "UPDATE e.prefix SET w=7 WHERE id<20") })
	_, m = s.backUp(inChunks)
	if n := baseOf(t, m, "e.prefix"); len(n.ReadAgain) == 0 || n.PartialImages {
		t.Errorf("e.prefix is %+v", n)
	}
}

// TestCompressedTransactionsAndRotations: what the watch sees does not depend on how the log is
// written.
func TestCompressedTransactionsAndRotations(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true, ExtraArgs: []string{"--binlog-transaction-compression=ON", "--binlog-checksum=NONE"}})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec("CREATE TABLE d.k (a INT)")
	s.atChunk("d.t", 2, func() {
		s.exec("FLUSH BINARY LOGS", "CREATE TABLE d.c SELECT * FROM d.t", "INSERT INTO d.k VALUES (1)", "FLUSH BINARY LOGS", "ALTER TABLE d.t ADD COLUMN w INT")
	})
	_, m := s.backUp(inChunks)
	s.checkAgain(m, "ADD COLUMN")
	if m.Floor.File == m.End.File {
		t.Errorf("floor %s, end %s: no rotation lies between them", m.Floor, m.End)
	}
}

// TestW1XACommitInFlight: without GTIDs the backup's log begins with a file whose rotation did not
// wait for an XA COMMIT in the file before: for a second, while its commit group collects members,
// it is in the log and its row is visible to nobody. The row must not be lost.
func TestW1XACommitInFlight(t *testing.T) {
	for _, table := range []string{"d.t", "d.keyless"} {
		t.Run(table, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{})
			s.exec(append([]string{"CREATE DATABASE d", "CREATE TABLE d.keyless (id INT, v VARCHAR(20))"}, fill("d.t", 35)...)...)
			s.prepareXA("late", "INSERT INTO "+table+" VALUES (1000, 'prepared')")
			s.exec("SET GLOBAL binlog_group_commit_sync_delay=1000000")
			logged, committed := s.logEnd(), make(chan struct{})
			go func() {
				defer close(committed)
				s.exec("XA COMMIT 'late'")
			}()
			for s.logEnd() == logged {
			}
			s.exec("FLUSH BINARY LOGS", "SET GLOBAL binlog_group_commit_sync_delay=0")
			_, m := s.backUp()
			<-committed
			if n := baseOf(t, m, table); len(n.ReadAgain) == 0 || n.ReadAgain[0].Reason != bases.ReasonXA {
				t.Errorf("read again: %+v", n.ReadAgain)
			}
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d")
		})
	}
}

// logEnd is file:pos of the source.
func (s *site) logEnd() string {
	s.t.Helper()
	var file, pos, a, b, c string
	if err := s.source.Root().QueryRowContext(s.t.Context(), "SHOW BINARY LOG STATUS").Scan(&file, &pos, &a, &b, &c); err != nil {
		s.t.Fatal(err)
	}
	return file + ":" + pos
}
