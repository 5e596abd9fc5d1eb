package event

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// step is a statement, or several, that write one entry to the log, and what the entry must be.
type step struct {
	name   string
	run    []string
	kind   EntryKind
	tables string // schema.table=rows, in order
	query  string // a piece of the only statement kept
	xid    string
	check  func(*Entry) error
}

// assemblerTables are what assemblerSteps need.
func assemblerTables() []string {
	s := []string{"CREATE DATABASE a", "USE a", "CREATE TABLE t (id int PRIMARY KEY, v int)", "CREATE TABLE u LIKE t",
		"CREATE TABLE m (id int PRIMARY KEY, v int) ENGINE=MyISAM", "CREATE TABLE d (v int DEFAULT 1)",
		"CREATE TABLE tt LIKE t", "CREATE TABLE tl LIKE t", "CREATE TRIGGER tr AFTER INSERT ON tt FOR EACH ROW INSERT INTO tl VALUES (NEW.id,NEW.v)",
		"CREATE TABLE p LIKE t", "CREATE TABLE ch (id int PRIMARY KEY, pid int, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE CASCADE)",
		"INSERT INTO p VALUES (1,1)", "INSERT INTO ch VALUES (1,1),(2,1)"}
	for i := range 12 {
		s = append(s, fmt.Sprintf("CREATE TABLE n%d (id int PRIMARY KEY AUTO_INCREMENT, v int)", i))
	}
	return s
}

func assemblerSteps(compressed bool) []step {
	prepared := "X'7831',X'6272',7"
	steps := []step{
		{name: "autocommit", run: []string{"INSERT INTO t VALUES (1,1),(2,2)"}, kind: Transaction, tables: "a.t=2"},
		{name: "several statements", run: []string{"BEGIN", "INSERT INTO t VALUES (3,3)", "INSERT INTO u SELECT * FROM t", "UPDATE t SET v=v+1", "COMMIT"}, kind: Transaction, tables: "a.t=4 a.u=3"},
		{name: "DDL", run: []string{"ALTER TABLE t COMMENT 'x'"}, kind: Statement, query: "ALTER TABLE t COMMENT 'x'"},
		{name: "create table select", run: []string{"CREATE TABLE c AS SELECT * FROM t"}, kind: Transaction, tables: "a.c=3", query: "CREATE TABLE `c`"},
		{name: "savepoint", run: []string{"BEGIN", "INSERT INTO t VALUES (10,1)", "SAVEPOINT s1", "INSERT INTO t VALUES (11,1)", "ROLLBACK TO s1", "INSERT INTO t VALUES (12,1)", "COMMIT"}, kind: Transaction, tables: "a.t=2"},
		{name: "commit by query", run: []string{"INSERT INTO m VALUES (1,1),(2,2),(3,3)"}, kind: Transaction, tables: "a.m=3"},
		{name: "statement DML", run: []string{"SET binlog_format=STATEMENT", "INSERT INTO t VALUES (20,RAND()*100)", "SET binlog_format=ROW"}, kind: Transaction, query: "RAND()",
			check: func(e *Entry) error {
				if !e.StatementContext {
					return errors.New("no statement context")
				}
				return nil
			}},
		{name: "XA prepare", run: []string{"XA START 'x1','br',7", "INSERT INTO t VALUES (30,1)", "XA END 'x1','br',7", "XA PREPARE 'x1','br',7"}, kind: XAPrepared, tables: "a.t=1", xid: prepared},
		{name: "XA commit", run: []string{"XA COMMIT 'x1','br',7"}, kind: XACommit, xid: prepared},
		{name: "XA prepare again", run: []string{"XA START 'x1','br',7", "INSERT INTO t VALUES (31,1)", "XA END 'x1','br',7", "XA PREPARE 'x1','br',7"}, kind: XAPrepared, tables: "a.t=1", xid: prepared},
		{name: "XA rollback", run: []string{"XA ROLLBACK 'x1','br',7"}, kind: XARollback, xid: prepared},
		{name: "XA one phase", run: []string{"XA START x'ff00'", "INSERT INTO t VALUES (32,1)", "XA END x'ff00'", "XA COMMIT x'ff00' ONE PHASE"}, kind: Transaction, tables: "a.t=1", xid: "X'ff00',X'',1"},
		{name: "XA id of odd bytes", run: []string{"XA START 'a''b\\0', x'00ff27', 0", "INSERT INTO t VALUES (33,1)", "XA END 'a''b\\0', x'00ff27', 0", "XA PREPARE 'a''b\\0', x'00ff27', 0"}, kind: XAPrepared, tables: "a.t=1", xid: "X'61276200',X'00ff27',0"},
		{name: "commit of it", run: []string{"XA COMMIT 'a''b\\0', x'00ff27', 0"}, kind: XACommit, xid: "X'61276200',X'00ff27',0"},
		{name: "XA format beyond int32", run: []string{"XA START 'f','',4294967294", "INSERT INTO t VALUES (34,1)", "XA END 'f','',4294967294", "XA PREPARE 'f','',4294967294"}, kind: XAPrepared, tables: "a.t=1", xid: "X'66',X'',4294967294"},
		{name: "commit of it", run: []string{"XA COMMIT 'f','',4294967294"}, kind: XACommit, xid: "X'66',X'',4294967294"},
		{name: "XA format beyond uint32", run: []string{"XA START 'f','',4294967297", "INSERT INTO t VALUES (35,1)", "XA END 'f','',4294967297", "XA PREPARE 'f','',4294967297"}, kind: XAPrepared, tables: "a.t=1", xid: "X'66',X'',4294967297"},
		{name: "commit of it", run: []string{"XA COMMIT 'f','',4294967297"}, kind: XACommit, xid: "X'66',X'',4294967297"},
		{name: "empty image", run: []string{"SET binlog_row_image=MINIMAL", "INSERT INTO d VALUES ()", "SET binlog_row_image=FULL"}, kind: Transaction, tables: "a.d=1",
			check: func(e *Entry) error {
				if !e.Tables[0].PartialImage {
					return errors.New("no partial image")
				}
				return nil
			}},
		{name: "foreign key checks off", run: []string{"SET foreign_key_checks=0", "DELETE FROM t WHERE id=32", "SET foreign_key_checks=1"}, kind: Transaction, tables: "a.t=1",
			check: func(e *Entry) error {
				if e.Tables[0].Flags&RowsNoForeignKeyChecks == 0 {
					return fmt.Errorf("flags 0x%x", e.Tables[0].Flags)
				}
				return nil
			}},
		{name: "trigger", run: []string{"INSERT INTO tt VALUES (1,1),(2,2)"}, kind: Transaction, tables: "a.tt=2 a.tl=2"},
		{name: "cascade", run: []string{"DELETE FROM p WHERE id=1"}, kind: Transaction, tables: "a.ch=2 a.p=1",
			check: func(e *Entry) error {
				for _, touch := range e.Tables {
					if touch.Flags&RowsCascadesLogged == 0 {
						return fmt.Errorf("%s has flags 0x%x", touch.Name, touch.Flags)
					}
				}
				return nil
			}},
		{name: "many tables", run: append(append([]string{"BEGIN"}, manyInserts()...), "COMMIT"), kind: Transaction, tables: manyTouches()},
	}
	if compressed {
		for i := range steps {
			steps[i].run = append([]string{"SET binlog_transaction_compression=ON"}, steps[i].run...)
		}
	}
	return steps
}

