package event

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

func takeMariaDB(t testing.TB) *mysqltest.Server {
	t.Helper()
	return mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
}

// mariadbKinds are the types that only MariaDB has.
func mariadbKinds() []kind {
	bytes := func(r *rand.Rand, n int) []byte {
		b := make([]byte, n)
		for i := range b[:r.IntN(n+1)] { // zero bytes at the end are left out of the log
			b[i] = pick(r, byte(r.Uint32()), 0)
		}
		return b
	}
	var kinds []kind
	for _, d := range [][2]int{{65, 38}, {38, 38}, {40, 31}, {65, 31}} { // MySQL's scale ends at 30
		kinds = append(kinds, kind{column("decimal", d[0], d[1]), fmt.Sprintf("decimal(%d,%d)", d[0], d[1]), func(r *rand.Rand) string {
			return pick(r, randomDecimal(r, d[0], d[1]), "0", "-"+strings.Repeat("9", d[0]-d[1])+"."+strings.Repeat("9", d[1]), "0."+strings.Repeat("0", d[1]-1)+"1")
		}})
	}
	kinds = append(kinds, []kind{
		{column("inet6", -1, -1), "inet6", func(r *rand.Rand) string { return "x'" + hex.EncodeToString(bytes(r, 16)) + "'" }},
		{column("inet4", -1, -1), "inet4", func(r *rand.Rand) string { return "x'" + hex.EncodeToString(bytes(r, 4)) + "'" }},
		{column("uuid", -1, -1), "uuid", func(r *rand.Rand) string {
			h := hex.EncodeToString(bytes(r, 16))
			random := fmt.Sprintf("'%s-%s-%s-%s-%s'", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
			return pick(r, random, "UUID()", "'123e4567-e89b-12d3-a456-426614174000'", "'123e4567-e89b-42d3-a456-426614174000'")
		}},
	}...)
	for _, name := range []string{"varchar(200)", "varchar(4000)", "text", "longtext", "tinytext"} {
		base, length, _ := strings.Cut(name, "(")
		c := column(base, -1, -1)
		if length != "" {
			_, _ = fmt.Sscan(strings.TrimSuffix(length, ")"), &c.Length)
		}
		c.Charset = "utf8mb4"
		kinds = append(kinds, kind{c, name + " compressed character set utf8mb4", func(r *rand.Rand) string {
			return pick(r, randomText(r, 20), "''", "'x'", "REPEAT('compress', 20)")
		}})
	}
	for _, name := range []string{"varbinary(10)", "varbinary(300)", "blob", "mediumblob"} {
		base, length, _ := strings.Cut(name, "(")
		c := column(base, -1, -1)
		if length != "" {
			_, _ = fmt.Sscan(strings.TrimSuffix(length, ")"), &c.Length)
		}
		kinds = append(kinds, kind{c, name + " compressed", func(r *rand.Rand) string {
			return pick(r, randomBytes(r, r.IntN(10)), "''", "LEFT(REPEAT('compress', 20), 10)")
		}})
	}
	return kinds
}

// mariadbTables are tables that have, together, every column type of MariaDB 10.11.
func mariadbTables(r *rand.Rand, db string) []*testTable {
	var charsets []kind
	for _, c := range textCharsets {
		if c != "gb18030" { // not there
			charsets = append(charsets, textKinds(c)...)
		}
	}
	charsets = slices.DeleteFunc(charsets, func(k kind) bool { return k.column.Type == "text" })
	spatial := slices.DeleteFunc(otherKinds(), func(k kind) bool {
		return k.column.Type == "json" || k.column.Type == "vector" || k.column.SRID >= 0
	})
	for i := range spatial {
		if spatial[i].ddl == "geomcollection" {
			spatial[i].ddl = "geometrycollection"
		}
	}
	return []*testTable{
		newTestTable(r, schema.Name{Schema: db, Name: "numbers"}, slices.Concat(integerKinds(), numberKinds())),
		newTestTable(r, schema.Name{Schema: db, Name: "temporal"}, temporalKinds()),
		newTestTable(r, schema.Name{Schema: db, Name: "strings"}, slices.Concat(stringKinds(), labelKinds())),
		newTestTable(r, schema.Name{Schema: db, Name: "charsets"}, charsets),
		newTestTable(r, schema.Name{Schema: db, Name: "spatial"}, spatial),
		newTestTable(r, schema.Name{Schema: db, Name: "own"}, mariadbKinds()),
	}
}

// TestMariaDBLiteralsRoundTrip is TestLiteralsRoundTrip on MariaDB, with all that it can log of columns, compressed
// events and not.
func TestMariaDBLiteralsRoundTrip(t *testing.T) {
	s := takeMariaDB(t)
	c := newSession(t, s)
	r := newRand(t)
	tables := mariadbTables(r, "src")
	c.exec(t, "CREATE DATABASE src", "CREATE DATABASE dst", "SET GLOBAL log_bin_compress_min_len=10")
	for _, table := range tables {
		c.exec(t, table.createIn("src"), table.createIn("dst"))
	}
	first := beginLog(t, s)
	for i, metadata := range []string{"NO_LOG", "MINIMAL", "FULL"} {
		c.exec(t, "SET GLOBAL binlog_row_metadata="+metadata, fmt.Sprintf("SET GLOBAL log_bin_compress=%d", i%2))
		for _, table := range tables {
			c.exec(t, table.insert(r, 5), table.insert(r, 5))
		}
	}
	raws := logSince(t, s, first)
	inserts := newLiterals(t, tables)
	inserts.add(raws)
	if inserts.rows != len(tables)*30 {
		t.Fatalf("%d rows in the log", inserts.rows)
	}
	c.exec(t, inserts.statements...)
	for _, table := range tables {
		compareTables(t, c, table, "src", "dst")
	}
	for _, p := range inserts.predicates {
		if n := c.value(t, p); n != "1" {
			t.Fatalf("%s rows by %.2000s", n, p)
		}
	}
}

// With mysql56_temporal_format=OFF the number of fractional digits is in no event: such a column is refused by name,
// never guessed over, wherever it stands; the others of its table map are read.
func TestMariaDBTemporalsOfBefore56AreRefused(t *testing.T) {
	s := takeMariaDB(t)
	c := newSession(t, s)
	c.exec(t, "CREATE DATABASE d", "USE d", "SET GLOBAL mysql56_temporal_format=OFF")
	columns := []string{"timestamp", "time", "datetime", "timestamp(3)", "time(3)", "datetime(6)"}
	for i, column := range columns {
		c.exec(t, fmt.Sprintf("CREATE TABLE t%d (id INT, v %s NULL)", i, column))
	}
	c.exec(t, "SET GLOBAL mysql56_temporal_format=ON")
	first := beginLog(t, s)
	for i := range columns {
		c.exec(t, fmt.Sprintf("INSERT INTO t%d VALUES (1, '2026-01-02 03:04:05.678901'), (2, NULL)", i))
	}
	refused := 0
	for _, e := range parseAll(t, logSince(t, s, first)) {
		if rows, ok := e.(*Rows); ok {
			if _, err := rows.Count(); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "column 2: "+rows.Table.Columns[1].Type.String()) {
				t.Errorf("%s: %v", rows.Table.Name, err)
			}
			refused++
		}
	}
	if refused != len(columns) {
		t.Errorf("%d events", refused)
	}
	// The way out that docs/limits.md names.
	first = beginLog(t, s)
	for i := range columns {
		c.exec(t, fmt.Sprintf("ALTER TABLE t%d FORCE", i), fmt.Sprintf("DELETE FROM t%d", i))
	}
	for _, e := range parseAll(t, logSince(t, s, first)) {
		if rows, ok := e.(*Rows); ok {
			if n, err := rows.Count(); n != 2 || err != nil {
				t.Errorf("%s: %d rows, %v", rows.Table.Name, n, err)
			}
		}
	}
}

