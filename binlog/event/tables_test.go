package event

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// testTable is a table over some kinds of columns.
type testTable struct {
	schema.Table
	kinds  []kind
	create string // its columns, without the name
}

// newTestTable builds a table with a key and a column of each kind in random order, every third NOT NULL.
func newTestTable(r *rand.Rand, name schema.Name, kinds []kind) *testTable {
	r.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	t := &testTable{Table: schema.Table{Name: name}, kinds: kinds}
	id := column("int", -1, -1)
	id.Name, id.AutoInc = "id", true
	t.Columns = append(t.Columns, id)
	lines := []string{"id int NOT NULL AUTO_INCREMENT PRIMARY KEY"}
	for i, k := range kinds {
		c := k.column
		c.Name = fmt.Sprintf("c%d", i)
		c.Nullable = i%3 != 0
		null := " NULL"
		if !c.Nullable {
			null = " NOT NULL"
		}
		t.Columns = append(t.Columns, c)
		ddl, attribute, _ := strings.Cut(k.ddl, " srid") // stands behind NULL
		if attribute != "" {
			attribute = " srid" + attribute
		}
		lines = append(lines, c.Name+" "+ddl+null+attribute)
	}
	t.create = "(" + strings.Join(lines, ",\n") + ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARSET=utf8mb4"
	return t
}

// allTables are tables that have, together, every column type.
func allTables(r *rand.Rand, db string) []*testTable {
	var charsets []kind
	for _, c := range textCharsets {
		charsets = append(charsets, textKinds(c)...)
	}
	return []*testTable{
		newTestTable(r, schema.Name{Schema: db, Name: "numbers"}, slices.Concat(integerKinds(), numberKinds())),
		newTestTable(r, schema.Name{Schema: db, Name: "temporal"}, temporalKinds()),
		newTestTable(r, schema.Name{Schema: db, Name: "strings"}, slices.Concat(stringKinds(), labelKinds())),
		newTestTable(r, schema.Name{Schema: db, Name: "charsets"}, charsets),
		newTestTable(r, schema.Name{Schema: db, Name: "other"}, otherKinds()),
	}
}

// documentTable holds documents whose text does not tell all that is stored.
func documentTable(r *rand.Rand, db string) *testTable {
	d := jsonKind(documents{decimals: true})
	return newTestTable(r, schema.Name{Schema: db, Name: "documents"}, []kind{d, d})
}

// partitionedTable has rows that move between partitions.
func partitionedTable(r *rand.Rand, db string) *testTable {
	t := newTestTable(r, schema.Name{Schema: db, Name: "parts"}, integerKinds()[:4])
	t.create += " PARTITION BY HASH (id) PARTITIONS 3"
	return t
}

func (t *testTable) createIn(db string) string {
	return "CREATE TABLE " + schema.Name{Schema: db, Name: t.Name.Name}.Quoted() + " " + t.create
}

// value is a random value of column i (1 is the first behind the key).
func (t *testTable) value(r *rand.Rand, i int) string {
	if t.Columns[i].Nullable && r.IntN(8) == 0 {
		return "NULL"
	}
	return t.kinds[i-1].value(r)
}

// insert is an INSERT of n random rows.
func (t *testTable) insert(r *rand.Rand, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s VALUES ", t.Name.Quoted())
	for row := range n {
		if row > 0 {
			b.WriteByte(',')
		}
		b.WriteString("(NULL")
		for i := range t.kinds {
			b.WriteByte(',')
			b.WriteString(t.value(r, i+1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// update is an UPDATE of random columns of some rows.
func (t *testTable) update(r *rand.Rand) string {
	var sets []string
	for i := range t.kinds {
		if r.IntN(4) == 0 {
			sets = append(sets, t.Columns[i+1].Name+"="+t.value(r, i+1))
		}
	}
	if len(sets) == 0 {
		sets = append(sets, fmt.Sprintf("id=id+%d", 1+r.IntN(100_000_000)))
	}
	return fmt.Sprintf("UPDATE %s SET %s ORDER BY RAND() LIMIT %d", t.Name.Quoted(), strings.Join(sets, ","), 1+r.IntN(3))
}

func (t *testTable) remove(r *rand.Rand) string {
	return fmt.Sprintf("DELETE FROM %s ORDER BY RAND() LIMIT %d", t.Name.Quoted(), 1+r.IntN(2))
}

// change makes random changes to all tables: inserts first, then everything.
func change(t testing.TB, c *session, r *rand.Rand, tables []*testTable, statements int) {
	t.Helper()
	for range statements {
		table := tables[r.IntN(len(tables))]
		switch r.IntN(6) {
		case 0, 1, 2:
			c.exec(t, table.insert(r, 1+r.IntN(4)))
		case 3, 4:
			c.exec(t, table.update(r))
		case 5:
			c.exec(t, table.remove(r))
		}
	}
}