func manyInserts() []string {
	var s []string
	for range 2 {
		for i := range 12 {
			s = append(s, fmt.Sprintf("INSERT INTO n%d(v) VALUES (1),(2)", i))
		}
	}
	return s
}

func manyTouches() string {
	var s []string
	for i := range 12 {
		s = append(s, fmt.Sprintf("a.n%d=4", i))
	}
	return strings.Join(s, " ")
}

func TestAssembler(t *testing.T) {
	for _, gtids := range []bool{true, false} {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("GTIDs %v compressed %v", gtids, compressed), func(t *testing.T) {
				testAssembler(t, gtids, compressed)
			})
		}
	}
}

func testAssembler(t *testing.T, gtids, compressed bool) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: gtids})
	c := newSession(t, s)
	c.exec(t, assemblerTables()...)
	first := beginLog(t, s)
	before := status(t, c)
	steps := assemblerSteps(compressed)
	after := make([]sourceStatus, len(steps))
	times := make([]string, len(steps))
	for i, st := range steps {
		c.exec(t, st.run...)
		after[i] = status(t, c)
		times[i] = c.value(t, "SELECT CAST(UNIX_TIMESTAMP(NOW(6))*1000000 AS UNSIGNED)")
	}
	raws := logSince(t, s, first)
	a := NewAssembler("tl")
	rows := map[schema.Name]uint64{}
	a.OnRows(func(e *Entry, r *Rows) error {
		return r.Each(func(_, _ Image) error { rows[r.Table.Name]++; return nil })
	})
	begun, queries := 0, 0
	a.OnBegin(func(e *Entry) error {
		begun++
		if e.Start.IsZero() || gtids == e.GTID.IsZero() || e.CommitTime == 0 {
			return fmt.Errorf("begun with %+v", e)
		}
		return nil
	})
	a.OnQuery(func(*Entry, *Query) error { queries++; return nil })
	entries, total := assemble(t, a, raws), map[schema.Name]uint64{}
	if len(entries) != len(steps) || begun != len(steps) {
		t.Fatalf("%d entries, %d begun, want %d", len(entries), begun, len(steps))
	}
	kept := 0
	executed := before.gtids
	at := before.position
	for i, e := range entries {
		st := steps[i]
		if e.Start.Pos != at.Pos || e.Start.File != at.File || e.End != after[i].position {
			t.Errorf("%s: from %s to %s, the server says %s to %s", st.name, e.Start, e.End, at, after[i].position)
		}
		at = e.End
		executed.Add(e.GTID)
		if gtids && !executed.Equal(after[i].gtids) {
			t.Errorf("%s: GTID %s makes %s, the server has executed %s", st.name, e.GTID, executed, after[i].gtids)
		}
		if now, err := strconv.ParseInt(times[i], 10, 64); err != nil || e.CommitTime > binlog.Time(now) || e.CommitTime < binlog.Time(now)-60e6 {
			t.Errorf("%s: commit time %s, the server's is then %s (%v)", st.name, e.CommitTime, times[i], err)
		}
		checkStep(t, st, e)
		kept += len(e.Queries)
		for _, touch := range e.Tables {
			total[touch.Name] += touch.Rows
		}
	}
	if queries != kept || fmt.Sprint(rows) != fmt.Sprint(total) {
		t.Errorf("hooks had %d queries of %d, rows %v of %v", queries, kept, rows, total)
	}
	if !a.AtBoundary() || gtids && !a.Executed().Equal(executed) {
		t.Errorf("at a boundary: %v, executed %s", a.AtBoundary(), a.Executed())
	}
	last := raws[len(raws)-1]
	if want := (binlog.Position{Timeline: "tl", File: last.file, Pos: last.start + uint64(len(last.raw))}); a.Position() != want {
		t.Errorf("position %s, want %s", a.Position(), want)
	}
}