// mariadbSeed is behind the numbers of the seeds that a MySQL has written.
const mariadbSeed = 50

// TestMariaDBTruncatedAndAlteredEvents is TestTruncatedAndAlteredEvents with the events of MariaDB.
func TestMariaDBTruncatedAndAlteredEvents(t *testing.T) {
	s := takeMariaDB(t)
	c := newSession(t, s)
	random := newRand(t)
	c.exec(t, "CREATE DATABASE d", "USE d", "SET GLOBAL log_bin_compress=ON", "SET GLOBAL log_bin_compress_min_len=10", "SET GLOBAL binlog_checksum=NONE", "SET GLOBAL binlog_row_metadata=FULL")
	own := newTestTable(random, schema.Name{Schema: "d", Name: "own"}, mariadbKinds())
	c.exec(t, own.createIn("d"))
	first := beginLog(t, s)
	c.exec(t, own.insert(random, 2), "SET binlog_alter_two_phase=1", "ALTER TABLE own ADD COLUMN x INT", "XA START 'g'", "INSERT INTO own (id, "+own.Columns[1].Name+") SELECT 9, "+own.Columns[1].Name+" FROM own LIMIT 1",
		"XA END 'g'", "XA PREPARE 'g'", "XA COMMIT 'g'")
	seen := map[Type]bool{}
	var format, prefix []byte
	raws := logSince(t, s, first)
	if *updateCorpus {
		var data []byte
		for _, r := range raws {
			data = append(data, r.raw...)
		}
		writeSeed(t, "FuzzParser", mariadbSeed, data)
	}
	for _, r := range raws {
		size := len(r.raw)
		step := 1 + size/200
		for cut := HeaderSize + random.IntN(step); cut < size; cut += step {
			short := append([]byte{}, r.raw[:cut]...)
			binary.LittleEndian.PutUint32(short[9:], uint32(cut))
			readAlone(t, prefix, short)
		}
		for i := HeaderSize + random.IntN(step); i < size; i += step {
			altered := append([]byte{}, r.raw...)
			altered[i] ^= byte(1 + random.IntN(255))
			readAlone(t, prefix, altered)
		}
		seen[Type(r.raw[4])] = true
		switch Type(r.raw[4]) {
		case TypeFormatDescription:
			format = r.raw
			prefix = slices.Clone(format)
		case TypeTableMap:
			prefix = append(prefix, r.raw...)
		case TypeMariaDBGTID:
			prefix = slices.Clone(format)
		default:
		}
	}
	for _, kind := range []Type{TypeMariaDBGTID, TypeGTIDList, TypeBinlogCheckpoint, TypeAnnotateRows, TypeQueryCompressed, TypeWriteRowsCompressedV1, TypeXAPrepare} {
		if !seen[kind] {
			t.Errorf("no %s event", kind)
		}
	}
}

