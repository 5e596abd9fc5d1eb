package dumper

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// inChunks has every table read in chunks of ten rows, one table after the other.
func inChunks(c *Config) {
	c.tuning, c.Threads = tuning{firstRows: 10, mostRows: 10, chunkText: 1 << 20}, 1
}

// fill makes a table of n rows (id, v).
func fill(table string, n int) []string {
	statements := []string{"CREATE TABLE " + table + " (id INT PRIMARY KEY, v VARCHAR(50) NOT NULL)"}
	for i := range n {
		statements = append(statements, fmt.Sprintf("INSERT INTO %s VALUES (%d, 'row %d')", table, i, i))
	}
	return statements
}

// TestW3StatementsBetweenChunks: whatever happens to a table while it is read, what the manifest
// holds of it at the end is one state of it. Nothing is written behind the backup, and every
// statement is before D0, so the tables loaded are the source's.
func TestW3StatementsBetweenChunks(t *testing.T) {
	// GTIDs change where the clock's marks are, not what a statement does: without them it is every third case, others in
	// each run.
	third := rand.IntN(3)
	for _, gtid := range []bool{true, false} {
		s := newSite(t, mysqltest.Options{GTID: gtid, Relaxed: true})
		target := mysqltest.Target(t)
		for i, c := range []struct {
			name       string
			statements []string
			again      string // in the reasons why d.t was read again; empty for a tombstone
		}{
			{"add column", []string{"ALTER TABLE d.t ADD COLUMN w INT NOT NULL DEFAULT 7 FIRST"}, "ADD COLUMN"},
			{"drop column", []string{"ALTER TABLE d.t DROP COLUMN v"}, "DROP COLUMN"},
			{"rename column", []string{"ALTER TABLE d.t RENAME COLUMN v TO w"}, "RENAME COLUMN"},
			{"change type", []string{"ALTER TABLE d.t MODIFY v VARBINARY(60)"}, "MODIFY"},
			{"drop the key", []string{"ALTER TABLE d.t DROP PRIMARY KEY"}, "DROP PRIMARY KEY"},
			{"another key", []string{"ALTER TABLE d.t DROP PRIMARY KEY, ADD PRIMARY KEY (v)"}, "ADD PRIMARY KEY"},
			{"truncate", []string{"TRUNCATE TABLE d.t", "INSERT INTO d.t VALUES (5,'new')"}, "TRUNCATE"},
			{"swap", []string{"CREATE TABLE d.ghost LIKE d.t", "INSERT INTO d.ghost SELECT id+100, 'copy' FROM d.t", "RENAME TABLE d.t TO d.old, d.ghost TO d.t"}, ""},
			{"rename back and forth", []string{"RENAME TABLE d.t TO d.x", "UPDATE d.x SET v='moved'", "RENAME TABLE d.x TO d.t"}, "RENAME"},
			{"drop and create", []string{"DROP TABLE d.t", "CREATE TABLE d.t (other INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)"}, ""},
			{"drop", []string{"DROP TABLE d.t"}, ""},
			{"drop the schema", []string{"DROP DATABASE d", "CREATE DATABASE d CHARACTER SET latin1", "CREATE TABLE d.t (c VARCHAR(5))", "INSERT INTO d.t VALUES ('é')"}, ""},
			{"drop a column of an instant table", []string{"ALTER TABLE d.t ADD COLUMN w INT DEFAULT 3, ALGORITHM=INSTANT", "ALTER TABLE d.t DROP COLUMN w, ALGORITHM=INSTANT"}, "w"},
			{"engine", []string{"ALTER TABLE d.t ENGINE=InnoDB"}, "ENGINE"},
		} {
			if !gtid && i%3 != third {
				continue
			}
			t.Run(fmt.Sprintf("gtid=%v/%s", gtid, c.name), func(t *testing.T) {
				s := s.with(t)
				clean := []string{"DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS e"}
				s.exec(append(append(clean, "CREATE DATABASE d", "CREATE DATABASE e"), append(fill("d.t", 35), fill("e.u", 5)...)...)...)
				mysqltest.Exec(t, target, clean...)
				s.atChunk("d.t", 2, func() { s.exec(c.statements...) })
				_, m := s.backUp(inChunks)
				s.checkAgain(m, c.again)
				s.load(target, m)
				s.replay(target, m)
				s.equal(target, "d", "e")
			})
		}
	}
}

