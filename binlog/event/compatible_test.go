package event

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestR7TableMapAgainstDefinition compares logged table maps with the definitions they were made
// from, and with definitions that differ in one thing.
func TestR7TableMapAgainstDefinition(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, ExtraArgs: []string{"--binlog-row-metadata=FULL"}})
	c := newSession(t, s)
	r := newRand(t)
	tables := allTables(r, "r7")
	c.exec(t, "CREATE DATABASE r7")
	definitions := map[schema.Name]schema.Table{}
	for _, table := range tables {
		c.exec(t, table.createIn("r7"))
		definitions[table.Name] = table.Table
	}
	first := beginLog(t, s)
	for _, table := range tables {
		c.exec(t, table.insert(r, 1))
	}
	maps := 0
	for _, e := range parseAll(t, logSince(t, s, first)) {
		m, ok := e.(*TableMap)
		if !ok {
			continue
		}
		maps++
		d := definitions[m.Name]
		if err := Compatible(m, &d); err != nil {
			t.Errorf("%v", err)
		}
		fewer, more := d, d
		fewer.Columns = d.Columns[1:]
		more.Columns = append(slices.Clone(d.Columns), d.Columns[0])
		wantIncompatible(t, m, &fewer, "")
		wantIncompatible(t, m, &more, "")
		for i := range d.Columns {
			for _, altered := range alterations(d.Columns[i]) {
				x := d
				x.Columns = slices.Clone(d.Columns)
				x.Columns[i] = altered
				wantIncompatible(t, m, &x, altered.Name)
			}
		}
	}
	if maps != len(tables) {
		t.Errorf("%d table maps", maps)
	}
}

func wantIncompatible(t *testing.T, m *TableMap, d *schema.Table, name string) {
	t.Helper()
	err := Compatible(m, d)
	if !errors.Is(err, ErrIncompatible) || !strings.Contains(err.Error(), m.Name.String()) || !strings.Contains(err.Error(), name) {
		t.Errorf("table %s, column %s: %v", m.Name, name, err)
	}
}

// alterations are definitions that differ from c in what a table map tells.
func alterations(c schema.Column) []schema.Column {
	var all []schema.Column
	alter := func(fn func(*schema.Column)) {
		x := c
		fn(&x)
		all = append(all, x)
	}
	alter(func(x *schema.Column) { x.Name += "x" })
	alter(func(x *schema.Column) { x.Nullable = !x.Nullable })
	alter(func(x *schema.Column) {
		if x.Type = "date"; c.Type == "date" {
			x.Type = "year"
		}
	})
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double":
		alter(func(x *schema.Column) { x.Unsigned = !x.Unsigned })
	}
	switch c.Type {
	case "decimal":
		alter(func(x *schema.Column) { x.Length++ })
		alter(func(x *schema.Column) { x.Decimals++ })
	case "char", "varchar", "binary", "varbinary", "bit", "vector":
		alter(func(x *schema.Column) { x.Length++ })
	case "time", "datetime", "timestamp":
		alter(func(x *schema.Column) { x.Length = max(x.Length, 0) + 1 })
	case "text":
		alter(func(x *schema.Column) { x.Type = "mediumtext" })
		alter(func(x *schema.Column) { x.Type, x.Charset = "blob", "" })
	case "blob":
		alter(func(x *schema.Column) { x.Type, x.Charset = "text", "utf8mb4" })
	case "enum", "set":
		alter(func(x *schema.Column) { x.Members = append(slices.Clone(c.Members), "more") })
		alter(func(x *schema.Column) {
			x.Members = slices.Clone(c.Members)
			x.Members[0] = "other"
		})
	case "point":
		alter(func(x *schema.Column) { x.Type = "polygon" })
	}
	return all
}
