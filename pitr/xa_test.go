package pitr

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// prepared is an XA transaction that is prepared on one connection.
func prepared(id string, statements ...string) []string {
	list := append([]string{"USE d", "XA START " + id}, statements...)
	return append(list, "XA END "+id, "XA PREPARE "+id)
}

// xaTables are two that the lanes treat differently, and one whose chunks are read at two moments.
func (s *story) xaTables() {
	s.Helper()
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v LONGBLOB, u INT UNIQUE)", "CREATE TABLE d.k (n INT, v VARCHAR(20))", "CREATE TABLE d.w (id INT PRIMARY KEY, v INT)",
		"INSERT INTO d.a VALUES (1,'1',1),(2,'2',2),(3,'3',3)", "INSERT INTO d.k VALUES (1,'one'),(1,'one'),(2,'two')", "INSERT INTO d.w VALUES (1,1),(2,2),(8,8),(9,9)")
}

// xaBackup reads the tables. between runs between the chunks of d.w, inside of its row window; behind,
// still in that, behind both.
func (s *story) xaBackup(between, behind []string) string {
	s.Helper()
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.table("d.k", "")
	low := s.position()
	w := b.table("d.w", "id < 5", between...)
	s.on(behind...)
	w.Rows.Low, w.Rows.High, w.Statements.High = low, s.position(), s.position()
	return b.end()
}

// An XA transaction is at its XA COMMIT (fact 15.5), wherever its prepare stands: before floor, in the
// window, in another file, large, compressed; and as long as it is only prepared, or rolled back, it is
// nowhere.
func TestXAIsAtItsCommit(t *testing.T) {
	s := newStory(t, "d")
	s.xaTables()
	s.on(prepared("'old'", "INSERT INTO a VALUES (10,'old',10)", "UPDATE k SET v='eins' WHERE n=1 LIMIT 1", "DELETE FROM a WHERE id=1", "INSERT INTO k VALUES (3,'old')")...)
	s.on(prepared("'gone'", "DELETE FROM a WHERE id=2")...)
	s.on(prepared("'window'", "UPDATE w SET v=22 WHERE id=2", "DELETE FROM w WHERE id=8", "INSERT INTO w VALUES (3,3),(10,10)")...)
	s.on("FLUSH BINARY LOGS")
	backup := s.xaBackup([]string{"XA COMMIT 'window'"}, slices.Concat(prepared("'behind'", "UPDATE w SET v=v+100 WHERE id IN (1,9)"), []string{"XA COMMIT 'behind'"}))

	var stops []binlog.Position
	var want [][]string
	truth := func() {
		stops, want = append(stops, s.position()), append(want, s.contents(s.source, "d"))
	}
	truth()
	long := "INSERT INTO a VALUES (20,REPEAT('x',600000),20),(21,REPEAT('y',600000),21)" // more than is kept in memory
	s.on(prepared("'large'", long, "UPDATE a SET v=CONCAT(v,'z') WHERE id=20", "DELETE FROM a WHERE id=21")...)
	truth()
	s.on("XA COMMIT 'old'", "FLUSH BINARY LOGS", "INSERT INTO d.a VALUES (11,'between',11)")
	truth()
	s.on("XA ROLLBACK 'gone'", "UPDATE d.a SET v='still here' WHERE id=2")
	s.on(prepared("'old'", "UPDATE a SET v='again' WHERE id=10")...)
	s.on("XA COMMIT 'large'")
	truth()
	odd := "'a''b\\0', x'00ff27', 4294967294"
	s.on(append([]string{"SET SESSION binlog_transaction_compression=ON"}, prepared(odd, "INSERT INTO a VALUES (12,'odd',12)")...)...)
	s.on("XA COMMIT 'old'")
	truth()
	s.on("XA COMMIT "+odd, "USE d", "XA START 'one'", "INSERT INTO k SELECT * FROM k", "UPDATE a SET u=-u", "XA END 'one'", "XA COMMIT 'one' ONE PHASE")
	s.on("XA START 'empty'", "XA END 'empty'", "XA PREPARE 'empty'", "XA COMMIT 'empty'")
	s.on(prepared("'open'", "DELETE FROM a", "DELETE FROM k", "DELETE FROM w")...)
	truth()
	s.on("XA ROLLBACK 'open'")

	for i, stop := range stops {
		plan, result, err := s.restoreWith(32<<20, Wish{Stop: stopAt(stop), Force: true})
		if err != nil {
			t.Fatalf("stop %d: %v", i, err)
		}
		s.equal(want[i], "d")
		if plan.BackupID != backup || result.TransactionsReplayed != plan.Replay.Transactions {
			t.Errorf("stop %d: backup %s, %d transactions, planned %d", i, plan.BackupID, result.TransactionsReplayed, plan.Replay.Transactions)
		}
	}
	// A part has its rows too, under another name, and nothing of the others.
	_, _, err := s.restore(Wish{Stop: stopAt(stops[len(stops)-1]), Selection: catalog.Selection{Tables: []string{"d.k"}}, Rename: []string{"d.k=d.other"}})
	s.must(err)
	if got, should := s.query(s.dest.Root(), "SELECT n, v FROM d.other ORDER BY n, v"), s.query(s.source.Root(), "SELECT n, v FROM d.k ORDER BY n, v"); !slices.EqualFunc(got, should, slices.Equal) {
		t.Errorf("d.other holds %q, d.k %q", got, should)
	}
}

