package pitr

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
)

// keyed is a source whose backup holds a table with a key only.
func keyed(t *testing.T) *story {
	s := newStoryWith(t, permissive, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	return s
}

// TestTargetThatRefusesTablesOfTheLog: tables that only the log makes are found by plan, with all
// that they ever are.
func TestTargetThatRefusesTablesOfTheLog(t *testing.T) {
	for _, setting := range []string{"sql_require_primary_key", "sql_generate_invisible_primary_key"} {
		t.Run(setting, func(t *testing.T) {
			s := keyed(t)
			s.on("CREATE TABLE d.keyed (a INT KEY)", "CREATE TABLE d.copy LIKE d.keyed", "ALTER TABLE d.keyed DROP PRIMARY KEY, ADD PRIMARY KEY (a)")
			mysqltest.Exec(t, s.dest, "SET GLOBAL "+setting+"=ON")
			s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
			s.must(s.plan(Wish{}).Problem())

			s.on("CREATE TABLE d.late (a INT)", "RENAME TABLE d.late TO d.other", "CREATE TABLE d.another LIKE d.other", "DROP TABLE d.another, d.other",
				"ALTER TABLE d.t DROP PRIMARY KEY")
			p := s.plan(Wish{})
			s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, "SET GLOBAL "+setting+" = OFF")
			for _, n := range []string{"d.late", "d.another"} {
				if f := finding(p, setting); f == nil || !strings.Contains(f.Message, n) || strings.Contains(f.Message, "d.copy") || strings.Contains(f.Message, "d.keyed") {
					t.Errorf("finding %+v, want %s in it", f, n)
				}
			}
			_, err := Run(t.Context(), Config{Catalog: s.catalog, Target: s.into}, p)
			s.wantFault(err, fault.CodeFailed, fault.KindTarget, setting)
			if got := s.query(s.dest.Root(), "SHOW DATABASES LIKE 'd'"); len(got) != 0 {
				t.Error("a refused restore wrote something")
			}
			mysqltest.Exec(t, s.dest, "SET GLOBAL "+setting+"=OFF")
			s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
			_, _, err = s.restore(Wish{})
			s.must(err)
			s.same("d")
		})
	}
}

// zone makes a server know a time zone. It goes on knowing it, whoever takes the server next.
func zone(t *testing.T, s *mysqltest.Server, name string) {
	t.Helper()
	mysqltest.Exec(t, s, "INSERT INTO mysql.time_zone (Use_leap_seconds) VALUES ('N')", "SET @id = LAST_INSERT_ID()",
		"INSERT INTO mysql.time_zone_name VALUES ('"+name+"', @id)",
		"INSERT INTO mysql.time_zone_transition_type VALUES (@id, 0, 10800, 0, 'TST')")
}

// TestTimeZonesOfTheTarget: a named zone in which an event or a statement of the log was made.
func TestTimeZonesOfTheTarget(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		statements []string
		inBackup   bool
	}{
		{"event of the backup", "Tripod/Zone1", []string{"CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1"}, true},
		{"event of the log", "Tripod/Zone2", []string{"CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1"}, false},
		{"statement of the log", "Tripod/Zone3", []string{"ALTER TABLE d.t ADD ts TIMESTAMP NOT NULL DEFAULT '2026-01-01 00:00:00'"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := keyed(t)
			zone(t, s.source, c.zone)
			s.on(slices.Concat([]string{"SET SESSION time_zone = '" + c.zone + "'"}, c.statements, []string{"SET SESSION time_zone = DEFAULT"})...)
			if c.inBackup {
				b := s.begin()
				b.schema("d")
				b.table("d.t", "")
				b.objectsOf("d")
				b.end()
			}
			p := s.plan(Wish{})
			s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, c.zone)
			s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, "mysql_tzinfo_to_sql")
			_, err := Run(t.Context(), Config{Catalog: s.catalog, Target: s.into}, p)
			s.wantFault(err, fault.CodeFailed, fault.KindTarget, c.zone)
			zone(t, s.dest, c.zone)
			s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
			_, _, err = s.restore(Wish{})
			s.must(err)
			s.same("d")
		})
	}
}

// TestCharactersThatATargetLacks is about collations and character sets of tables that the log
// makes; no server at hand lacks one that another has.
func TestCharactersThatATargetLacks(t *testing.T) {
	s := keyed(t)
	s.on("CREATE TABLE d.late (id INT PRIMARY KEY, a TEXT CHARACTER SET gbk) COLLATE utf8mb4_0900_bin", "ALTER TABLE d.late ADD b TEXT COLLATE utf8mb4_da_0900_as_cs")
	n := s.needs()
	if !slices.Contains(n.charsets, "gbk") || !slices.Contains(n.collations, "utf8mb4_da_0900_as_cs") || !slices.Contains(n.collations, "utf8mb4_0900_bin") {
		t.Errorf("needs %+v", n)
	}
	f, err := gatherTarget(t.Context(), s.into, nil, n.zones)
	s.must(err)
	if list := checkTarget(&Plan{}, f, n); slices.ContainsFunc(list, func(f Finding) bool { return f.ID == "collations" }) {
		t.Errorf("findings %+v", list)
	}
	delete(f.charsets, "gbk")
	delete(f.collations, "utf8mb4_da_0900_as_cs")
	list := checkTarget(&Plan{}, f, n)
	at := slices.IndexFunc(list, func(f Finding) bool { return f.ID == "collations" })
	if at < 0 || list[at].Level != LevelError || !strings.Contains(list[at].Message, "gbk") || !strings.Contains(list[at].Message, "utf8mb4_da_0900_as_cs") {
		t.Errorf("findings %+v", list)
	}
}

// needs is what plan finds a restore to need.
func (s *story) needs() *needs {
	s.Helper()
	s.archive()
	ids, err := s.catalog.Backups(s.Context(), instance)
	s.must(err)
	m, err := s.catalog.Manifest(s.Context(), instance, ids[len(ids)-1])
	s.must(err)
	d, err := director.New(m, director.Scope{}, nil)
	s.must(err)
	loads := d.Loads(m)
	definitions, err := newDefinitions(s.catalog, m).loaded(s.Context(), loads)
	s.must(err)
	scanned := newScan(d, loads, definitions, 0)
	r := archive.Open(s.catalog, instance)
	line, err := r.Line(s.Context())
	s.must(err)
	s.must(scanned.run(s.Context(), r, spanOf(m, line[len(line)-1].To.Position), progress.Discard.Begin("plan", progress.Amount{})))
	return scanned.needs(m)
}
