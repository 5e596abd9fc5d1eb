package pitr

import (
	"context"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/progress"
)

// atPhase does something when a phase begins.
type atPhase struct {
	name string
	do   func()
}

func (p atPhase) Begin(name string, total progress.Amount) progress.Phase {
	if name == p.name {
		p.do()
	}
	return progress.Discard.Begin(name, total)
}

// TestVerifyChunksFindsWhatTheTargetDoesNotHold: a row that was lost, doubled or changed between the
// load and the replay is found before the replay builds on it.
func TestVerifyChunksFindsWhatTheTargetDoesNotHold(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, f FLOAT, j JSON)", "INSERT INTO d.t VALUES (1,0.1,JSON_ARRAY(1.50,'x')),(2,2,'{}'),(3,NULL,NULL)",
		"CREATE TABLE d.none (v VARCHAR(9))", "INSERT INTO d.none VALUES ('a'),('a'),(NULL)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "id<2")
	b.table("d.none", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (4,4,'[4]')")
	s.archive()
	for _, c := range []struct{ harm, finds string }{
		{"SET @nothing = 1", ""},
		{"DELETE FROM d.t WHERE id=2", "d.t"},
		{"UPDATE d.t SET f=0.2 WHERE id=1", "d.t"},
		{"UPDATE d.t SET j='[1.5, \"y\"]' WHERE id=1", "d.t"},
		{"UPDATE d.none SET v='b' LIMIT 1", "d.none"},
		{"INSERT INTO d.none VALUES ('a')", "d.none"},
		{"DELETE FROM d.none WHERE v IS NULL", "d.none"},
	} {
		config := Config{Catalog: s.catalog, Target: s.into, Program: "test", Progress: atPhase{"verify", func() { mysqltest.Exec(t, s.dest, c.harm) }}}
		plan, err := MakePlan(t.Context(), config, Wish{Instance: instance, Verify: VerifyChunks})
		s.must(err)
		result, err := Run(t.Context(), config, plan)
		if c.finds == "" {
			s.must(err)
			if *result.RowsVerified != 6 || len(result.Warnings) > 0 {
				t.Errorf("%d rows verified, warnings %v", *result.RowsVerified, result.Warnings)
			}
		} else {
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "table "+c.finds+": the target does not hold")
		}
		mysqltest.Exec(t, s.dest, "DROP DATABASE d")
	}
}

// TestVerifyChunksOfARestoreThatGoesOn: what was found before the replay is told again; where nothing was
// compared before it, that is said.
func TestVerifyChunksOfARestoreThatGoesOn(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (4)")
	s.archive()
	for _, first := range []Verify{VerifyNone, VerifyChunks} {
		ctx, stop := context.WithCancel(t.Context())
		config := Config{Catalog: s.catalog, Target: s.into, Program: "test", Progress: atPhase{"replay", stop}}
		plan, err := MakePlan(ctx, config, Wish{Instance: instance, Verify: first})
		s.must(err)
		if _, err := Run(ctx, config, plan); err == nil {
			t.Fatal("the restore was not ended")
		}
		_, result, err := s.restore(Wish{Verify: VerifyChunks})
		s.must(err)
		if said := strings.Contains(strings.Join(result.Warnings, "\n"), "were not compared"); said != (first == VerifyNone) || said == (result.RowsVerified != nil) || !result.Resumed {
			t.Errorf("first %q: result %+v", first, result)
		}
		s.same("d")
		mysqltest.Exec(t, s.dest, "DROP DATABASE d")
	}
}

// TestVerifyChunksWhereRowsGaveWay: chunks that were read one after the other may hold one unique
// value twice. The rows that are left are no difference; one that is lost beside them is.
func TestVerifyChunksWhereRowsGaveWay(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, u INT UNIQUE)", "INSERT INTO d.t VALUES (1,1),(2,2),(3,3),(20,20)")
	b := s.begin()
	b.schema("d")
	low := s.position()
	base := b.table("d.t", "id<10", "UPDATE d.t SET u=4 WHERE id=1", "UPDATE d.t SET u=1 WHERE id=20")
	base.Rows.Low = low
	base.Rows.High, base.Statements.High = s.position(), s.position()
	b.end()
	_, result, err := s.restore(Wish{Verify: VerifyChunks})
	s.must(err)
	s.same("d")
	if *result.RowsVerified != 0 || !strings.Contains(strings.Join(result.Warnings, "\n"), "1 of them gave way") {
		t.Errorf("%d rows verified, warnings %v", *result.RowsVerified, result.Warnings)
	}
	mysqltest.Exec(t, s.dest, "DROP DATABASE d")
	config := Config{Catalog: s.catalog, Target: s.into, Program: "test", Progress: atPhase{"verify", func() { mysqltest.Exec(t, s.dest, "DELETE FROM d.t WHERE id=3") }}}
	plan, err := MakePlan(t.Context(), config, Wish{Instance: instance, Verify: VerifyChunks})
	s.must(err)
	_, err = Run(t.Context(), config, plan)
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "2 rows are there, 4 were in the chunks, of which 1 gave way")
}
