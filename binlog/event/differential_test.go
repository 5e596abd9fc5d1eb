package event

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/google/uuid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestParserAgainstGoMySQL decodes the same files with go-mysql's decoder and with ours: random
// rows over every column type, with both kinds of row metadata, with and without compression and
// checksums.
func TestParserAgainstGoMySQL(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	r := newRand(t)
	tables := append(allTables(r, "diff"), documentTable(r, "diff"), partitionedTable(r, "diff"))
	c.exec(t, "CREATE DATABASE diff")
	for _, table := range tables {
		c.exec(t, table.createIn("diff"))
	}
	for _, checksum := range []string{"CRC32", "NONE"} {
		for _, metadata := range []string{"MINIMAL", "FULL"} {
			for _, compression := range []string{"OFF", "ON"} {
				t.Run("checksum "+checksum+" metadata "+metadata+" compression "+compression, func(t *testing.T) {
					mysqltest.Exec(t, s, "SET GLOBAL binlog_checksum="+checksum, "SET GLOBAL binlog_row_metadata="+metadata)
					c.exec(t, "SET binlog_transaction_compression="+compression, "SET binlog_row_image=FULL", "SET binlog_rows_query_log_events=ON")
					first := beginLog(t, s)
					change(t, c, r, tables, 20)
					c.exec(t, "SET binlog_row_image=MINIMAL")
					change(t, c, r, tables, 8)
					c.exec(t, "SET binlog_row_image=NOBLOB")
					change(t, c, r, tables, 8)
					raws := logSince(t, s, first)
					rows := compareWithGoMySQL(t, raws, tables)
					if rows < 50 {
						t.Errorf("only %d row images were compared", rows)
					}
				})
			}
		}
	}
}

