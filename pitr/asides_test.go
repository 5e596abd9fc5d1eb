package pitr

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestR2ConstraintNamesOfTheirTime: names of checks and foreign keys are the schema's. A table that
// was read has those of the moment of reading; until the log is there another table may need them,
// which had them on the source then: it was renamed, dropped, swapped with another one, or it gave
// the name away.
func TestR2ConstraintNamesOfTheirTime(t *testing.T) {
	tombstone := func(s *story, b *backup, name string) {
		b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: name}, Base: catalog.BaseTombstone, At: s.position(), AtEnd: s.position()})
	}
	checks := ", CONSTRAINT first CHECK (v > 0), CONSTRAINT taken CHECK (v < 100), CONSTRAINT zlast CHECK (v <> 50) NOT ENFORCED)"
	for name, tell := range map[string]func(s *story, b *backup){
		"renamed before it was listed": func(s *story, b *backup) {
			s.on("CREATE TABLE d.old (id INT PRIMARY KEY, v INT"+checks, "INSERT INTO d.old VALUES (1,1)", "RENAME TABLE d.old TO d.t")
			b.table("d.t", "")
		},
		"foreign key of a ghost table": func(s *story, b *backup) {
			s.on("CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.c (id INT PRIMARY KEY, p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE)",
				"CREATE TABLE d._c_new (id INT PRIMARY KEY, p INT, CONSTRAINT _fk FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE)",
				"RENAME TABLE d.c TO d._c_old, d._c_new TO d.c", "DROP TABLE d._c_old")
			tombstone(s, b, "_c_old")
			b.table("d.c", "")
			b.table("d.p", "")
			s.on("INSERT INTO d.p VALUES (1),(2)", "INSERT INTO d.c VALUES (1,1)")
		},
		"foreign key that is aside while its parent is swapped": func(s *story, b *backup) {
			s.on("CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.c (id INT PRIMARY KEY, p INT, KEY (p))",
				"CREATE TABLE d.e (id INT PRIMARY KEY, p INT, CONSTRAINT _fk FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE)")
			b.table("d.p", "")
			b.table("d.e", "")
			s.on("CREATE TABLE d._p_new (id INT PRIMARY KEY)", "SET foreign_key_checks=0", "RENAME TABLE d.p TO d._p_old, d._p_new TO d.p",
				"ALTER TABLE d.e DROP FOREIGN KEY _fk", "ALTER TABLE d.c ADD CONSTRAINT _fk FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE")
			b.table("d.c", "")
			s.on("SET foreign_key_checks=1", "INSERT INTO d.p VALUES (1),(2)", "INSERT INTO d.c VALUES (1,1)", "INSERT INTO d._p_old VALUES (9)")
		},
		"two tables of the backup had the name one after the other": func(s *story, b *backup) {
			s.on("CREATE TABLE d.a (id INT PRIMARY KEY, v INT"+checks, "CREATE TABLE d.b (id INT PRIMARY KEY, v INT, CONSTRAINT bfirst CHECK (v <> 3))",
				"INSERT INTO d.a VALUES (1,1)", "INSERT INTO d.b VALUES (1,1)")
			b.table("d.a", "")
			s.on("ALTER TABLE d.a DROP CHECK taken", "ALTER TABLE d.b ADD CONSTRAINT taken CHECK (v < 200)")
			b.table("d.b", "")
			s.on("INSERT INTO d.a VALUES (2,150)", "INSERT INTO d.b VALUES (2,150)")
		},
		"the same, and the table that loses it is read later again": func(s *story, b *backup) {
			s.on("CREATE TABLE d.a (id INT PRIMARY KEY, v INT, CONSTRAINT taken CHECK (v <> 3))", "CREATE TABLE d.b (id INT PRIMARY KEY, v INT, CONSTRAINT other CHECK (v <> 3))")
			b.table("d.b", "")
			s.on("ALTER TABLE d.b DROP CHECK other", "ALTER TABLE d.a DROP CHECK taken", "ALTER TABLE d.b ADD CONSTRAINT taken CHECK (v < 200)",
				"ALTER TABLE d.b DROP CHECK taken", "ALTER TABLE d.a ADD CONSTRAINT taken CHECK (v <> 4)")
			b.table("d.a", "")
			s.on("INSERT INTO d.a VALUES (3,3)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "d", "n")
			s.on("CREATE DATABASE d")
			b := s.begin()
			b.schema("d")
			tell(s, b)
			b.end()
			s.on("CREATE TABLE d.later (id INT PRIMARY KEY, v INT, CONSTRAINT later CHECK (v > 0))", "INSERT INTO d.later VALUES (1,1)")
			left := s.gtid()
			_, _, err := s.restore(Wish{})
			s.must(err)
			s.same("d")
			s.on("DROP TABLE d.later", "CREATE TABLE d.last (id INT PRIMARY KEY, v INT, CONSTRAINT later CHECK (v > 0))")
			mysqltest.Exec(t, s.dest, "DROP DATABASE d")
			// The same where tables live under other names on the target.
			_, _, err = s.restore(Wish{SkipGTID: gtids(t, left), Force: true})
			s.must(err)
			s.same("d")
			mysqltest.Exec(t, s.dest, "DROP DATABASE d")
			_, _, err = s.restore(Wish{Rename: []string{"d=n"}})
			s.must(err)
			s.as("d", "n")
		})
	}
}