// checkAgain looks for the reason why d.t was read again.
func (s *site) checkAgain(m *catalog.Manifest, text string) {
	s.t.Helper()
	if text == "" {
		return
	}
	n := baseOf(s.t, m, "d.t")
	for _, a := range n.ReadAgain {
		if strings.Contains(a.Statement, text) && !a.Position.IsZero() {
			return
		}
	}
	s.t.Errorf("d.t was read again for %+v, not for %s", n.ReadAgain, text)
}

// replay stands for a restore where the log makes a table (base floor) or a tombstone is
// followed by one: it copies what the source has under such names now.
func (s *site) replay(target *mysqltest.Server, m *catalog.Manifest) {
	s.t.Helper()
	held := map[string]bool{}
	for _, n := range m.Names {
		held[n.Name.String()] = n.Base == catalog.BaseRead
	}
	found, err := discover(s.t.Context(), s.srv, selection{}, func() {})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, listed := range found.tables {
		if held[listed.Name.String()] {
			continue
		}
		s.t.Logf("%s is left to the log", listed.Name)
		create := answer(s.t, s.source.Root(), "SHOW CREATE TABLE "+listed.Quoted())
		_, create, _ = strings.Cut(create, " ")
		mysqltest.Exec(s.t, target, "CREATE DATABASE IF NOT EXISTS "+listed.Schema, "USE "+listed.Schema, create)
		copyRows(s.t, s.source, target, listed.Quoted())
	}
}

