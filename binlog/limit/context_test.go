package limit

import (
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
)

// A statement whose event holds a variable of the session that this version does not know is a limit: what stands behind it was
// not read, and is not 0 for that.
func TestStatementsOfUnknownContext(t *testing.T) {
	for _, c := range []struct {
		vars, sql string
		want      string // limits as kind, tables, schemas, every table
	}{
		// sql_mode and the character sets in front of what is not known, then behind it.
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00\xc8\x01", "ALTER TABLE t ADD a INT", "[context [d.t] [] false]"},
		{"\xc8\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00", "ALTER TABLE t ADD a INT", "[context [d.t] [d] true]"},
		{"\x04\x2d\x00\x2d\x00\x2d\x00\xc8\x01", "ALTER TABLE t ADD a INT", "[context [d.t] [d] true]"},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00", "ALTER TABLE t ADD a INT", "[]"},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00\xc8", "DROP DATABASE e", "[context [] [e] false]"},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00\xc8", "CREATE VIEW e.v AS SELECT 1", "[]"},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00\xc8", "UPDATE t SET a=1", "[statement [d.t] [d] false]"},
		{"\xc8", "CREATE USER u", "[]"},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x04\x2d\x00\x2d\x00\x2d\x00\xc8", "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')", "[]"},
		{"\xc8", "BEGIN", "[]"},
		{"\xc8", "FLUSH TABLES", "[]"},
	} {
		collector := NewCollector(Source{Flavor: "mysql", Version: "9.7.4"}, nil)
		collector.Begin()
		q := parsed(t, c.vars, c.sql)
		collector.Query(&event.Entry{}, q)
		got := []string{}
		for _, l := range collector.End(&event.Entry{Kind: event.Statement}) {
			got = append(got, fmt.Sprintf("%s %v %v %v", l.Kind, l.Tables, l.Schemas, l.EveryTable))
			if Cause(l) == nil || Describe(l) == "" {
				t.Errorf("%s: %+v is not refused", c.sql, l)
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%q %s: %v, want %s", c.vars, c.sql, got, c.want)
		}
	}
}

// marked is a query event of a session that has used a temporary table.
func marked(t *testing.T, sql string) *event.Query {
	t.Helper()
	return flagged(t, event.FlagThreadSpecific, "", sql)
}

// parsed reads a query event of these status variables.
func parsed(t *testing.T, vars, sql string) *event.Query {
	t.Helper()
	return flagged(t, 0, vars, sql)
}

func flagged(t *testing.T, flags uint16, vars, sql string) *event.Query {
	t.Helper()
	const size = event.HeaderSize
	make19 := func(kind event.Type, body string) []byte {
		raw := make([]byte, size, size+len(body))
		raw[4] = byte(kind)
		n := size + len(body)
		raw[9], raw[10] = byte(n), byte(n>>8)
		return append(raw, body...)
	}
	p := event.NewParser()
	// A format description without checksums: version 4, the server's version, a time, the header's size, sizes of fixed parts.
	format := "\x04\x00" + fmt.Sprintf("%-50s", "9.7.4\x00") + "\x00\x00\x00\x00" + "\x13"
	sizes := make([]byte, 42)
	for i := range sizes {
		sizes[i] = 8
	}
	sizes[event.TypeQuery-1] = 13
	if _, err := p.Parse(make19(event.TypeFormatDescription, format+string(sizes)+"\x00"+"\x00\x00\x00\x00")); err != nil {
		t.Fatal(err)
	}
	raw := make19(event.TypeQuery, string([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, byte(len(vars)), 0})+vars+"d\x00"+sql)
	raw[17] = byte(flags)
	events, err := p.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	q, ok := events[0].(*event.Query)
	if !ok {
		t.Fatalf("%T", events[0])
	}
	return q
}