// TestR2ConstraintNamesOfOlderServers: MySQL 5.6 and MariaDB do not tell which name is taken.
func TestR2ConstraintNamesOfOlderServers(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			s := newStoryWith(t, mysqltest.Options{Kind: kind, Relaxed: true}, "d")
			s.on("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "CREATE TABLE d.p (id INT PRIMARY KEY)",
				"CREATE TABLE d.other (id INT PRIMARY KEY, p INT, KEY (p), CONSTRAINT zz FOREIGN KEY (p) REFERENCES d.p (id))")
			b := s.begin()
			b.schema("d")
			s.on("CREATE TABLE d.old (id INT PRIMARY KEY, p INT, KEY (p), CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE)",
				"CREATE TABLE d.late (id INT PRIMARY KEY, p INT, KEY (p))", "RENAME TABLE d.old TO d.t")
			b.table("d.t", "")
			b.table("d.p", "")
			b.table("d.other", "")
			s.on("ALTER TABLE d.t DROP FOREIGN KEY fk, ADD CONSTRAINT other FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE",
				"ALTER TABLE d.late ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id)")
			b.end()
			s.on("INSERT INTO d.p VALUES (1), (2)", "INSERT INTO d.t VALUES (1, 1), (2, 2)", "INSERT INTO d.late VALUES (1, 1)", "INSERT INTO d.other VALUES (1, 1)", "DELETE FROM d.p WHERE id=2")
			_, _, err := s.restore(Wish{})
			s.must(err)
			want, got := s.tableRows(s.source.Root(), schema.Name{Schema: "d", Name: "t"}), s.tableRows(s.dest.Root(), schema.Name{Schema: "d", Name: "t"})
			if !slices.Equal(want, got) {
				t.Errorf("rows %v, want %v", got, want)
			}
			const names = "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA='d' ORDER BY 1, 2"
			if want, got := fmt.Sprint(s.query(s.source.Root(), names)), fmt.Sprint(s.query(s.dest.Root(), names)); want != got || !strings.Contains(got, "[late fk] [other zz] [t other]") {
				t.Errorf("constraints %s, want %s", got, want)
			}
		})
	}
}

