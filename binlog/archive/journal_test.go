package archive_test

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// shown is what the source says a table is now.
func (s *site) shown(t testing.TB, table string) string {
	t.Helper()
	var name, create string
	if err := s.source.Root().QueryRowContext(t.Context(), "SHOW CREATE TABLE "+table).Scan(&name, &create); err != nil {
		t.Fatal(err)
	}
	return create
}

// definitions waits for what is known behind the statement that starts at a place.
func (s *site) definitions(t testing.TB, at binlog.Position) map[string]catalog.Definition {
	t.Helper()
	var found catalog.Definitions
	mysqltest.Eventually(t, func() bool {
		d, ok, err := s.catalog().Definitions(t.Context(), instance, at)
		if err != nil {
			t.Fatal(err)
		}
		found = d
		return ok
	}, "the definitions behind "+at.String())
	if found.Verb == "" || !at.Before(found.End) || found.Epoch == 0 {
		t.Errorf("definitions %+v", found)
	}
	list := map[string]catalog.Definition{}
	for _, d := range found.Tables {
		list[d.String()] = d
	}
	return list
}

// Behind each statement the journal holds the definitions of the tables that it touched, as the
// server says them: with what it has added by itself.
func TestDefinitionsAreKept(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w")
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r)
	for _, c := range []struct {
		statement string
		tables    []string
	}{
		{"CREATE TABLE w.p (id INT PRIMARY KEY, n INT)", []string{"w.p"}},
		{"CREATE TABLE w.c (id INT PRIMARY KEY, p INT)", []string{"w.c"}},
		{"ALTER TABLE w.c ADD FOREIGN KEY (p) REFERENCES w.p (id)", []string{"w.c"}},
		{"CREATE INDEX n ON w.p (n)", []string{"w.p"}},
		{"CREATE TABLE w.l LIKE w.c", []string{"w.l"}},
		{"RENAME TABLE w.l TO w.m, w.p TO w.q", []string{"w.m", "w.q"}},
		{"ALTER TABLE w.m ADD u VARCHAR(36) DEFAULT 'x'", []string{"w.m"}},
	} {
		at := s.sourceEnd(t)
		mysqltest.Exec(t, s.source, c.statement)
		list := s.definitions(t, at)
		if len(list) != len(c.tables) {
			t.Errorf("%s: definitions %+v", c.statement, list)
		}
		for _, table := range c.tables {
			d := list[table]
			if d.Create != s.shown(t, table) || d.Unknown != "" || d.Until.Before(s.sourceEnd(t)) {
				t.Errorf("%s: %s is %+v", c.statement, table, d)
			}
		}
	}
	if c := s.shown(t, "w.c"); !strings.Contains(c, "KEY `p` (`p`)") {
		t.Errorf("the server adds no index for a foreign key: the test proves less than it says: %s", c)
	}
	at := s.sourceEnd(t)
	mysqltest.Exec(t, s.source, "DROP TABLE w.m", "CREATE TABLE w.last (id INT)") // leaves nothing behind
	s.definitions(t, s.sourceEndBefore(t, at))
	if _, ok, err := s.catalog().Definitions(t.Context(), instance, at); ok || err != nil {
		t.Errorf("a definition behind a DROP: %v, %v", ok, err)
	}
}

// sourceEndBefore is where the entry behind the one at a place starts.
func (s *site) sourceEndBefore(t testing.TB, at binlog.Position) binlog.Position {
	t.Helper()
	mysqltest.Eventually(t, func() bool { return !s.head(t, at.Timeline).End.Before(s.sourceEnd(t)) }, "the archive at the source's end")
	for _, e := range s.readAll(t) {
		if at.Before(e.Start) {
			return e.Start
		}
	}
	t.Fatalf("no entry behind %s", at)
	return at
}

// What may be another statement's definition is not known, nor is what cannot be read; the
// archive goes on.
func TestDefinitionsThatAreNotKnown(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	var at []binlog.Position
	run := func(statements ...string) {
		for _, statement := range statements {
			at = append(at, s.sourceEnd(t))
			mysqltest.Exec(t, s.source, statement)
		}
	}
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w")
	run("CREATE TABLE w.a (id INT PRIMARY KEY)", "ALTER TABLE w.a ADD x INT", "CREATE TABLE w.p (id INT PRIMARY KEY)",
		"CREATE TABLE w.c (p INT, FOREIGN KEY (p) REFERENCES w.p (id))", "RENAME TABLE w.p TO w.q", "CREATE TABLE IF NOT EXISTS w.soft (id INT)",
		"CREATE TABLE w.gone (id INT)", "DROP TABLE w.gone", "CREATE TABLE w.b (id INT)")
	s.untilIdle(t, nil)
	for i, want := range []map[string]string{
		{"w.a": "another statement, at " + at[1].String()}, {"w.a": ""}, {"w.p": "it could not be read"},
		{"w.c": "another statement, at " + at[4].String()}, {"w.q": ""}, {"w.soft": "the statement need not have waited"},
		{"w.gone": "it could not be read"}, nil, {"w.b": ""},
	} {
		if want == nil {
			continue
		}
		list := s.definitions(t, at[i])
		for table, why := range want {
			d := list[table]
			if known := d.Create != ""; known != (why == "") || !strings.HasPrefix(d.Unknown, why) || known && d.Create != s.shown(t, table) {
				t.Errorf("behind %s: %+v, want %q", at[i], d, why)
			}
		}
	}
	mysqltest.Exec(t, s.source, "REVOKE SELECT, SHOW VIEW, TRIGGER ON *.* FROM '"+s.user.Name+"'@'%'")
	denied := s.sourceEnd(t)
	mysqltest.Exec(t, s.source, "CREATE TABLE w.secret (id INT)")
	s.untilIdle(t, nil)
	if d := s.definitions(t, denied)["w.secret"]; !strings.Contains(d.Unknown, "denied") {
		t.Errorf("a definition that may not be read: %+v", d)
	}
	s.readAll(t)
}
