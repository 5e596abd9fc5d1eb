package pitr

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// simple is a source with one table, a function and the backup of both.
func simple(t *testing.T, target mysqltest.Options, schemas ...string) *story {
	s := newStoryWith(t, target, schemas...)
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.heap (a INT)", "INSERT INTO d.t VALUES (1)", "CREATE FUNCTION d.f() RETURNS INT DETERMINISTIC RETURN 1")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.heap", "")
	b.objectsOf("d")
	b.end()
	return s
}

var permissive = mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true}

// plan makes a plan, which must not fail, and finds that nothing was written by it.
func (s *story) plan(w Wish) *Plan {
	s.Helper()
	s.archive()
	w.Instance = instance
	before := s.contents(s.dest, "d")
	p, err := MakePlan(s.Context(), Config{Catalog: s.catalog, Target: s.into}, w)
	s.must(err)
	if after := s.contents(s.dest, "d"); !slices.Equal(before, after) {
		s.Errorf("a plan changed the target: %q, now %q", before, after)
	}
	return p
}

func finding(p *Plan, id string) *Finding {
	for i := range p.Findings {
		if p.Findings[i].ID == id {
			return &p.Findings[i]
		}
	}
	return nil
}

// TestExistingObjectsAreRefused: those that the restore makes at the stop point, and those that it
// makes only on the way there; --force drops exactly these, an existing schema is no obstacle.
func TestExistingObjectsAreRefused(t *testing.T) {
	s := simple(t, permissive, "d")
	s.on("CREATE TABLE d.passing (v INT)", "DROP TABLE d.passing", "CREATE VIEW d.v AS SELECT 1 AS one")
	mysqltest.Exec(t, s.dest, "CREATE DATABASE d CHARACTER SET latin1", "CREATE TABLE d.passing (mine INT)", "CREATE TABLE d.v (mine INT)", "CREATE TABLE d.other (mine INT)",
		"CREATE DEFINER=tripod_restore@'%' FUNCTION d.F() RETURNS INT DETERMINISTIC RETURN 2")
	p := s.plan(Wish{})
	for _, part := range []string{"table d.passing", "table d.v", "function d.F"} {
		s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, part)
	}
	if len(p.Existing) != 3 || strings.Contains(p.Problem().Error(), "other") {
		t.Errorf("existing: %v", p.Existing)
	}
	p = s.plan(Wish{Force: true})
	if p.Problem() != nil || finding(p, "existing") == nil || finding(p, "existing").Level != LevelWarning {
		t.Errorf("problem %v, findings %+v", p.Problem(), p.Findings)
	}
	_, _, err := s.restore(Wish{Force: true})
	s.must(err)
	mysqltest.Exec(t, s.dest, "DROP TABLE d.other")
	s.same("d")
}

// TestMissingGrants: the exact GRANT is printed, also for what only some objects need.
func TestMissingGrants(t *testing.T) {
	s := simple(t, permissive, "elsewhere")
	p := s.plan(Wish{})
	s.wantFault(p.Problem(), fault.CodeFailed, fault.KindGrant, "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE ROUTINE, ALTER ROUTINE ON `d`.* TO 'tripod_restore'@'%'")
	if _, err := Run(t.Context(), Config{Catalog: s.catalog, Target: s.into}, p); fault.Of(err).Kind != fault.KindGrant {
		t.Errorf("run: %v", err)
	}
	mysqltest.Exec(t, s.dest, strings.Split(finding(p, "grants").Remedy, "; ")...)
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestTargetSettings: each setting that stands in the way, with the statement that mends it.
func TestTargetSettings(t *testing.T) {
	for name, c := range map[string]struct {
		id, remedy string
		level      Level
		break_     string
		mend       string
	}{
		"functions": {"log_bin_trust_function_creators", "SET GLOBAL log_bin_trust_function_creators = ON", LevelError, "SET GLOBAL log_bin_trust_function_creators=OFF", "SET GLOBAL log_bin_trust_function_creators=ON"},
		"local":     {"local_infile", "SET GLOBAL local_infile = ON", LevelWarning, "SET GLOBAL local_infile=OFF", "SET GLOBAL local_infile=ON"},
		"read only": {"read_only", "read_only = OFF", LevelError, "SET GLOBAL read_only=ON", "SET GLOBAL read_only=OFF"},
		"keys":      {"sql_require_primary_key", "SET GLOBAL sql_require_primary_key = OFF", LevelError, "SET GLOBAL sql_require_primary_key=ON", "SET GLOBAL sql_require_primary_key=OFF"},
		"gipk":      {"sql_generate_invisible_primary_key", "SET GLOBAL sql_generate_invisible_primary_key = OFF", LevelError, "SET GLOBAL sql_generate_invisible_primary_key=ON", "SET GLOBAL sql_generate_invisible_primary_key=OFF"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simple(t, permissive, "d")
			mysqltest.Exec(t, s.dest, c.break_)
			s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
			p := s.plan(Wish{})
			f := finding(p, c.id)
			if f == nil || f.Level != c.level || !strings.Contains(f.Remedy, c.remedy) {
				t.Fatalf("findings %+v", p.Findings)
			}
			if c.level == LevelError {
				s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, c.remedy)
			}
			mysqltest.Exec(t, s.dest, c.mend)
			s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
			_, _, err := s.restore(Wish{})
			s.must(err)
			s.same("d")
		})
	}
}

