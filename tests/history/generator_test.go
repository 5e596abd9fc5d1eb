package history

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// The generator has to reach what it claims to: rows in every table shape, most statements
// accepted, every kind of DDL carried out at some time.
func TestGeneratorReachesEveryShapeAndKind(t *testing.T) {
	ctx := context.Background()
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
	if _, err := s.CreateRestoreUser(ctx, schemas...); err != nil { // a definer
		t.Fatal(err)
	}
	var statements []string
	names := map[name]template{}
	for _, schema := range []string{mainSchema, otherSchema} {
		statements = append(statements, "CREATE DATABASE "+quote(schema))
	}
	for _, shape := range templates {
		n := name{mainSchema, shape.name}
		names[n] = shape
		statements = append(statements, shape.create(n.schema, n.table))
	}
	if err := s.Exec(ctx, append(statements, linked...)...); err != nil {
		t.Fatal(err)
	}
	h := &run{source: s.Root(), live: &live{}, r: rand.New(rand.NewPCG(1, 1))}
	if err := h.live.refresh(ctx, h.source); err != nil {
		t.Fatal(err)
	}
	if err := h.fill(ctx, names); err != nil {
		t.Fatal(err)
	}
	before, err := truth.Take(ctx, h.source, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, table := range before.Tables() {
		rows[table.Name] = table.Rows
	}
	for _, n := range h.live.names() {
		if rows := rows[n.schema+"."+n.table]; rows < 5 {
			t.Errorf("%s holds only %d rows after the fill", n, rows)
		}
	}
	w := startWriters(ctx, h.source, h.live, 1, 4)
	d, err := newDDL(ctx, h.source, h.live, h.r, map[name]uint64{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 900 {
		if i > 150 && len(missingDDL(d)) == 0 {
			break
		}
		if _, err := d.step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mysqltest.Eventually(t, func() bool { return w.committed.Load() > 600 }, "600 transactions")
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d committed, %d rolled back, %d statements refused", w.committed.Load(), w.rolledBack.Load(), w.refused.Load())
	if missing := missingDDL(d); len(missing) > 0 {
		t.Errorf("no DDL with any of %q was carried out", missing)
	}
	after, err := truth.Take(ctx, h.source, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	if d := after.Differences(after); len(d) > 0 {
		t.Errorf("a truth differs from itself: %v", d)
	}
	if len(before.Differences(after)) == 0 {
		t.Error("two moments of a history are told to be equal")
	}
}

// missingDDL lists what no statement that succeeded contains.
func missingDDL(d *ddl) []string {
	all := strings.Join(d.done, "\n")
	return slices.DeleteFunc([]string{
		"ADD COLUMN", "DROP COLUMN", "MODIFY", "RENAME COLUMN", "CREATE INDEX", "ADD UNIQUE", "COMMENT=", "SET DEFAULT", "ENGINE=",
		"TRUNCATE TABLE", "RENAME TABLE", "_gho_", "DROP TABLE", "LIKE", "PRIMARY KEY) SELECT", "CREATE DATABASE", "ALTER DATABASE", "VIEW",
		"PROCEDURE", "FUNCTION", "CREATE TRIGGER", "CREATE EVENT", "CONVERT TO", "IF NOT EXISTS", " AUTO_INCREMENT=", "NOT NULL AUTO_INCREMENT", "DEFINER=",
	}, func(part string) bool { return strings.Contains(all, part) })
}