// TestR2ConstraintNamesThatServersMake: a foreign key without a name, and the rename of a table that has one, may need the name of
// one that a table of the backup came to have later.
func TestR2ConstraintNamesThatServersMake(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			s := newStoryWith(t, mysqltest.Options{Kind: kind, Relaxed: true}, "d", "e")
			s.on("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "CREATE DATABASE e CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
				"CREATE TABLE d.p (id INT PRIMARY KEY)", "INSERT INTO d.p VALUES (1)", "CREATE TABLE e.of_wandered (id INT PRIMARY KEY, k INT, KEY (k))")
			later := map[string]string{"made": "made_ibfk_1", "altered": "altered_ibfk_1", "renamed": "renamed_ibfk_1", "moved": "moved_ibfk_1", "plain": "Spelled"}
			for table := range later {
				s.on("CREATE TABLE d.of_" + table + " (id INT PRIMARY KEY, k INT, KEY (k))")
			}
			b := s.begin()
			b.schema("d")
			b.schema("e")
			b.table("d.p", "")
			const body = " (id INT PRIMARY KEY, k INT, KEY (k)"
			s.on("CREATE TABLE d.made"+body+", FOREIGN KEY (k) REFERENCES d.p (id))", "DROP TABLE d.made",
				"CREATE TABLE d.altered"+body+")", "ALTER TABLE d.altered ADD FOREIGN KEY (k) REFERENCES d.p (id)", "DROP TABLE d.altered",
				"CREATE TABLE d.o"+body+", FOREIGN KEY (k) REFERENCES d.p (id))", "RENAME TABLE d.o TO d.renamed", "DROP TABLE d.renamed",
				"CREATE TABLE d.o"+body+", FOREIGN KEY (k) REFERENCES d.p (id))", "ALTER TABLE d.o RENAME TO d.moved", "DROP TABLE d.moved",
				"CREATE TABLE d.plain"+body+", CONSTRAINT spelled FOREIGN KEY (k) REFERENCES d.p (id))", "DROP TABLE d.plain",
				"CREATE TABLE d.wanders"+body+", CONSTRAINT along FOREIGN KEY (k) REFERENCES d.p (id))", "RENAME TABLE d.wanders TO e.wandered", "DROP TABLE e.wandered",
				"ALTER TABLE e.of_wandered ADD CONSTRAINT along FOREIGN KEY (k) REFERENCES d.p (id)")
			b.table("e.of_wandered", "")
			for table, name := range later {
				s.on("ALTER TABLE d.of_" + table + " ADD CONSTRAINT mine_" + table + " FOREIGN KEY (k) REFERENCES d.p (id), ADD CONSTRAINT " + name + " FOREIGN KEY (k) REFERENCES d.p (id)")
				b.table("d.of_"+table, "")
			}
			b.end()
			s.on("INSERT INTO d.of_plain VALUES (1,1)")
			_, _, err := s.restore(Wish{})
			s.must(err)
			const names = "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN ('d', 'e') ORDER BY 1, 2"
			if want, got := fmt.Sprint(s.query(s.source.Root(), names)), fmt.Sprint(s.query(s.dest.Root(), names)); want != got || !strings.Contains(got, "renamed_ibfk_1") || !strings.Contains(got, "along") {
				t.Errorf("constraints %s, want %s", got, want)
			}
		})
	}
}

