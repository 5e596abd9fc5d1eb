package dumper

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// mariadb opens a MariaDB with the rights of a backup, on which the statements have been run.
func mariadb(t *testing.T, statements ...string) *server.Server {
	t.Helper()
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, TrustFunctionCreators: true})
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, s, statements...)
	a, err := server.ParseURL(s.URL(u))
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret(u.Password)
	srv, err := server.Open(t.Context(), a, server.Source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func rawOn(t *testing.T, srv *server.Server) *server.RawConn {
	t.Helper()
	conn, err := srv.RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// TestMariaDBDiscoveryAndObjects: what MariaDB shows of itself, with its context, and that what is not there
// is told as such.
func TestMariaDBDiscoveryAndObjects(t *testing.T) {
	srv := mariadb(t, "CREATE DATABASE d CHARACTER SET utf8mb4", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, a INT)", "CREATE TABLE ver (id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
		"CREATE SEQUENCE sq", "SET NAMES latin1, sql_mode='ANSI_QUOTES', time_zone='+03:00'",
		"CREATE VIEW v AS SELECT id, '\xe9' AS c FROM t WHERE a > 1", "CREATE PROCEDURE p(IN x VARCHAR(10)) COMMENT 'c' SELECT '\xe9', x",
		"CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1", "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1", "CREATE TRIGGER g2 BEFORE INSERT ON t FOR EACH ROW FOLLOWS g SET NEW.a = 2",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DISABLE DO SET @x = '\xe9'")
	l, err := discover(t.Context(), srv, selection{}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for _, listed := range l.tables {
		tables = append(tables, listed.Name.String())
	}
	slices.Sort(tables)
	if !slices.Equal(tables, []string{"d.sq", "d.t", "d.ver"}) || !slices.Equal(l.schemas, []string{"d"}) || len(l.objects) != 6 {
		t.Errorf("schemas %v, tables %v, objects %+v", l.schemas, tables, l.objects)
	}
	conn := rawOn(t, srv)
	for _, listed := range l.objects {
		o := catalog.Object{Name: listed.name, Kind: listed.kind}
		if err := describe(t.Context(), conn, &o); err != nil {
			t.Errorf("%s %s: %v", o.Kind, o.Name, err)
			continue
		}
		accent := slices.Contains([]string{"v", "p", "e"}, o.Name.Name)
		if o.Absent || !strings.HasPrefix(o.Create, "CREATE ") || strings.Contains(o.Create, "é") != accent || o.CharacterSetClient != "latin1" || o.CollationConnection != "latin1_swedish_ci" {
			t.Errorf("%+v", o)
		}
		if o.Kind != catalog.KindView && (o.SQLMode != "ANSI_QUOTES" || o.DatabaseCollation != "utf8mb4_general_ci") {
			t.Errorf("the context of %+v", o)
		}
		if o.Kind == catalog.KindEvent && o.TimeZone != "+03:00" || o.Kind == catalog.KindTrigger && (o.Table != "t" || o.ActionOrder != map[string]int{"g": 1, "g2": 2}[o.Name.Name]) {
			t.Errorf("the context of %+v", o)
		}
	}
	for kind := range showObjects {
		o := catalog.Object{Name: schema.Name{Schema: "d", Name: "gone"}, Kind: kind}
		if err := describe(t.Context(), conn, &o); err != nil || !o.Absent {
			t.Errorf("%s that is not there: %+v, %v", kind, o, err)
		}
	}
}

// TestMariaDBKeysAreWalked: the SELECTs of a walk by every kind of key, in the traditional format of EXPLAIN,
// and the keys in no order, by which none is walked.
func TestMariaDBKeysAreWalked(t *testing.T) {
	srv := mariadb(t, "CREATE DATABASE d", "USE d", "CREATE TABLE i (id INT UNSIGNED PRIMARY KEY, v INT)", "CREATE TABLE c (a CHAR(3) COLLATE utf8mb4_uca1400_ai_ci NOT NULL, b DATETIME(3) NOT NULL, UNIQUE (a DESC, b))",
		"CREATE TABLE e (e ENUM('z','m','a') PRIMARY KEY)", "CREATE TABLE h (t TEXT NOT NULL, UNIQUE (t))", "CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MEMORY",
		"CREATE TABLE g (id INT UNIQUE NOT NULL, s INT AS (id + 1) STORED, KEY (s))",
		"INSERT INTO i SELECT seq, seq FROM seq_1_to_300", "INSERT INTO c SELECT CHAR(97 + seq DIV 10, 97 + seq MOD 10), '2026-01-01 00:00:00.123' FROM seq_1_to_200",
		"INSERT INTO e VALUES ('z'), ('m'), ('a')", "INSERT INTO h SELECT CONCAT(REPEAT('x', 3000), seq) FROM seq_1_to_50", "INSERT INTO m SELECT seq FROM seq_1_to_50", "INSERT INTO g (id) SELECT seq FROM seq_1_to_50")
	conn := rawOn(t, srv)
	for name, want := range map[string]struct {
		walked bool
		rows   int
	}{"i": {true, 300}, "c": {true, 200}, "e": {false, 3}, "h": {false, 50}, "m": {false, 50}, "g": {true, 50}} {
		shown, err := conn.Rows(t.Context(), "SHOW CREATE TABLE d."+name)
		if err != nil {
			t.Fatal(err)
		}
		table, err := ddl.ParseCreateTable(shown[0][1], "d")
		if err != nil {
			t.Fatal(err)
		}
		all := paths(table)
		if len(all) != 1 {
			t.Fatalf("%s has %d paths", name, len(all))
		}
		p := &all[0]
		if p.certain() != want.walked {
			t.Errorf("%s is walked without asking: %v", name, p.certain())
		}
		if !p.certain() {
			continue
		}
		var bound []string
		rows := 0
		for full := true; full; {
			n := 0
			var last []byte
			err := guarded(t.Context(), conn, p.selectFrom(bound, nil, 37, ""), func(packet []byte) error {
				n++
				last = slices.Clone(packet)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if rows += n; n > 0 {
				if bound, _, err = p.bound(last, nil); err != nil {
					t.Fatal(err)
				}
			}
			full = n > 0
		}
		if rows != want.rows {
			t.Errorf("the walk of %s has %d rows, want %d", name, rows, want.rows)
		}
	}
	plan, err := conn.Rows(t.Context(), "EXPLAIN FORMAT=TRADITIONAL SELECT * FROM d.i FORCE INDEX (`PRIMARY`) WHERE id > 5 ORDER BY id LIMIT 10")
	if err != nil || len(plan) != 1 || !slices.Contains(plan[0], "range") {
		t.Errorf("EXPLAIN says %q, %v", plan, err)
	}
}

// TestMariaDBTablesThatAreRefused: a table with what only MariaDB has and this version cannot restore, made
// while the backup runs, ends it by name.
func TestMariaDBTablesThatAreRefused(t *testing.T) {
	srv := mariadb(t, "CREATE DATABASE d", "USE d", "CREATE TABLE uuids (u UUID PRIMARY KEY)", "CREATE TABLE versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING", "CREATE SEQUENCE sq",
		"CREATE TABLE periods (id INT, s DATE, e DATE, PERIOD FOR p (s, e), UNIQUE (id, p WITHOUT OVERLAPS))", "CREATE TABLE small (id INT PRIMARY KEY, b BLOB COMPRESSED)", "CREATE TABLE fine (id INT PRIMARY KEY, j JSON)")
	w := &worker{backup: &backup{cfg: Config{Source: srv}}}
	conn := rawOn(t, srv)
	for name, what := range map[string]string{"uuids": "type", "versioned": "versioning", "sq": "sequence", "periods": "OVERLAPS", "small": "COMPRESSED", "fine": ""} {
		shown, err := conn.Rows(t.Context(), "SHOW CREATE TABLE d."+name)
		if err != nil {
			t.Fatal(err)
		}
		table, err := ddl.ParseCreateTable(shown[0][1], "d")
		if err != nil {
			t.Fatal(err)
		}
		err = w.fit(table)
		if what == "" && err == nil {
			continue
		}
		if err == nil || fault.Of(err).Kind != fault.KindSource || !strings.Contains(err.Error(), "d."+name) || !strings.Contains(err.Error(), what) || !strings.Contains(fault.Of(err).Hint, "--exclude") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMariaDBReplaceInTheWindow: a table of whose window somebody replaces rows with images that lack columns is read again; an
// UPDATE that says what it is has no table read again.
func TestMariaDBReplaceInTheWindow(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec(append([]string{"CREATE DATABASE e"}, fill("e.k", 35)...)...)
	s.exec("ALTER TABLE d.t ADD COLUMN w INT DEFAULT 5", "ALTER TABLE e.k ADD COLUMN w INT DEFAULT 5")
	s.atChunk("d.t", 2, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "REPLACE INTO d.t (id, v) VALUES (1, 'new')") })
	_, m := s.backUp(inChunks)
	if n := baseOf(t, m, "d.t"); len(n.ReadAgain) == 0 || len(n.ReadAgain) > 2 || !strings.Contains(n.ReadAgain[0].Statement, "REPLACE") {
		t.Errorf("d.t was read again because of %+v", n.ReadAgain)
	}
	s.atChunk("e.k", 2, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "UPDATE e.k SET w=7 WHERE id<20") })
	_, m = s.backUp(inChunks)
	if n := baseOf(t, m, "e.k"); len(n.ReadAgain) != 0 {
		t.Errorf("e.k was read again because of %+v", n.ReadAgain)
	}
}

// TestMariaDBUnclearRollbackInTheWindow: a table is read again of whose window nobody can tell what a ROLLBACK TO has taken back; where
// that can be told, it is not.
func TestMariaDBUnclearRollbackInTheWindow(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 35)...)...)
	s.exec(append([]string{"CREATE DATABASE e"}, fill("e.k", 35)...)...)
	s.exec("CREATE TABLE d.tm (a INT) ENGINE=MyISAM", "CREATE TABLE e.km (a INT) ENGINE=MyISAM")
	back := func(table, second string) []string {
		return []string{
			"BEGIN", "INSERT INTO " + table + " VALUES (100, '')", "SAVEPOINT a", "UPDATE " + table + " SET v='kept' WHERE id=1", "INSERT INTO " + table + "m VALUES (1)",
			"SAVEPOINT " + second, "UPDATE " + table + " SET v='away' WHERE id=2", "ROLLBACK TO " + second, "COMMIT",
		}
	}
	s.atChunk("d.t", 2, func() { s.exec(back("d.t", "a")...) })
	_, m := s.backUp(inChunks)
	if n := baseOf(t, m, "d.t"); len(n.ReadAgain) == 0 || len(n.ReadAgain) > 2 || !strings.Contains(n.ReadAgain[0].Statement, "ROLLBACK TO") {
		t.Errorf("d.t was read again because of %+v", n.ReadAgain)
	}
	s.atChunk("e.k", 2, func() { s.exec(back("e.k", "b")...) })
	_, m = s.backUp(inChunks)
	if n := baseOf(t, m, "e.k"); len(n.ReadAgain) != 0 {
		t.Errorf("e.k was read again because of %+v", n.ReadAgain)
	}
}

// TestR2StatementsBesideTablesThatAreGone: what a statement did that the log does not hold, with triggers perhaps, it did not do to a
// table that is not there; where the low mark is the start of a file, no later read would tell more.
func TestR2StatementsBesideTablesThatAreGone(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	s.exec("CREATE DATABASE d", "USE d", "CREATE TABLE kept (id INT PRIMARY KEY, a INT)", "INSERT INTO kept VALUES (1, 1)")
	s.atChunk("d.kept", 1, func() {
		s.exec("USE d", "CREATE TABLE gone (id INT PRIMARY KEY)", "DROP TABLE gone", "SET SESSION binlog_format=STATEMENT", "UPDATE kept SET a=2", "SET SESSION binlog_format=ROW")
	})
	_, m := s.backUp(inChunks)
	if n := baseOf(t, m, "d.gone"); len(n.ReadAgain) > 2 {
		t.Errorf("d.gone was looked for %d times: %+v", len(n.ReadAgain), n.ReadAgain[len(n.ReadAgain)-1])
	}
}

// TestMariaDBSchemaReplacedInTheWindow: CREATE OR REPLACE DATABASE takes every table of the schema away, and what else it has: in the window
// of one it counts as DROP DATABASE does.
func TestMariaDBSchemaReplacedInTheWindow(t *testing.T) {
	s := newSite(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d", "CREATE DATABASE e CHARACTER SET latin1", "CREATE TABLE e.gone (id INT PRIMARY KEY)", "CREATE PROCEDURE e.p() SELECT 1"}, fill("d.t", 35)...)...)
	s.exec(fill("e.k", 3)...)
	s.atChunk("d.t", 2, func() {
		s.exec("CREATE OR REPLACE DATABASE e CHARACTER SET utf8mb4", "CREATE TABLE e.k (a VARCHAR(9))", "CREATE TABLE e.made (id INT PRIMARY KEY)", "CREATE OR REPLACE SCHEMA d")
	})
	_, m := s.backUp(inChunks)
	for _, gone := range []string{"d.t", "e.gone"} {
		if n := baseOf(t, m, gone); n.Base == catalog.BaseRead && !n.Absent {
			t.Errorf("%s is in the backup: %+v", gone, n)
		}
	}
	for _, b := range m.Schemas {
		if b.Name == "e" && b.Charset != "utf8mb4" {
			t.Errorf("schema e is %+v", b)
		}
	}
	for _, o := range m.Objects {
		if o.Name.Schema == "e" && !o.Absent {
			t.Errorf("%s is in the backup", o.Name)
		}
	}
}