func checkStep(t *testing.T, st step, e *Entry) {
	t.Helper()
	if e.Kind != st.kind || e.XID != st.xid {
		t.Errorf("%s: kind %s, XID %q", st.name, e.Kind, e.XID)
	}
	var touched []string
	for _, touch := range e.Tables {
		touched = append(touched, fmt.Sprintf("%s=%d", touch.Name, touch.Rows))
	}
	if got := strings.Join(touched, " "); got != st.tables {
		t.Errorf("%s: touches %q, want %q", st.name, got, st.tables)
	}
	var texts []string
	for _, q := range e.Queries {
		texts = append(texts, string(q.SQL))
	}
	if (len(texts) > 0) != (st.query != "") || !strings.Contains(strings.Join(texts, "; "), st.query) || len(texts) > 1 {
		t.Errorf("%s: queries %q", st.name, texts)
	}
	if st.check != nil {
		if err := st.check(e); err != nil {
			t.Errorf("%s: %v", st.name, err)
		}
	}
}

// assemble feeds events from a scratch buffer that is overwritten after each.
func assemble(t testing.TB, a *Assembler, raws []rawEvent) []*Entry {
	t.Helper()
	var entries []*Entry
	var scratch []byte
	for _, r := range raws {
		scratch = append(scratch[:0], r.raw...)
		e, err := a.Add(r.file, r.start, scratch)
		if err != nil {
			t.Fatal(err)
		}
		clear(scratch)
		if e != nil {
			entries = append(entries, e)
		}
	}
	return entries
}

type sourceStatus struct {
	position binlog.Position
	gtids    binlog.GTIDSet
}

