package event

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestLiteralsRoundTrip writes random rows over every column type, builds INSERT statements from
// their row images, runs them on a second set of tables under the modes of a restore, and compares
// the tables byte by byte. Each literal must also find its row in a WHERE clause.
func TestLiteralsRoundTrip(t *testing.T) {
	s := mysqltest.Source(t)
	c := newSession(t, s)
	r := newRand(t)
	tables := allTables(r, "src")
	c.exec(t, "CREATE DATABASE src", "CREATE DATABASE dst")
	for _, table := range tables {
		c.exec(t, table.createIn("src"), table.createIn("dst"))
	}
	first := beginLog(t, s)
	for _, table := range tables {
		for range 6 {
			c.exec(t, table.insert(r, 5))
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
	c.exec(t, "SET sql_mode='STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")
	for _, table := range tables {
		c.exec(t, "TRUNCATE "+schema.Name{Schema: "dst", Name: table.Name.Name}.Quoted())
	}
	for _, i := range inserts.statements {
		if _, err := c.ExecContext(t.Context(), i); err != nil && !mysqltest.IsError(err, 1265) { // enum 0
			t.Fatalf("%.2000s: %v", i, err)
		}
	}
}

// literals builds statements from row images.
type literals struct {
	t          *testing.T
	tables     map[schema.Name]*testTable
	statements []string
	predicates []string
	rows       int
}

func newLiterals(t *testing.T, tables []*testTable) *literals {
	l := &literals{t: t, tables: map[schema.Name]*testTable{}}
	for _, table := range tables {
		l.tables[table.Name] = table
	}
	return l
}

func (l *literals) add(raws []rawEvent) {
	l.t.Helper()
	for _, e := range parseAll(l.t, raws) {
		r, ok := e.(*Rows)
		if !ok {
			continue
		}
		if err := Compatible(r.Table, &l.tables[r.Table.Name].Table); err != nil {
			l.t.Fatalf("R7: %v", err)
		}
		if err := r.Each(func(_, after Image) error { return l.row(r.Table, after) }); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *literals) row(m *TableMap, im Image) error {
	l.rows++
	table := l.tables[m.Name]
	target := schema.Name{Schema: "dst", Name: m.Name.Name}.Quoted()
	values := make([]string, im.NumColumns())
	for i := range values {
		literal, err := AppendLiteral(nil, &table.Columns[i], &m.Columns[i], im, i)
		if err != nil {
			return err
		}
		values[i] = string(literal)
		atLimit := m.Columns[i].Type == ColumnFloat && table.Columns[i].Decimals >= 0 && strings.Contains(values[i], "99999") // see withinDigits
		if m.Columns[i].Type != ColumnVector && !atLimit {                                                                    // error 1210
			l.predicates = append(l.predicates, fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE id=%s AND %s <=> %s /* %s */",
				target, values[0], table.Columns[i].Name, values[i], table.Columns[i].Type))
		}
	}
	l.statements = append(l.statements, fmt.Sprintf("INSERT INTO %s VALUES (%s)", target, strings.Join(values, ",")))
	return nil
}

// readExpression reads a column byte for byte (facts 7.4, 7.7).
func readExpression(c *schema.Column) string {
	switch c.Type {
	case "float":
		return c.Name + "*1e0"
	case "enum", "set":
		return "CAST(" + c.Name + " AS UNSIGNED)"
	}
	return c.Name
}

// compareTables compares all rows of a table in two schemas byte by byte.
func compareTables(t *testing.T, c *session, table *testTable, a, b string) {
	t.Helper()
	c.exec(t, "SET NAMES binary")
	defer c.exec(t, "SET NAMES utf8mb4")
	var columns []string
	for i := range table.Columns {
		columns = append(columns, readExpression(&table.Columns[i]))
	}
	read := func(db string) [][][]byte {
		return c.rows(t, fmt.Sprintf("SELECT %s FROM %s ORDER BY id", strings.Join(columns, ","), schema.Name{Schema: db, Name: table.Name.Name}.Quoted()))
	}
	rows, copies := read(a), read(b)
	if len(rows) != len(copies) || len(rows) == 0 {
		t.Fatalf("table %s: %d rows, %d in the copy", table.Name, len(rows), len(copies))
	}
	for i := range rows {
		for j := range rows[i] {
			if x, y := rows[i][j], copies[i][j]; !bytes.Equal(x, y) || (x == nil) != (y == nil) {
				t.Errorf("table %s, id %s, column %s: %.2000q, %.2000q in the copy", table.Name, rows[i][0], columns[j], x, y)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}