// An entry without an end counts for nothing where a MariaDB was started again behind it, and only there.
func TestMariaDBEntryThatIsCutOff(t *testing.T) {
	s := takeMariaDB(t)
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	started := readLog(t, files[0])[0].raw // says when the server was started
	mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)")
	first := beginLog(t, s)
	mysqltest.Exec(t, s, "INSERT INTO d.t VALUES (1)")
	raws := logSince(t, s, first)
	end := slices.IndexFunc(raws, func(r rawEvent) bool { return Type(r.raw[4]) == TypeWriteRowsV1 }) + 1
	for name, c := range map[string]struct {
		next []byte
		hook bool
		want error
	}{
		"started again": {started, true, nil},
		"nobody asked":  {started, false, ErrMalformed},
		"rotated":       {raws[0].raw, true, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewAssembler("m1-1")
			var cut []*Entry
			if c.hook {
				a.OnCutOff(func(e *Entry) error { cut = append(cut, e); return nil })
			}
			assemble(t, a, raws[:end])
			if a.AtBoundary() {
				t.Fatal("no entry is open")
			}
			if _, err := a.Add("binlog.999999", 4, c.next); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if c.want == nil && (!a.AtBoundary() || len(cut) != 1 || len(cut[0].Tables) != 1 || a.Executed().Contains(cut[0].GTID)) {
				t.Errorf("cut off: %+v, executed %s", cut, a.Executed())
			}
		})
	}
}
