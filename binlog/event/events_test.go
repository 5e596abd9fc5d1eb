package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// smallLog is the log of a few transactions.
func smallLog(t *testing.T) []rawEvent {
	t.Helper()
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY, v varchar(20))")
	first := beginLog(t, s)
	c.exec(t, "INSERT INTO a.t VALUES (1,'one'),(2,'two')", "DELETE FROM a.t WHERE id=1", "DROP TABLE a.t")
	return logSince(t, s, first)
}

// TestChecksumOfEveryByte alters each byte of each event: none may be taken for good.
func TestChecksumOfEveryByte(t *testing.T) {
	raws := smallLog(t)
	for n, r := range raws {
		for i := range r.raw {
			p := NewParser()
			for _, before := range raws[:n] {
				if typ := Type(before.raw[4]); typ != TypeFormatDescription && typ != TypeTableMap {
					continue // nothing that follows needs it
				}
				if _, err := p.Parse(before.raw); err != nil {
					t.Fatal(err)
				}
			}
			altered := append([]byte{}, r.raw...)
			altered[i] ^= 0x01
			_, err := p.Parse(altered)
			if Type(r.raw[4]) == TypeFormatDescription && (i == 17 || i == len(r.raw)-ChecksumSize-1) {
				continue // the in-use flag is not covered; algorithm "off" is as good
			}
			if Type(r.raw[4]) == TypeFormatDescription && i == 4 && errors.Is(err, ErrNoFormat) {
				continue
			}
			if !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("event %d (%s), byte %d: %v", n, Type(r.raw[4]), i, err)
			}
		}
	}
}

// TestOpenFile reads the file that the server is writing: its format description is marked "in use".
func TestOpenFile(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a")
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	raws, err := splitLog("f.000001", data)
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := parseAll(t, raws)[0].(*Format); !ok || f.Header().Flags&FlagInUse == 0 || f.Checksum != ChecksumCRC32 || !strings.HasPrefix(f.ServerVersion, s.Install().Version) {
		t.Errorf("format description %+v", f)
	}
}

// TestWithoutGTIDEvents takes the GTID events out of a log, as servers before 5.7 write it: entries
// begin with BEGIN or with their statement.
func TestWithoutGTIDEvents(t *testing.T) {
	var raws []rawEvent
	pos := uint64(4)
	for _, r := range smallLog(t) {
		if Type(r.raw[4]) != TypeGTID {
			raws = append(raws, rawEvent{file: r.file, start: pos, raw: r.raw})
			pos += uint64(len(r.raw))
		}
	}
	entries := assemble(t, NewAssembler("tl"), raws)
	var kinds []EntryKind
	at := raws[2].start
	for _, e := range entries {
		kinds = append(kinds, e.Kind)
		if e.Start.Pos != at || !e.GTID.IsZero() || e.CommitTime != 0 || e.Timestamp == 0 {
			t.Errorf("%+v, want it to start at %d", e, at)
		}
		at = e.End.Pos
	}
	if want := []EntryKind{Transaction, Transaction, Statement}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

// TestRolledBack reads a transaction that ends with ROLLBACK because it changed a table that cannot.
func TestRolledBack(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{})
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "USE a", "CREATE TABLE t (id int)", "CREATE TABLE m (id int) ENGINE=MyISAM", "SET binlog_format=STATEMENT")
	first := beginLog(t, s)
	c.exec(t, "BEGIN", "INSERT INTO t VALUES (1)", "INSERT INTO m SELECT id FROM t", "ROLLBACK")
	entries := assemble(t, NewAssembler("tl"), logSince(t, s, first))
	last := entries[len(entries)-1]
	if !last.RolledBack || last.Kind != Transaction || len(last.Queries) == 0 {
		t.Errorf("%d entries, the last %+v", len(entries), last)
	}
}