func copyRows(t testing.TB, from, to *mysqltest.Server, table string) {
	t.Helper()
	rows, err := from.Root().QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		// As text, which the server puts into a column's character set; bytes would go in as they are.
		texts := make([]sql.NullString, len(columns))
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range texts {
			values[i], into[i] = &texts[i], &texts[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		insert := "INSERT INTO " + table + " VALUES (" + strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",") + ")"
		if _, err := to.Root().ExecContext(t.Context(), insert, values...); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestW3DefinitionOnlyStatementKeepsTheChunks(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.atChunk("d.t", 2, func() { s.exec("ALTER TABLE d.t COMMENT 'changed'", "CREATE INDEX i ON d.t (v)") })
	r, m := s.backUp(inChunks)
	n := baseOf(t, m, "d.t")
	if r.BytesRead != n.Bytes {
		t.Errorf("%d bytes were read for %d: the chunks were read again for a comment", r.BytesRead, n.Bytes)
	}
}

func TestR3TriesAreBounded(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	n := 0
	s.gate.before(func(_ context.Context, key string) {
		if strings.Contains(key, "/data/d/t/") {
			n++
			s.exec(fmt.Sprintf("ALTER TABLE d.t ADD COLUMN c%d INT", n))
		}
	})
	_, err := s.tryBackUp(t.Context(), inChunks, func(c *Config) { c.DDLTries = 3 })
	if f := fault.Of(err); f == nil || f.Kind != fault.KindDDL || f.Code != fault.CodeFailed || !strings.Contains(f.Hint, "--ddl-tries") ||
		!strings.Contains(err.Error(), "ADD COLUMN") || !strings.Contains(err.Error(), "binlog.0") {
		t.Errorf("error %v: want one of kind ddl that names statement and position", err)
	}
	if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || len(ids) != 0 {
		t.Errorf("backups %v, %v: one exists that failed", ids, err)
	}
}

// TestR4SwapBehindTheFirstTable: a was read, then its content and that of b change places while
// b is read. Both have to be read again: what b was is now a.
func TestR4SwapBehindTheFirstTable(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append(append([]string{"CREATE DATABASE d"}, fill("d.a", 35)...), fill("d.b", 25)...)...)
	s.atChunk("d.b", 2, func() { s.exec("RENAME TABLE d.a TO d.x, d.b TO d.a, d.x TO d.b") })
	_, m := s.backUp(inChunks)
	if !s.swapped() {
		t.Fatal("the tables did not change places during the backup")
	}
	for _, name := range []string{"d.a", "d.b"} {
		if n := baseOf(t, m, name); n.Base == catalog.BaseRead && len(n.ReadAgain) == 0 {
			t.Errorf("%s was not read again", name)
		}
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

func (s *site) swapped() bool {
	return answer(s.t, s.source.Root(), "SELECT COUNT(*) FROM d.a") == "25"
}

// TestR6StatementBehindATable: a table that is complete stays complete when a statement comes
// behind its window; the log carries it out.
func TestR6StatementBehindATable(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	mysqltest.Failpoint(t, "dumper/journalOften", "return")
	s.exec(append(append([]string{"CREATE DATABASE d"}, fill("d.a", 5)...), fill("d.b", 95)...)...)
	behind := []string{"ALTER TABLE d.a ADD COLUMN w INT NOT NULL DEFAULT 7", "INSERT INTO d.a VALUES (100,'behind',8)", "DELETE FROM d.a WHERE id=1"}
	s.atChunk("d.b", 9, func() {
		id := s.unfinished()
		mysqltest.Eventually(t, func() bool { return s.isComplete(id, "d.a") }, "d.a is complete")
		s.exec(behind...)
	})
	_, m := s.backUp(inChunks)
	at := statementAt(t, s, behind[0])
	for _, n := range m.Names {
		if n.Statements.High.Before(n.Statements.Low) || m.End.Position.Before(n.Statements.High) || n.Statements.Low.Before(m.Floor.Position) {
			t.Errorf("%s has window %v; floor %s, end %s", n.Name, n.Statements, m.Floor, m.End)
		}
	}
	if a := baseOf(t, m, "d.a"); a.RowCount != 5 || len(a.Columns) != 2 || len(a.ReadAgain) > 0 || at.Before(a.Statements.High) || m.End.Position.Before(at) {
		t.Errorf("d.a has %d rows of %v up to %s, read again %+v; the statement is at %s, the end at %s", a.RowCount, a.Columns, a.Statements.High, a.ReadAgain, at, m.End)
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	mysqltest.Exec(t, target, behind...)
	s.equal(target, "d")
}

// isComplete tells whether the journal of a backup has a table that was read to its end.
func (s *site) isComplete(id, table string) bool {
	parts, err := s.catalog.Journal(s.t.Context(), instanceName, id)
	if err != nil {
		s.t.Error(err)
		return true
	}
	return slices.ContainsFunc(parts, func(p catalog.JournalPart) bool {
		return slices.ContainsFunc(p.Entries, func(e catalog.JournalEntry) bool { return e.Done != nil && e.Name.String() == table })
	})
}

// TestUnloggedStatements: what a statement in statement format does is in the log only as text;
// what it touched is read again behind it.
func TestUnloggedStatements(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.atChunk("d.t", 2, func() {
		s.exec("SET SESSION binlog_format=STATEMENT", "UPDATE d.t SET v=CONCAT(v,' changed')")
	})
	_, m := s.backUp(inChunks)
	s.checkAgain(m, "UPDATE d.t")
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

// TestStatementsBeforeTheBackup: with file positions as low marks everything since the file's
// start lies behind floor: statements of long ago must not keep a backup from its end.
func TestStatementsBeforeTheBackup(t *testing.T) {
	s := newSite(t, mysqltest.Options{Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d", "CREATE DATABASE gone"}, fill("d.t", 5)...)...)
	s.exec("CREATE TABLE d.dropped (a INT)", "DROP TABLE d.dropped", "RENAME TABLE d.t TO d.moved", "ALTER TABLE d.moved COMMENT 'x'",
		"DROP DATABASE gone", "ALTER DATABASE d CHARACTER SET latin1", "CREATE TABLE d.like_it LIKE d.moved",
		"CREATE TRIGGER d.tr BEFORE INSERT ON d.moved FOR EACH ROW SET @a=1", "RENAME TABLE d.moved TO d.t",
		"CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1", "ALTER EVENT d.e RENAME TO d.f", "ALTER EVENT d.f COMMENT 'y'",
		"CREATE PROCEDURE d.p() SET @a=1", "ALTER PROCEDURE d.p COMMENT 'z'", "CREATE VIEW d.v AS SELECT 1", "RENAME TABLE d.v TO d.w",
		"CREATE PROCEDURE d.q() SET @a=1", "DROP PROCEDURE d.q")
	r, m := s.backUp()
	for _, table := range r.Tables {
		if len(table.ReadAgain) > 1 {
			t.Errorf("%s.%s was read again: %+v", table.Schema, table.Name, table.ReadAgain)
		}
	}
	want := map[string]bool{"trigger d.tr": true, "event d.f": true, "procedure d.p": true, "view d.w": true}
	for _, o := range m.Objects {
		if o.Absent == want[string(o.Kind)+" "+o.Name.String()] {
			t.Errorf("%s %s: absent=%v", o.Kind, o.Name, o.Absent)
		}
		delete(want, string(o.Kind)+" "+o.Name.String())
	}
	if len(want) > 0 {
		t.Errorf("missing from the manifest: %v", want)
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.replay(target, m)
	mysqltest.Exec(t, target, "ALTER DATABASE d CHARACTER SET latin1")
}

func run(t *testing.T, s *mysqltest.Server, statement string) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.Exec(context.WithoutCancel(t.Context()), statement) }()
	return done
}