// compareWithGoMySQL returns the number of row images that were compared.
func compareWithGoMySQL(t *testing.T, raws []rawEvent, tables []*testTable) int {
	t.Helper()
	definitions := map[schema.Name]*schema.Table{}
	for _, table := range tables {
		definitions[table.Name] = &table.Table
	}
	ours, theirs := NewParser(), replication.NewBinlogParser()
	theirs.SetVerifyChecksum(true)
	theirs.SetRenderJSONAsMySQLText(true)
	images := 0
	for _, raw := range raws {
		es, err := ours.Parse(raw.raw)
		if err != nil {
			t.Fatalf("%s:%d: %v", raw.file, raw.start, err)
		}
		e, err := theirs.Parse(raw.raw)
		if err != nil {
			t.Fatalf("%s:%d: go-mysql: %v", raw.file, raw.start, err)
		}
		list := []*replication.BinlogEvent{e}
		if p, ok := e.Event.(*replication.TransactionPayloadEvent); ok {
			list = p.Events
		}
		if len(es) != len(list) {
			t.Fatalf("%s:%d: %d events, go-mysql has %d", raw.file, raw.start, len(es), len(list))
		}
		for i := range es {
			where := fmt.Sprintf("%s:%d.%d", raw.file, raw.start, i)
			compareHeaders(t, where, es[i].Header(), list[i].Header, len(es) > 1)
			images += compareEvents(t, where, es[i], list[i].Event, definitions)
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	return images
}

func compareHeaders(t *testing.T, where string, h Header, g *replication.EventHeader, inner bool) {
	t.Helper()
	if h.Timestamp != g.Timestamp || byte(h.Type) != byte(g.EventType) || h.ServerID != g.ServerID || h.Flags != g.Flags ||
		!inner && (h.Size != g.EventSize || h.LogPos != g.LogPos) {
		t.Errorf("%s: header %+v, go-mysql has %+v", where, h, *g)
	}
}

func same(t *testing.T, where, what string, ours, theirs any) {
	t.Helper()
	if !reflect.DeepEqual(ours, theirs) {
		t.Errorf("%s: %s is %#v, go-mysql has %#v", where, what, ours, theirs)
	}
}

func compareEvents(t *testing.T, where string, e Event, g replication.Event, definitions map[schema.Name]*schema.Table) int {
	t.Helper()
	switch g := g.(type) {
	case *replication.FormatDescriptionEvent:
		f := e.(*Format)
		same(t, where, "server version", f.ServerVersion, g.ServerVersion)
		same(t, where, "created", f.Created, g.CreateTimestamp)
		same(t, where, "post-header lengths", f.PostHeaderLengths, g.EventTypeHeaderLengths)
		same(t, where, "checksum", f.Checksum, byte(g.ChecksumAlgorithm))
	case *replication.RotateEvent:
		same(t, where, "next file", e.(*Rotate).NextFile, string(g.NextLogName))
		same(t, where, "next position", e.(*Rotate).NextPos, g.Position)
	case *replication.PreviousGTIDsEvent:
		same(t, where, "previous GTIDs", e.(*PreviousGTIDs).Set.String(), g.GTIDSets)
	case *replication.XIDEvent:
		same(t, where, "xid", e.(*XID).ID, g.XID)
	case *replication.RowsQueryEvent:
		same(t, where, "rows query", string(e.(*RowsQuery).SQL), string(g.Query))
	case *replication.QueryEvent:
		q := e.(*Query)
		same(t, where, "query", []any{q.Schema, string(q.SQL), q.ErrorCode, q.ThreadID, q.Seconds, q.Context.Incomplete},
			[]any{string(g.Schema), string(g.Query), g.ErrorCode, g.SlaveProxyID, g.ExecutionTime, false})
	case *replication.GTIDEvent:
		compareGTIDs(t, where, e.(*GTID), g)
	case *replication.GtidTaggedLogEvent:
		compareGTIDs(t, where, e.(*GTID), &g.GTIDEvent)
	case *replication.TableMapEvent:
		compareTableMaps(t, where, e.(*TableMap), g)
		m := e.(*TableMap)
		if d := definitions[m.Name]; d != nil {
			if err := Compatible(m, d); err != nil {
				t.Errorf("%s: R7: %v", where, err)
			}
			for i, c := range m.Columns { // go-mysql does not read it
				if c.Type == ColumnVector && int(c.Dimensions) != d.Columns[i].Length {
					t.Errorf("%s: column %d: VECTOR(%d) in the log, VECTOR(%d) in the definition", where, i, c.Dimensions, d.Columns[i].Length)
				}
			}
		}
	case *replication.RowsEvent:
		rows := e.(*Rows)
		return compareRows(t, where, rows, g, definitions[rows.Table.Name])
	default:
		t.Errorf("%s: %T is %T in go-mysql", where, e, g)
	}
	return 0
}

func compareGTIDs(t *testing.T, where string, e *GTID, g *replication.GTIDEvent) {
	t.Helper()
	sid, err := uuid.FromBytes(g.SID)
	if err != nil {
		t.Fatal(err)
	}
	id := binlog.GTID{SID: sid, Tag: g.Tag.String(), GNO: g.GNO}
	if e.Anonymous {
		id = binlog.GTID{}
	}
	same(t, where, "gtid", e.ID, id)
	same(t, where, "logical times", []int64{e.LastCommitted, e.SequenceNumber}, []int64{g.LastCommitted, g.SequenceNumber})
	same(t, where, "commit times", []binlog.Time{e.ImmediateCommit, e.OriginalCommit},
		[]binlog.Time{binlog.Time(g.ImmediateCommitTimestamp), binlog.Time(g.OriginalCommitTimestamp)})
	same(t, where, "length", e.TransactionLength, g.TransactionLength)
	same(t, where, "versions", []uint32{e.ImmediateServerVersion, e.OriginalServerVersion}, []uint32{g.ImmediateServerVersion, g.OriginalServerVersion})
}

func compareTableMaps(t *testing.T, where string, m *TableMap, g *replication.TableMapEvent) {
	t.Helper()
	same(t, where, "table", []string{m.Name.Schema, m.Name.Name}, []string{string(g.Schema), string(g.Table)})
	same(t, where, "table id and flags", []uint64{m.TableID, uint64(m.Flags)}, []uint64{g.TableID, uint64(g.Flags)})
	unsigned, collations, labels, geometry := g.UnsignedMap(), g.CollationMap(), g.EnumSetCollationMap(), g.GeometryTypeMap()
	visible, enums, sets := g.VisibilityMap(), g.EnumStrValueMap(), g.SetStrValueMap()
	names := g.ColumnNameString()
	var key []uint64
	for _, p := range m.PrimaryKey {
		key = append(key, uint64(p.Column))
	}
	same(t, where, "primary key", key, g.PrimaryKey)
	for i, c := range m.Columns {
		at := fmt.Sprintf("%s: column %d (%s)", where, i, c.Type)
		_, nullable := g.Nullable(i)
		same(t, at, "nullable", c.Nullable, nullable)
		u, known := unsigned[i]
		same(t, at, "unsigned", []bool{c.SignKnown, c.Unsigned}, []bool{known, u})
		id, known := collations[i]
		if !known {
			id = labels[i]
		}
		if c.Type != ColumnVector { // go-mysql does not count VECTOR among the columns whose collation is logged
			same(t, at, "collation", uint64(c.CollationID), id)
		}
		kind, known := geometry[i]
		if !known {
			kind = math.MaxUint64
		}
		same(t, at, "geometry", uint64(c.GeometryType), kind)
		v, known := visible[i]
		same(t, at, "visible", []bool{c.VisibilityKnown, known && !c.Invisible}, []bool{known, v})
		if len(names) > 0 {
			same(t, at, "name", c.Name, names[i])
		}
		members := enums[i]
		if members == nil {
			members = sets[i]
		}
		same(t, at, "members", c.Members, members)
	}
}

func compareRows(t *testing.T, where string, r *Rows, g *replication.RowsEvent, d *schema.Table) int {
	t.Helper()
	same(t, where, "flags", r.Flags, g.Flags)
	i := 0
	compare := func(im Image) {
		if !im.Exists() {
			return
		}
		if i >= len(g.Rows) {
			t.Fatalf("%s: more than go-mysql's %d images", where, len(g.Rows))
		}
		compareImages(t, fmt.Sprintf("%s: image %d", where, i), r.Table, im, g.Rows[i], g.SkippedColumns[i], d)
		i++
	}
	if err := r.Each(func(before, after Image) error {
		compare(before)
		compare(after)
		return nil
	}); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	same(t, where, "number of images", i, len(g.Rows))
	return i
}

func compareImages(t *testing.T, where string, m *TableMap, im Image, g []any, skipped []int, d *schema.Table) {
	t.Helper()
	missing := map[int]bool{}
	for _, s := range skipped {
		missing[s] = true
	}
	for i := range m.Columns {
		at := fmt.Sprintf("%s: column %d (%s)", where, i, m.Columns[i].Type)
		same(t, at, "present", im.Present(i), !missing[i])
		if !im.Present(i) {
			continue
		}
		literal, err := AppendLiteral(nil, &d.Columns[i], &m.Columns[i], im, i)
		if err != nil {
			t.Errorf("%s: %v", at, err)
			continue
		}
		if m.Columns[i].Type == ColumnJSON && g[i] != nil {
			compareJSON(t, at, im.Raw(i), g[i])
			continue
		}
		same(t, at, "value", string(literal), goMySQLLiteral(t, g[i], &m.Columns[i], &d.Columns[i]))
	}
}

// goMySQLLiteral prints go-mysql's value as AppendLiteral does.
func goMySQLLiteral(t *testing.T, v any, m *ColumnMeta, c *schema.Column) string {
	t.Helper()
	bits := func(n int64) string { return strconv.FormatUint(uint64(n), 10) }
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		if m.Type == ColumnLongLong || m.Type == ColumnSet {
			return strconv.FormatInt(v, 10)
		}
		return bits(v)
	case int8, int16, int32, int, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v)
	case float32:
		return strconv.FormatFloat(withinDigits(c, float64(v)), 'e', -1, 64)
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'"
	case string:
		switch m.Type {
		case ColumnNewDecimal:
			return v
		case ColumnTime2: // go-mysql leaves out a fraction of 0
			if m.Meta > 0 && !strings.Contains(v, ".") {
				v += "." + strings.Repeat("0", int(m.Meta))
			}
			return "'" + v + "'"
		case ColumnDate, ColumnDatetime2, ColumnTimestamp2:
			return "'" + v + "'"
		default:
		}
		if c.Type == "binary" {
			v += strings.Repeat("\x00", int(m.Meta)-len(v))
		}
		return "x'" + hex.EncodeToString([]byte(v)) + "'"
	}
	t.Fatalf("go-mysql value of type %T", v)
	return ""
}