// TestManyStatements bounds what an entry keeps: the hook gets all.
func TestManyStatements(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY)", "SET binlog_format=STATEMENT")
	first := beginLog(t, s)
	c.exec(t, "BEGIN")
	for i := range maxKeptQueries + 10 {
		c.exec(t, fmt.Sprintf("INSERT INTO a.t VALUES (%d)", i))
	}
	c.exec(t, "COMMIT")
	a := NewAssembler("tl")
	queries := 0
	a.OnQuery(func(*Entry, *Query) error { queries++; return nil })
	e := assemble(t, a, logSince(t, s, first))[0]
	if len(e.Queries) != maxKeptQueries || e.OmittedQueries != 10 || queries != maxKeptQueries+10 {
		t.Errorf("%d kept, %d omitted, %d to the hook", len(e.Queries), e.OmittedQueries, queries)
	}
}

// TestLargeTransactionIsNotCollected reads a compressed transaction many times larger than what
// may be held of it.
func TestLargeTransactionIsNotCollected(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY AUTO_INCREMENT, v varbinary(4000))", "SET binlog_transaction_compression=ON")
	first := beginLog(t, s)
	c.exec(t, "SET cte_max_recursion_depth=100000", "INSERT INTO a.t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<6000) SELECT REPEAT('x',4000) FROM n")
	raws := logSince(t, s, first)
	if n := size(raws); n > 2<<20 {
		t.Fatalf("%d bytes: not compressed", n)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start, most, n := heap(), uint64(0), 0
	a := NewAssembler("tl")
	a.OnRows(func(*Entry, *Rows) error {
		if n++; n%500 == 0 {
			most = max(most, heap())
		}
		return nil
	})
	e := assemble(t, a, raws)[0]
	if e.Tables[0].Rows != 6000 || n < 1500 {
		t.Fatalf("%d rows in %d events", e.Tables[0].Rows, n)
	}
	if most > start+12<<20 {
		t.Errorf("%d bytes held of a transaction of 24 MB", most-start)
	}
}

