package history

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

func TestMain(m *testing.M) {
	mysqltest.InMemory()
	mysqltest.Main(m)
}

// The generator has to reach what it claims to: rows in every table shape, most statements
// accepted, every kind of DDL carried out at some time.
func TestGeneratorReachesEveryShapeAndKind(t *testing.T) {
	t.Run("9.7", func(t *testing.T) { reachEveryShapeAndKind(t, Config{Kind: "9.7", GTID: true}) })
	t.Run("5.6", func(t *testing.T) { reachEveryShapeAndKind(t, Config{Kind: "5.6"}) })
}

func reachEveryShapeAndKind(t *testing.T, c Config) {
	ctx := context.Background()
	s := mysqltest.Take(t, mysqltest.Options{Kind: c.kind().server, GTID: c.GTID, Relaxed: true})
	if _, err := s.CreateRestoreUser(ctx, schemas...); err != nil { // a definer
		t.Fatal(err)
	}
	c.Seed, c.Rows, c.With, c.Without = 1, DefaultRows, []string{everything}, []string{bigTransactions.Name, largeEvents.Name, lowerCase.Name}
	h, err := newRun(Servers{Source: s}, c)
	if err != nil {
		t.Fatal(err)
	}
	must(t, h.setGlobals(ctx))
	defer func() { must(t, h.putBack()) }()
	h.source = s.Root()
	setup, err := h.open(ctx, setupSession, "SET NAMES utf8mb4, sql_mode='ALLOW_INVALID_DATES', foreign_key_checks=0")
	if err != nil {
		t.Fatal(err)
	}
	defer setup.close()
	var statements []string
	statements, h.shapes = layout(h.r, h.features)
	must(t, setup.all(ctx, statements...))
	must(t, h.live.refresh(ctx, h.source, h.kind()))
	must(t, h.fill(ctx, setup))
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
	d, err := h.newDDL(ctx, h.r)
	if err != nil {
		t.Fatal(err)
	}
	if c.kind() != &kinds[0] { // one of each kind of DDL: the others take their time on every server
		defer d.close()
		must(t, d.owed(ctx))
		for _, f := range h.features {
			if len(f.DDL) > 0 && h.census.of(f.Name, byDDL) == 0 {
				t.Errorf("no DDL of %s was carried out", f.Name)
			}
		}
		return
	}
	w := h.startWriters(ctx, 1, 4)
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
	must(t, d.owed(ctx))
	d.close()
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
	if d.run.kind().noRename {
		all = strings.ReplaceAll(all, "CHANGE COLUMN", "RENAME COLUMN")
	}
	return slices.DeleteFunc([]string{
		"ADD COLUMN", "DROP COLUMN", "MODIFY", "RENAME COLUMN", "CREATE INDEX", "ADD UNIQUE", "COMMENT=", "SET DEFAULT", "ENGINE=",
		"TRUNCATE TABLE", "RENAME TABLE", "_gho_", "DROP TABLE", "LIKE", "PRIMARY KEY) SELECT", "CREATE DATABASE", "ALTER DATABASE", "VIEW",
		"PROCEDURE", "FUNCTION", "CREATE TRIGGER", "CREATE EVENT", "CONVERT TO", "IF NOT EXISTS", " AUTO_INCREMENT=", "NOT NULL AUTO_INCREMENT", "DEFINER=",
	}, func(part string) bool { return strings.Contains(all, part) })
}