// compareJSON compares documents as values: go-mysql's text differs in blanks and exponents.
func compareJSON(t *testing.T, at string, jsonb []byte, g any) {
	t.Helper()
	text, err := AppendJSON(nil, jsonb)
	if err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	theirs, ok := g.([]byte)
	if !ok {
		theirs = []byte(fmt.Sprint(g))
	}
	if d := differenceJSON(decodeJSON(t, text), decodeJSON(t, theirs)); d != "" {
		t.Errorf("%s: JSON differs from go-mysql's: %.2000s", at, d)
	}
}

func decodeJSON(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%.2000s: %v", text, err)
	}
	return v
}

// differenceJSON returns where and how two documents differ; nothing if they are equal.
func differenceJSON(a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return fmt.Sprintf("%#v, %#v", a, b)
		}
		for k := range x {
			if d := differenceJSON(x[k], y[k]); d != "" {
				return fmt.Sprintf("%q: %s", k, d)
			}
		}
		return ""
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return fmt.Sprintf("%#v, %#v", a, b)
		}
		for i := range x {
			if d := differenceJSON(x[i], y[i]); d != "" {
				return fmt.Sprintf("[%d]: %s", i, d)
			}
		}
		return ""
	case json.Number:
		if y, ok := b.(json.Number); ok && equalNumbers(x.String(), y.String()) {
			return ""
		}
	case string:
		// go-mysql prints the bytes of an opaque value instead of base64, and a TIME of 0 without a fraction.
		if y, ok := b.(string); ok && (x == y || strings.HasPrefix(x, "base64:type") || x == "00:00:00.000000" && y == "00:00:00") {
			return ""
		}
	default:
		if a == b {
			return ""
		}
	}
	return fmt.Sprintf("%#v, %#v", a, b)
}

func equalNumbers(x, y string) bool {
	if x == y {
		return true
	}
	m, _, errA := big.ParseFloat(x, 10, 400, big.ToNearestEven)
	n, _, errB := big.ParseFloat(y, 10, 400, big.ToNearestEven)
	if errA != nil || errB != nil || m.Cmp(n) == 0 {
		return errA == nil && errB == nil
	}
	// go-mysql prints a large double as a long integer.
	f, _ := m.Float64()
	g, _ := n.Float64()
	return f == g && strings.ContainsAny(x, ".e")
}