func status(t testing.TB, c *session) sourceStatus {
	t.Helper()
	row := c.rows(t, "SHOW BINARY LOG STATUS")[0]
	pos, err := strconv.ParseUint(string(row[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	set, err := binlog.ParseGTIDSet(string(row[4]))
	if err != nil {
		t.Fatal(err)
	}
	return sourceStatus{binlog.Position{Timeline: "tl", File: string(row[0]), Pos: pos}, set}
}

// TestAssemblerMiddle begins in the middle of a file at an entry's boundary, with the format
// description given, and refuses to begin anywhere else.
func TestAssemblerMiddle(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY)")
	first := beginLog(t, s)
	for i := range 5 {
		c.exec(t, fmt.Sprintf("INSERT INTO a.t VALUES (%d)", i))
	}
	raws := logSince(t, s, first)
	boundaries := map[uint64]bool{}
	for _, e := range assemble(t, NewAssembler("tl"), raws) {
		boundaries[e.Start.Pos], boundaries[e.End.Pos] = true, true
	}
	for i, r := range raws {
		if i < 2 {
			continue // format description and previous GTIDs
		}
		a := NewAssembler("tl")
		if err := a.SetFormat(raws[0].raw); err != nil {
			t.Fatal(err)
		}
		var err error
		entries := 0
		for _, x := range raws[i:] {
			var e *Entry
			if e, err = a.Add(x.file, x.start, x.raw); err != nil {
				break
			}
			if e != nil {
				entries++
			}
		}
		switch typ := Type(r.raw[4]); {
		case boundaries[r.start]:
			if err != nil {
				t.Errorf("from %d: %v", r.start, err)
			}
		case typ == TypeQuery: // BEGIN without its GTID event is how entries begin where there are no GTID events
			if err != nil {
				t.Errorf("from %d: %v", r.start, err)
			}
		case !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNoTableMap):
			t.Errorf("from %d, a %s event: %v", r.start, typ, err)
		}
	}
	if _, err := NewAssembler("tl").Add(raws[3].file, raws[3].start, raws[3].raw); !errors.Is(err, ErrNoFormat) {
		t.Errorf("without format: %v", err)
	}
}

// TestAssemblerGap refuses an event that does not follow the one before it inside an entry.
func TestAssemblerGap(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY)")
	first := beginLog(t, s)
	c.exec(t, "INSERT INTO a.t VALUES (1)", "INSERT INTO a.t VALUES (2)")
	raws := logSince(t, s, first)
	for skip := range raws {
		if skip < 2 {
			continue
		}
		a := NewAssembler("tl")
		var err error
		for i, x := range raws {
			if i == skip {
				continue
			}
			if _, err = a.Add(x.file, x.start, x.raw); err != nil {
				break
			}
		}
		// Without its first event an entry still is one; rotate is no part of an entry.
		if typ := Type(raws[skip].raw[4]); typ != TypeGTID && typ != TypeRotate && !errors.Is(err, ErrMalformed) {
			t.Errorf("without event %d (%s): %v", skip, typ, err)
		}
	}
}

// TestAssemblerTagged reads GTIDs with tags, and sets with them at the head of a file.
func TestAssemblerTagged(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY)")
	first := beginLog(t, s)
	c.exec(t, "SET gtid_next='AUTOMATIC:Blue_1'", "INSERT INTO a.t VALUES (1)", "INSERT INTO a.t VALUES (2)",
		"SET gtid_next='AUTOMATIC'", "INSERT INTO a.t VALUES (3)", "FLUSH BINARY LOGS",
		"SET gtid_next='11111111-2222-3333-4444-555555555555:tag:9223372036854775806'", "INSERT INTO a.t VALUES (4)",
		"SET original_commit_timestamp=1000000000000001", "SET gtid_next='11111111-2222-3333-4444-555555555555:7'", "INSERT INTO a.t VALUES (5)", "SET gtid_next='AUTOMATIC'")
	want := status(t, c).gtids
	a := NewAssembler("tl")
	entries := assemble(t, a, logSince(t, s, first))
	if !a.Executed().Equal(want) {
		t.Errorf("executed %s, the server says %s", a.Executed(), want)
	}
	uuid := c.value(t, "SELECT @@server_uuid")
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.GTID.String())
	}
	if !slices.Contains(ids, uuid+":blue_1:1") || !slices.Contains(ids, "11111111-2222-3333-4444-555555555555:tag:9223372036854775806") ||
		!slices.Contains(ids, "11111111-2222-3333-4444-555555555555:7") || len(ids) != 5 {
		t.Errorf("GTIDs %q", ids)
	}
}

// TestAssemblerRestart reads over the files of a server that was shut down, killed and restarted.
func TestAssemblerRestart(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, ExtraArgs: []string{"--max-binlog-size=4096"}})
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY AUTO_INCREMENT, v varchar(100))")
	n := 0
	insert := func(c *session) {
		for range 30 {
			c.exec(t, "INSERT INTO a.t(v) VALUES (REPEAT('x',100))")
			n++
		}
	}
	insert(c)
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(newSession(t, s))
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = newSession(t, s)
	insert(c)
	want := status(t, c).gtids
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	a := NewAssembler("tl")
	rows, lives := uint64(0), []int{}
	for _, e := range assemble(t, a, logSince(t, s, filepath.Base(files[0]))) {
		if lives = append(lives, e.Started); !slices.IsSorted(lives) {
			t.Fatalf("%+v is of an earlier life of the server", e)
		}
		for _, touch := range e.Tables {
			rows += touch.Rows
		}
	}
	if got := slices.Compact(lives); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("lives of the server %v", got)
	}
	if rows != uint64(n) || !a.Executed().Equal(want) {
		t.Errorf("%d rows, want %d; executed %s, the server says %s", rows, n, a.Executed(), want)
	}
}