// TestLargeRows: a row that the target's max_allowed_packet cannot take is found by plan.
func TestLargeRows(t *testing.T) {
	s := simple(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true, ExtraArgs: []string{"--max-allowed-packet=1M"}}, "d")
	s.on("CREATE TABLE d.large (id INT PRIMARY KEY, b LONGBLOB)", "INSERT INTO d.large VALUES (1,REPEAT('x',700000))")
	p := s.plan(Wish{})
	s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, "SET GLOBAL max_allowed_packet = 2097152")
	mysqltest.Exec(t, s.dest, "SET GLOBAL max_allowed_packet=2097152")
	s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestRowsThatGrow: an UPDATE of a keyed table is as long as an INSERT, and numbers in JSON are longer as text. What a target takes no
// more since it was planned for is refused before it is sent.
func TestRowsThatGrow(t *testing.T) {
	s := simple(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true, ExtraArgs: []string{"--max-allowed-packet=1M"}}, "d")
	s.on("CREATE TABLE d.numbers (id INT PRIMARY KEY, j JSON)", "SET cte_max_recursion_depth=100000",
		"INSERT INTO d.numbers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<85000) SELECT 1, JSON_ARRAYAGG(12345) FROM n")
	s.wantFault(s.plan(Wish{}).Problem(), fault.CodeFailed, fault.KindTarget, "SET GLOBAL max_allowed_packet = 2097152")
	s.on("CREATE TABLE d.large (id INT PRIMARY KEY, b LONGBLOB)", "INSERT INTO d.large VALUES (1,'')", "UPDATE d.large SET b=REPEAT('x',700000)")
	s.wantFault(s.plan(Wish{}).Problem(), fault.CodeFailed, fault.KindTarget, "SET GLOBAL max_allowed_packet = 2097152")
	mysqltest.Exec(t, s.dest, "SET GLOBAL max_allowed_packet=2097152")
	s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
	p := s.plan(Wish{})
	s.must(p.Problem())
	mysqltest.Exec(t, s.dest, "SET GLOBAL max_allowed_packet=1048576")
	s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
	_, err := Run(t.Context(), Config{Catalog: s.catalog, Target: s.into, Program: "test"}, p)
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "SET GLOBAL max_allowed_packet = 2097152")
	mysqltest.Exec(t, s.dest, "SET GLOBAL max_allowed_packet=2097152")
	s.into = s.open(s.dest, mysqltest.RestoreUser, server.Target)
	_, _, err = s.restore(Wish{Force: true})
	s.must(err)
	s.same("d")
}

// TestPlanPrints: as JSON with the fields that scripts see, and as text.
func TestPlanPrints(t *testing.T) {
	s := simple(t, permissive, "d")
	s.on("INSERT INTO d.t VALUES (2)", "CREATE TABLE d.new (id INT)")
	p := s.plan(Wish{})
	document, err := json.Marshal(p)
	s.must(err)
	var fields map[string]any
	s.must(json.Unmarshal(document, &fields))
	for _, name := range []string{"instance", "backup_id", "stop", "from", "schemas", "tables", "load", "replay", "creates", "existing", "findings"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("no %s in %s", name, document)
		}
	}
	for _, part := range []string{p.BackupID, "2 tables, 1 rows", "1 transactions, 1 statements", "makes   table d.new", "schema  d is created"} {
		if !strings.Contains(p.Text(), part) {
			t.Errorf("no %q in\n%s", part, p.Text())
		}
	}
	if strings.Contains(p.Text()+string(document), mysqltest.RestoreUser.Password) {
		t.Error("the password is in the plan")
	}
}

// TestInterruptedRestore: a context that ends, ends the restore soon, and leaves a trace that the
// next run tells about.
func TestInterruptedRestore(t *testing.T) {
	s := simple(t, permissive, "d")
	p := s.plan(Wish{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Config{Catalog: s.catalog, Target: s.into}, p); err == nil {
		t.Fatal("a restore without time came to an end")
	}
	_, _, err := s.restore(Wish{Force: true})
	s.must(err)
	s.same("d")
}

// TestSelection: databases, tables and exclusions, at the stop point.
func TestSelection(t *testing.T) {
	s := simple(t, permissive, "d", "e")
	s.on("CREATE DATABASE e", "CREATE TABLE e.t (id INT)", "INSERT INTO e.t VALUES (7)", "INSERT INTO d.t VALUES (2)", "INSERT INTO d.heap VALUES (2)")
	_, result, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.t"}}})
	s.must(err)
	if got := strings.Join(s.contents(s.dest, "d", "e"), "\n"); strings.Contains(got, "heap") || strings.Contains(got, "e.t") || result.RowsWritten != 1 {
		t.Errorf("%d rows; %s", result.RowsWritten, got)
	}
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Databases: []string{"e"}}})
	s.must(err)
	if got := s.query(s.dest.Root(), "SELECT id FROM e.t"); len(got) != 1 {
		t.Errorf("e.t holds %v", got)
	}
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Databases: []string{"nowhere"}}})
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "matches nothing at the stop point: nowhere")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Tables: []string{"a.b.c"}}})
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "--tables")
}