// as compares a schema of the source with one of another name on the target.
func (s *story) as(from, to string) {
	s.Helper()
	want, got := s.contents(s.source, from), s.contents(s.dest, to)
	for i, line := range want {
		for _, kind := range []string{"schema ", "table ", "view "} {
			if rest, ok := strings.CutPrefix(line, kind+from); ok {
				want[i] = kind + to + rest
			}
		}
		if rest, ok := strings.CutPrefix(line, from+"."); ok {
			want[i] = to + "." + rest
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("%s holds\n%s\nwant\n%s", to, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// everyTrip costs minutes: TESTFLAGS='-run KillWhileConstraints -every-trip' PKG=./pitr.
var everyTrip = flag.Bool("every-trip", false, "kill at every round trip, not at some that are others in each run")

// A restore that is killed at any round trip of setting aside and putting back ends as one that was not.
func TestSurvives_KillWhileConstraintsAreAside(t *testing.T) {
	s := newStory(t, "d", "n")
	s.on("CREATE DATABASE d")
	b := s.begin()
	b.schema("d")
	s.on("CREATE TABLE d.old (id INT PRIMARY KEY, v INT, CONSTRAINT first CHECK (v > 0), CONSTRAINT last CHECK (v < 100))", "RENAME TABLE d.old TO d.t")
	b.table("d.t", "")
	s.on("CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.c (id INT PRIMARY KEY, p INT, KEY (p))", "CREATE TABLE d.e (id INT PRIMARY KEY, p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id))")
	b.table("d.p", "")
	b.table("d.e", "")
	s.on("CREATE TABLE d._p_new (id INT PRIMARY KEY)", "RENAME TABLE d.p TO d._p_old, d._p_new TO d.p",
		"ALTER TABLE d.e DROP FOREIGN KEY fk", "ALTER TABLE d.c ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id)")
	b.table("d.c", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (1,1)")
	s.archive()
	k := newKiller(t)
	for _, w := range []Wish{{}, {Rename: []string{"d=n"}}} {
		_, trips, err := k.run(s, w, 0)
		s.must(err)
		step := int64(4)
		if *everyTrip {
			step = 1
		}
		first := trips/2 + rand.Int64N(step)
		t.Logf("killed at each %d. of the trips from %d on", step, first)
		for trip := first; trip < trips*4/5; trip += step { // of the replay
			mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS n")
			if _, _, err := k.run(s, w, trip); !errors.Is(err, errKilled) {
				t.Fatalf("trip %d: not killed: %v", trip, err)
			}
			if _, _, err := k.run(s, w, 0); err != nil && !strings.Contains(err.Error(), "the target has objects that this restore would create") { // it was at its end
				t.Fatalf("killed at trip %d of %d: %v", trip, trips, err)
			}
			if len(w.Rename) == 0 {
				s.same("d")
			} else {
				s.as("d", "n")
			}
			if t.Failed() {
				t.Fatalf("killed at trip %d of %d", trip, trips)
			}
		}
	}
}

// TestR4CascadesOfKeysThatAreAside: a foreign key that is aside had another name on the source then. What it cascades is carried out all the same.
func TestR4CascadesOfKeysThatAreAside(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			s := newStoryWith(t, mysqltest.Options{Kind: kind, Relaxed: true}, "d")
			s.hidesCascades()
			s.on("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.t (id INT PRIMARY KEY, p INT, KEY (p), CONSTRAINT before_all FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE)",
				"CREATE TABLE d.below (id INT PRIMARY KEY, t INT, KEY (t), CONSTRAINT below FOREIGN KEY (t) REFERENCES d.t (id) ON DELETE CASCADE)",
				"INSERT INTO d.p VALUES (1), (2), (3)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (22, 2), (3, 3)", "INSERT INTO d.below VALUES (1, 1), (2, 2), (3, 3)")
			b := s.begin()
			b.schema("d")
			b.table("d.p", "")
			b.table("d.below", "")
			b.unlogged()
			base := b.table("d.t", "")
			b.unlogged()
			s.on("CREATE TABLE d.first (id INT PRIMARY KEY, p INT, KEY (p), CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id))", "DELETE FROM d.p WHERE id=2", "DROP TABLE d.first",
				"ALTER TABLE d.t DROP FOREIGN KEY before_all, ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES d.p (id) ON DELETE CASCADE")
			base.Definition, base.Statements = b.here(), b.here()
			b.must(b.catalog.PutSchemaObject(t.Context(), instance, b.ID, base.SchemaKey, []byte(b.row("SHOW CREATE TABLE d.t")[1])))
			b.end()
			s.on("DELETE FROM d.p WHERE id=3", "INSERT INTO d.p VALUES (4)")
			_, _, err := s.restore(Wish{})
			s.must(err)
			for _, n := range []string{"p", "t", "below"} {
				name := schema.Name{Schema: "d", Name: n}
				if want, got := s.tableRows(s.source.Root(), name), s.tableRows(s.dest.Root(), name); !slices.Equal(want, got) {
					t.Errorf("%s: rows %v, want %v", name, got, want)
				}
			}
		})
	}
}