// An XA COMMIT whose PREPARE the archive does not hold may touch any table: it ends the range of all of
// them, and the rest is served from a backup that was made behind it.
func TestXAWithoutPrepareEndsEveryRange(t *testing.T) {
	s := newStory(t, "d")
	s.xaTables()
	s.on(prepared("'lost'", "INSERT INTO a VALUES (10,'lost',10)")...)
	s.on("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")
	s.xaBackup(nil, nil)
	s.on("INSERT INTO d.k VALUES (7,'seven')")
	before, want := s.position(), s.contents(s.source, "d")
	s.on("XA COMMIT 'lost'")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, before.String())
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "prepared before the archive begins")
	_, _, err = s.restore(Wish{Stop: stopAt(before)})
	s.must(err)
	s.equal(want, "d")
	s.xaBackup(nil, nil)
	_, _, err = s.restore(Wish{Force: true})
	s.must(err)
	s.same("d")
}

// An XA transaction is left out by the GTID of its commit, and by that of its prepare, and its rows are
// loose behind it.
func TestSkipLeavesXATransactionsOut(t *testing.T) {
	s := newStory(t, "d")
	s.xaTables()
	s.on(prepared("'old'", "UPDATE a SET v='old' WHERE id=1")...)
	old := s.gtid()
	s.xaBackup(nil, nil)
	s.on("XA COMMIT 'old'")
	oldCommit := s.gtid()
	s.on(prepared("'new'", "DELETE FROM a WHERE id=2", "INSERT INTO a VALUES (4,'new',4)")...)
	prepare := s.gtid()
	s.on("XA COMMIT 'new'")
	commit := s.gtid()
	s.on("UPDATE d.a SET v='behind' WHERE id=4", "INSERT INTO d.a VALUES (2,'back',2)", "INSERT INTO d.a VALUES (5,'5',5)")
	for _, c := range []struct {
		skip []string
		want string
	}{
		{[]string{commit}, "1 old|2 back|3 3|4 behind|5 5"},
		{[]string{prepare}, "1 old|2 back|3 3|4 behind|5 5"},
		{[]string{prepare, commit, old}, "1 1|2 back|3 3|4 behind|5 5"},
		{[]string{oldCommit}, "1 1|2 back|3 3|4 behind|5 5"},
	} {
		_, result, err := s.restore(Wish{SkipGTID: gtids(t, c.skip...), Force: true})
		s.must(err)
		var rows []string
		for _, row := range s.query(s.dest.Root(), "SELECT id, v FROM d.a ORDER BY id") {
			rows = append(rows, strings.Join(row, " "))
		}
		if got := strings.Join(rows, "|"); got != c.want || result.TransactionsSkipped == 0 || result.LooseRows == 0 {
			t.Errorf("without %v: %s, want %s; %d transactions left out, %d loose rows", c.skip, got, c.want, result.TransactionsSkipped, result.LooseRows)
		}
	}
}

// Statements that no replay can carry out count where the XA transaction is committed, as images that lack
// columns do, and not at all where it is not.
func TestXALimitsCountAtTheCommit(t *testing.T) {
	s := newStory(t, "d")
	s.xaTables()
	s.xaBackup(nil, nil)
	s.on(append([]string{"SET SESSION binlog_row_image=MINIMAL"}, prepared("'image'", "UPDATE a SET v='part' WHERE id=1")...)...)
	s.on(append([]string{"SET SESSION binlog_format=STATEMENT"}, prepared("'text'", "UPDATE w SET v=5 WHERE id=1")...)...)
	s.on(append([]string{"SET SESSION binlog_format=STATEMENT"}, prepared("'back'", "UPDATE a SET v='gone' WHERE id=2")...)...)
	s.on("XA ROLLBACK 'back'", "XA COMMIT 'image'")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	at := s.position()
	s.on("XA COMMIT 'text'")
	_, _, err = s.restore(Wish{Force: true})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "d.w at "+at.String())
	_, _, err = s.restore(Wish{Force: true, Selection: catalog.Selection{Exclude: []string{"d.w"}}})
	s.must(err)
}