// TestPartialJSON reads updates that log what changed in a document.
func TestPartialJSON(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE TABLE a.t (id int PRIMARY KEY, j json, v int, k json, l json)", "SET binlog_row_value_options=PARTIAL_JSON")
	first := beginLog(t, s)
	doc := `'{"a": 1, "b": "some longer text", "c": [1, 2, 3]}'`
	c.exec(t, "INSERT INTO a.t VALUES (1,"+doc+",5,"+doc+",NULL)",
		"UPDATE a.t SET k=JSON_SET(k,'$.a',2,'$.b','x'), v=6",
		"UPDATE a.t SET j=JSON_REMOVE(j,'$.c[0]'), k=JSON_SET(k,'$.a',3), l='[]'",
		"SET binlog_row_image=MINIMAL", "UPDATE a.t SET k=JSON_SET(k,'$.a',4), v=7")
	raws := logSince(t, s, first)
	var diffs []string
	for _, e := range parseAll(t, raws) {
		r, ok := e.(*Rows)
		if !ok || r.Action != Update {
			continue
		}
		if !r.PartialJSON {
			t.Errorf("a %s event", r.Header().Type)
		}
		columns := guessColumns(r.Table)
		if err := r.Each(func(before, after Image) error {
			shape := ""
			for i := range after.NumColumns() {
				literal, err := AppendLiteral(nil, &columns[i], &r.Table.Columns[i], after, i)
				switch {
				case !after.Present(i):
					shape += "- "
				case after.IsDiff(i):
					shape += "diff "
					if !errors.Is(err, ErrUnsupported) || after.Raw(i) != nil || before.Present(i) && before.IsDiff(i) {
						t.Errorf("column %d: %v, raw %x", i, err, after.Raw(i))
					}
				case r.Table.Columns[i].Type == ColumnJSON:
					shape += "json "
				default:
					shape += string(literal) + " "
				}
			}
			diffs = append(diffs, shape)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	// A document that has not changed is an empty diff.
	want := []string{"1 diff 6 diff json ", "1 diff 6 diff json ", "- - 7 diff - "}
	if !reflect.DeepEqual(diffs, want) {
		t.Errorf("after images %q, want %q", diffs, want)
	}
	entries := assemble(t, NewAssembler("tl"), raws)
	if touch := entries[len(entries)-1].Tables[0]; !touch.PartialJSON || !touch.PartialImage || touch.Rows != 1 {
		t.Errorf("%+v", touch)
	}
}

// made builds an event without checksum and reads it behind a format description.
func made(t *testing.T, kind Type, flags uint16, body []byte) (Event, error) {
	t.Helper()
	raw := make([]byte, HeaderSize, HeaderSize+len(body))
	raw[4] = byte(kind)
	binary.LittleEndian.PutUint32(raw[9:], uint32(HeaderSize+len(body)))
	binary.LittleEndian.PutUint32(raw[13:], 4711)
	binary.LittleEndian.PutUint16(raw[17:], flags)
	p := NewParser()
	p.format = &Format{Version: 4, Checksum: ChecksumCRC32, PostHeaderLengths: make([]byte, 42)}
	raw = append(raw, body...)
	binary.LittleEndian.PutUint32(raw[9:], uint32(len(raw)+ChecksumSize))
	raw = binary.LittleEndian.AppendUint32(raw, crc32.ChecksumIEEE(raw))
	events, err := p.Parse(raw)
	if err != nil {
		return nil, err
	}
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	return events[0], nil
}

// TestRareEvents reads events that no test server writes.
func TestRareEvents(t *testing.T) {
	e, err := made(t, TypeIncident, 0, []byte("\x01\x00\x0bLOST EVENTS"))
	if i, ok := e.(*Incident); !ok || i.Number != 1 || i.Message != "LOST EVENTS" {
		t.Errorf("incident: %+v, %v", e, err)
	}
	e, err = made(t, TypeHeartbeat, 0, []byte("binlog.000012"))
	if h, ok := e.(*Heartbeat); !ok || h.File != "binlog.000012" || h.Pos != 4711 {
		t.Errorf("heartbeat: %+v, %v", e, err)
	}
	e, err = made(t, TypeHeartbeatV2, 0, []byte("\x01\x0dbinlog.000012\x02\x09\xfe\x00\x00\x00\x00\x01\x00\x00\x00\x00"))
	if h, ok := e.(*Heartbeat); !ok || h.File != "binlog.000012" || h.Pos != 1<<32 {
		t.Errorf("heartbeat v2: %+v, %v", e, err)
	}
	if e, err := made(t, 99, FlagIgnorable, []byte("abc")); err != nil || string(e.(*Other).Body) != "abc" {
		t.Errorf("ignorable event: %+v, %v", e, err)
	}
	if _, err := made(t, 99, 0, []byte("abc")); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "99") {
		t.Errorf("unknown event: %v", err)
	}
	if e, err := made(t, TypeStop, 0, nil); err != nil || e.Header().Type != TypeStop {
		t.Errorf("stop: %v", err)
	}
	load := append(make([]byte, 8), 1, 0, 0, 0, 0)
	load = append(load, make([]byte, loadQueryFixedSize)...)
	e, err = made(t, TypeExecuteLoadQuery, 0, append(load, "a\x00LOAD DATA INFILE 'x' INTO TABLE t"...))
	if q, ok := e.(*Query); !ok || !q.LoadFile || q.Schema != "a" || !strings.HasPrefix(string(q.SQL), "LOAD DATA") {
		t.Errorf("load query: %+v, %v", e, err)
	}
}

// TestUnknownStatusVariable ends the decoding of a context, not of the event.
func TestUnknownStatusVariable(t *testing.T) {
	vars := []byte{varFlags2, 0, 0, 0, 4, 77, 1, 2, 3}
	body := append(make([]byte, 8), 1, 0, 0, byte(len(vars)), 0)
	body = append(append(body, vars...), "a\x00DROP TABLE t"...)
	e, err := made(t, TypeQuery, 0, body)
	if err != nil {
		t.Fatal(err)
	}
	q, ok := e.(*Query)
	if !ok || !q.Context.Incomplete || q.Context.UnknownCode != 77 || q.Context.Flags2 == nil || *q.Context.Flags2 != Flags2NoForeignKeyChecks || string(q.SQL) != "DROP TABLE t" {
		t.Errorf("%+v", e)
	}
}

// TestQueryContext compares the context of statements with the session they ran in (fact 8.13).
func TestQueryContext(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE a", "CREATE DATABASE b", "USE a", "CREATE TABLE p (id int PRIMARY KEY)", "CREATE TABLE b.p (id int PRIMARY KEY)")
	first := beginLog(t, s)
	c.exec(t, "SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "SET character_set_client=latin1, collation_connection=latin1_german2_ci", "SET collation_server=utf8mb4_bin",
		"SET foreign_key_checks=0, unique_checks=0", "SET time_zone='+03:00'", "SET timestamp=1700000000.123456", "SET auto_increment_increment=5, auto_increment_offset=3",
		"SET default_collation_for_utf8mb4=utf8mb4_general_ci", "SET lc_time_names=de_DE", "SET explicit_defaults_for_timestamp=0",
		"CREATE TABLE c (t timestamp, m timestamp(3) DEFAULT '2020-01-01 00:00:00')", "DROP TABLE p, b.p", "CREATE DATABASE e",
		"CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO SET @a=1")
	id := func(collation string) uint16 {
		var n uint16
		if _, err := fmt.Sscan(c.value(t, "SELECT id FROM information_schema.collations WHERE collation_name='"+collation+"'"), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	queries := map[string]*Query{}
	for _, e := range assemble(t, NewAssembler("tl"), logSince(t, s, first)) {
		for _, q := range e.Queries {
			queries[strings.Join(strings.Fields(string(q.SQL))[:2], " ")] = q
		}
	}
	q := queries["CREATE TABLE"]
	x := q.Context
	const ansiQuotes, noBackslashEscapes = 4, 0x100000
	if x.Incomplete || *x.SQLMode != ansiQuotes|noBackslashEscapes || x.ClientCharset != id("latin1_swedish_ci") || x.ConnectionCollation != id("latin1_german2_ci") ||
		x.ServerCollation != id("utf8mb4_bin") || *x.Flags2&(Flags2NoForeignKeyChecks|Flags2RelaxedUniqueChecks) != Flags2NoForeignKeyChecks|Flags2RelaxedUniqueChecks ||
		*x.AutoIncrement != 5 || *x.AutoIncrementOffset != 3 || x.DefaultCollationForUTF8MB4 != id("utf8mb4_general_ci") || x.LCTimeNames == nil || *x.LCTimeNames == 0 ||
		x.ExplicitDefaultsForTimestamp == nil || *x.ExplicitDefaultsForTimestamp || x.DDLXID == nil || x.SQLRequirePrimaryKey == nil || *x.SQLRequirePrimaryKey || x.Catalog != "std" {
		t.Errorf("CREATE TABLE: %+v", x)
	}
	if q.Timestamp != 1700000000 || q.Schema != "a" || q.ThreadID == 0 || x.Micros != nil && *x.Micros != 123456 {
		t.Errorf("CREATE TABLE: %+v", q)
	}
	for start, q := range queries {
		switch {
		case strings.HasPrefix(start, "DROP"):
			if !reflect.DeepEqual(q.Context.UpdatedSchemas, []string{"a", "b"}) && !reflect.DeepEqual(q.Context.UpdatedSchemas, []string{"b", "a"}) {
				t.Errorf("%s: updated schemas %q", start, q.Context.UpdatedSchemas)
			}
		case start == "CREATE DATABASE":
			if q.Context.DefaultTableEncryption == nil || *q.Context.DefaultTableEncryption {
				t.Errorf("%s: %+v", start, q.Context)
			}
		case strings.HasPrefix(start, "CREATE DEFINER"):
			if q.Context.TimeZone != "+03:00" || q.Context.Invoker == nil || q.Context.Invoker.User != "root" {
				t.Errorf("%s: %+v", start, q.Context)
			}
		}
	}
	if len(queries) < 4 {
		t.Errorf("only %d kinds of statements", len(queries))
	}
}
