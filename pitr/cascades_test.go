package pitr

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// newNativeStory is one whose source does not log what its foreign keys cascade.
func newNativeStory(t *testing.T) *story {
	s := newStory(t, "d", "e")
	s.hidesCascades()
	return s
}

// hidesCascades gives the story such a source.
func (s *story) hidesCascades() {
	s.Helper()
	s.source = mysqltest.Take(s.T, mysqltest.Options{GTID: true, Relaxed: true, ExtraArgs: []string{"--innodb-native-foreign-keys=ON", "--restrict-fk-on-non-standard-key=OFF"}})
	s.from = s.open(s.source, mysqltest.Root, server.Source)
}

// cascades is a backup of a schema d, whose tables are read one behind the other.
func (s *story) cascades(tables ...string) *backup {
	b := s.begin()
	b.schema("d")
	for _, n := range tables {
		b.table("d."+n, "")
		b.unlogged()
	}
	return b
}

// unlogged notes the class that the dumper gives the table read last.
func (b *backup) unlogged() {
	if n := &b.Names[len(b.Names)-1]; n.Class == string(schema.Keyed) {
		n.Class = string(schema.Cascading)
	}
}

// What a foreign key of a restored table cascades from a parent that is not restored is not in the
// log of a server that does not log cascades.
func TestCascadesFromAParentThatIsNotTaken(t *testing.T) {
	s := newNativeStory(t)
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1),(2)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p(id) ON DELETE CASCADE)",
		"INSERT INTO c VALUES (1,1),(2,2)")
	s.cascades("p", "c").end()
	s.on("DELETE FROM d.p WHERE id=1")
	for _, w := range []Wish{{Selection: catalog.Selection{Tables: []string{"d.c"}}}, {Selection: catalog.Selection{Exclude: []string{"d.p"}}}, {Selection: catalog.Selection{Tables: []string{"d.c"}}, Rename: []string{"d.c=d.other"}}} {
		w.Force = true
		_, _, err := s.restore(w)
		s.wantFault(err, fault.CodeRange, fault.KindStatement, "does not log what its foreign keys cascade")
	}
	s.on("CREATE TABLE d.below (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES d.c (id) ON DELETE CASCADE)", "INSERT INTO d.below VALUES (2,2)", "DELETE FROM d.p WHERE id=2")
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.below"}}, Force: true})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "replay of d.below")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.c", "d.p"}}, Rename: []string{"d.c=e.kind"}, Force: true})
	s.must(err)
	if rows := s.query(s.dest.Root(), "SELECT * FROM e.kind"); len(rows) != 0 {
		t.Errorf("the renamed child holds %q", rows)
	}
}

// cascadeTables are joined by foreign keys of all kinds.
var cascadeTables = []string{
	"CREATE DATABASE d", "USE d",
	"CREATE TABLE p (id INT PRIMARY KEY, u INT UNIQUE, v INT)",
	"CREATE TABLE gone (id INT PRIMARY KEY, p INT, CONSTRAINT gone_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
	"CREATE TABLE nulled (id INT PRIMARY KEY, u INT, ts TIMESTAMP NULL DEFAULT '2001-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP, CONSTRAINT nulled_u FOREIGN KEY (u) REFERENCES p (u) ON DELETE SET NULL ON UPDATE SET NULL)",
	// Of two on one column the first by name decides.
	"CREATE TABLE first (id INT PRIMARY KEY, p INT, CONSTRAINT first_2 FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE, CONSTRAINT first_1 FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL)",
	"CREATE TABLE keyless (p INT, v INT, CONSTRAINT keyless_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
	// Further down: what changes is referred to itself.
	"CREATE TABLE middle (id INT PRIMARY KEY, p INT, s VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, d DECIMAL(6,2), UNIQUE (p,s), UNIQUE (d), CONSTRAINT middle_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
	"CREATE TABLE leaf (id INT PRIMARY KEY, p INT, s VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, CONSTRAINT leaf_ps FOREIGN KEY (p,s) REFERENCES middle (p,s) ON DELETE SET NULL ON UPDATE CASCADE)",
	"CREATE TABLE leaf2 (id INT PRIMARY KEY, d DECIMAL(6,2), CONSTRAINT leaf2_d FOREIGN KEY (d) REFERENCES middle (d) ON DELETE CASCADE)",
	"CREATE TABLE tree (id INT PRIMARY KEY, up INT, CONSTRAINT tree_up FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE)",
	"CREATE TABLE boss (id INT PRIMARY KEY, up INT, CONSTRAINT boss_up FOREIGN KEY (up) REFERENCES boss (id) ON DELETE SET NULL)",
	"CREATE TABLE words (w VARCHAR(9) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY)",
	"CREATE TABLE uses (id INT PRIMARY KEY, w VARCHAR(9) COLLATE utf8mb4_0900_ai_ci, CONSTRAINT uses_w FOREIGN KEY (w) REFERENCES words (w) ON DELETE CASCADE ON UPDATE CASCADE)",
	"CREATE TABLE many (id INT PRIMARY KEY, k INT, KEY (k))",
	"CREATE TABLE of_many (id INT PRIMARY KEY, k INT, CONSTRAINT of_many_k FOREIGN KEY (k) REFERENCES many (k) ON DELETE CASCADE)",
	"INSERT INTO p VALUES (1,11,0),(2,12,0),(3,13,0),(4,14,0),(5,15,0),(6,16,0),(7,NULL,0)",
	"INSERT INTO gone VALUES (1,1),(2,2),(3,3),(4,4),(5,NULL),(6,6)", "INSERT INTO nulled (id, u) VALUES (1,11),(2,12),(3,13),(4,14),(5,NULL)",
	"INSERT INTO first SELECT * FROM gone WHERE id IN (1,4,5,6)", "INSERT INTO keyless VALUES (1,1),(1,1),(2,NULL),(3,1),(4,1),(NULL,1)",
	"INSERT INTO middle VALUES (1,1,'a',1.50),(2,1,'b',2),(3,2,'a',3),(4,3,'é',4),(5,4,NULL,NULL),(6,6,'x',6)",
	"INSERT INTO leaf VALUES (1,1,'A'),(2,1,'b'),(3,2,'a'),(4,3,'E'),(5,NULL,'a'),(6,6,'X')", "INSERT INTO leaf2 VALUES (1,1.5),(2,2),(3,3),(4,4),(5,NULL),(6,6)",
	"INSERT INTO tree VALUES (1,NULL),(2,1),(3,2),(4,3),(5,NULL),(6,6),(7,6),(8,NULL),(9,8)", "UPDATE tree SET up=9 WHERE id=8",
	"INSERT INTO boss VALUES (1,NULL),(2,1),(3,2),(4,2)",
	"INSERT INTO words VALUES ('a'),('b'),('c')", "INSERT INTO uses VALUES (1,'A'),(2,'a'),(3,'B'),(4,NULL),(5,'c')",
	"INSERT INTO many VALUES (1,1),(2,1),(3,2)", "INSERT INTO of_many VALUES (1,1),(2,2)",
}

var cascadeNames = []string{"p", "gone", "nulled", "first", "keyless", "middle", "leaf", "leaf2", "tree", "boss", "words", "uses", "many", "of_many"}

// cascadeChanges is what the source does and does not log.
var cascadeChanges = []string{
	"USE d", "DELETE FROM p WHERE id=1", "INSERT INTO p VALUES (1,11,1)", "INSERT INTO gone VALUES (1,1)", "INSERT INTO leaf2 VALUES (1,NULL)",
	"UPDATE p SET id=20, u=112 WHERE id=2", "UPDATE p SET v=9", "REPLACE INTO p VALUES (3,13,7)", "INSERT INTO p VALUES (4,14,0) ON DUPLICATE KEY UPDATE v=5",
	"REPLACE INTO p VALUES (5,16,1)", "DELETE FROM tree WHERE id=2", "DELETE FROM tree WHERE id IN (6,8)", "INSERT INTO tree VALUES (2,1),(3,2)", "DELETE FROM tree WHERE id=1",
	"DELETE FROM boss WHERE id=2", "UPDATE words SET w='ä' WHERE w='a'", "DELETE FROM words WHERE w='b'", "DELETE FROM many WHERE id=1",
	"SET foreign_key_checks=0", "DELETE FROM p WHERE id=4", "DELETE FROM words WHERE w='c'", "SET foreign_key_checks=1",
	"BEGIN", "INSERT INTO p VALUES (8,18,0)", "INSERT INTO gone VALUES (8,8),(9,8)", "DELETE FROM gone WHERE id=9", "DELETE FROM p WHERE id=8", "COMMIT",
	// Foreign keys that the log makes and takes away.
	"CREATE TABLE made (id INT PRIMARY KEY, p INT, CONSTRAINT made_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)", "INSERT INTO p VALUES (30,30,0),(31,31,0),(32,32,0)",
	"INSERT INTO made VALUES (1,30),(2,31),(3,32)", "DELETE FROM p WHERE id=30", "RENAME TABLE p TO q", "DELETE FROM q WHERE id=31", "RENAME TABLE q TO p",
	"ALTER TABLE made DROP FOREIGN KEY made_p", "DELETE FROM p WHERE id=32", "ALTER TABLE boss ADD COLUMN w INT, ADD FOREIGN KEY (w) REFERENCES p (u) ON DELETE SET NULL",
	"UPDATE boss SET w=11", "DELETE FROM p WHERE u=11",
}

// carriesOut restores, also when it is killed on the way.
func (s *story) carriesOut() {
	s.Helper()
	seed := uint64(time.Now().UnixNano())
	s.Logf("seed %d", seed)
	s.on(cascadeChanges...)
	s.archive()
	k := newKiller(s.T)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	s.same("d")
	k.again(s, rand.New(rand.NewPCG(seed, 0)), Wish{}, trips, 2, func() { s.same("d") })
}

// TestCascadesAreCarriedOut: behind the windows, on a server that does not log them (fact 4.2).
func TestCascadesAreCarriedOut(t *testing.T) {
	s := newNativeStory(t)
	s.on(cascadeTables...)
	s.cascades(cascadeNames...).end()
	s.carriesOut()
}

// TestCascadesOfKeyedTables: what the backup did not know keeps its order beside the keyed lane too.
func TestCascadesOfKeyedTables(t *testing.T) {
	s := newNativeStory(t)
	s.on(cascadeTables...)
	b := s.cascades(cascadeNames...)
	for i := range b.Names {
		b.Names[i].Class = strings.Replace(b.Names[i].Class, string(schema.Cascading), string(schema.Keyed), 1)
	}
	b.end()
	s.carriesOut()
}

// TestR5CascadesInTheWindow: each child was read at a moment of its own, between which parents came
// and went; tables below another one were read behind it.
func TestR5CascadesInTheWindow(t *testing.T) {
	s := newNativeStory(t)
	s.on(cascadeTables...)
	b := s.cascades("gone", "nulled")
	low := b.Names[0].Rows.Low
	change := func(statements ...string) { s.on(append([]string{"USE d"}, statements...)...) }
	change("DELETE FROM p WHERE id=1", "INSERT INTO p VALUES (1,11,1)", "REPLACE INTO p VALUES (3,13,7)", "DELETE FROM words WHERE w='b'")
	b.table("d.first", "")
	b.unlogged()
	change("INSERT INTO gone VALUES (1,1)", "INSERT INTO first VALUES (3,NULL) ON DUPLICATE KEY UPDATE p=1", "DELETE FROM p WHERE id=1", "INSERT INTO p VALUES (1,11,2)", "UPDATE nulled SET u=11 WHERE id=4",
		"UPDATE gone SET p=1 WHERE id=4", "INSERT INTO gone VALUES (1,1)")
	for _, n := range []string{"p", "words", "uses"} {
		b.table("d."+n, "")
		b.unlogged()
	}
	high := b.here().High
	for i := range b.Names { // all could have been read at any moment between the first and the last
		b.Names[i].Rows = binlog.Window{Low: low, High: high}
	}
	for _, n := range []string{"keyless", "middle", "leaf", "leaf2", "tree", "boss", "many", "of_many"} {
		b.table("d."+n, "")
		b.unlogged()
	}
	b.end()
	change("DELETE FROM p WHERE id=1", "DELETE FROM tree WHERE id=1")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestR5CascadesThroughTablesThatWereReadLater: what a manifest may not hold is refused.
func TestR5CascadesThroughTablesThatWereReadLater(t *testing.T) {
	s := newNativeStory(t)
	s.on(cascadeTables...)
	for _, c := range []struct {
		statement string
		early     []string // read in front of it
		inside    []string // with a window around it
		partial   bool     // in which images lack columns
		refused   string
	}{
		{"DELETE FROM p WHERE id=1", []string{"leaf"}, nil, false, "leaf_ps"},
		{"DELETE FROM p WHERE id=2", []string{"middle", "p", "leaf2", "leaf"}, []string{"middle"}, false, "leaf"},
		{"UPDATE p SET id=33 WHERE id=3", nil, []string{"gone"}, false, "gone_p"},
		{"DELETE FROM p WHERE id=4", nil, []string{"keyless"}, false, "keyless_p"},
		{"DELETE FROM tree WHERE id=1", nil, []string{"tree"}, false, "tree_up"},
		{"DELETE FROM boss WHERE id=1", nil, []string{"boss"}, false, ""},
		{"DELETE FROM p WHERE id=6", nil, []string{"middle"}, false, ""}, // everything below is read behind it
		{"DELETE FROM p WHERE id=5", nil, []string{"gone"}, true, "gone_p"},
	} {
		t.Run(c.statement, func(t *testing.T) {
			defer func(outer *testing.T) { s.T = outer }(s.T)
			s.T = t
			b := s.cascades(c.early...)
			low := b.here().Low
			s.on("USE d", c.statement)
			for _, n := range cascadeNames {
				if !slices.Contains(c.early, n) {
					b.table("d."+n, "")
					b.unlogged()
				}
			}
			for i := range b.Names {
				if slices.Contains(c.inside, b.Names[i].Name.Name) {
					b.Names[i].Rows, b.Names[i].PartialImages = binlog.Window{Low: low, High: b.here().High}, c.partial
				}
			}
			b.end()
			mysqltest.Exec(t, s.dest, "SET foreign_key_checks=0", "DROP DATABASE IF EXISTS d") // with what a refused one left
			_, _, err := s.restore(Wish{})
			if c.refused == "" {
				s.must(err)
				s.same("d")
				return
			}
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, c.refused)
		})
	}
}

// TestCascadesOfImagesThatLackColumns: what an image lacks and stays as it was sets nothing off. Where it is what
// children refer to, and not the key, nobody knows who they were.
func TestCascadesOfImagesThatLackColumns(t *testing.T) {
	s := newNativeStory(t)
	s.on(cascadeTables...)
	s.cascades(cascadeNames...).end()
	lean := func(statements ...string) {
		s.on(append(append([]string{"USE d", "SET SESSION binlog_row_image=MINIMAL"}, statements...), "SET SESSION binlog_row_image=DEFAULT")...)
	}
	lean("UPDATE p SET v=v+1", "DELETE FROM tree WHERE id=1", "UPDATE words SET w='ä' WHERE w='a'", "DELETE FROM boss WHERE id=2")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	at := s.position()
	lean("UPDATE p SET u=50 WHERE id=2", "DELETE FROM p WHERE id=1")
	_, _, err = s.restore(Wish{Force: true})
	for _, says := range []string{"d.nulled at " + at.String(), "binlog_row_image=FULL", "--exclude d.nulled"} {
		s.wantFault(err, fault.CodeRange, fault.KindStatement, says)
	}
	_, _, err = s.restore(Wish{Force: true, Selection: catalog.Selection{Exclude: []string{"d.nulled"}}})
	s.must(err)
	for _, table := range []string{"p", "gone", "first", "keyless", "middle", "leaf", "leaf2"} {
		n := schema.Name{Schema: "d", Name: table}
		if got, want := s.tableRows(s.dest.Root(), n), s.tableRows(s.source.Root(), n); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", n, got, want)
		}
	}
}

// TestCascadesBetweenTheReads: what a parent's change does to its children is logged as changes of
// theirs, before it (fact 4.1). Some children were read before it, the parent and others behind it:
// nothing is done twice, nor not at all, and a child that comes again stays.
func TestCascadesBetweenTheReads(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY, u INT UNIQUE)",
		"CREATE TABLE gone (id INT PRIMARY KEY, p INT, FOREIGN KEY f (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE)",
		"CREATE TABLE nulled (id INT PRIMARY KEY, u INT, FOREIGN KEY f2 (u) REFERENCES p (u) ON DELETE SET NULL ON UPDATE CASCADE)", "CREATE TABLE late LIKE gone",
		"ALTER TABLE late ADD FOREIGN KEY f4 (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE SET NULL",
		"CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY f3 (up) REFERENCES tree (id) ON DELETE CASCADE)",
		"INSERT INTO p VALUES (1,11),(2,12),(3,13),(4,14)", "INSERT INTO gone VALUES (1,1),(2,2),(3,3),(4,4)", "INSERT INTO late SELECT * FROM gone", "INSERT INTO nulled VALUES (1,11),(2,12),(3,13),(4,14)",
		"INSERT INTO tree VALUES (1,NULL),(2,1),(3,2),(4,NULL),(5,4)")
	b := s.begin()
	b.schema("d")
	low := b.here().Low
	for _, table := range []string{"gone", "nulled", "tree"} {
		b.table("d."+table, "")
	}
	s.on("USE d", "DELETE FROM p WHERE id=1", "INSERT INTO p VALUES (1,21)", "INSERT INTO gone VALUES (1,1)", "UPDATE p SET id=12 WHERE id=2", "UPDATE p SET u=114 WHERE u=14",
		"REPLACE INTO p VALUES (4,114)", "DELETE FROM tree WHERE id=1", "INSERT INTO tree VALUES (2,NULL),(3,2)")
	b.table("d.p", "")
	b.table("d.late", "")
	for i := range b.Names { // all could have been read at any moment between the first and the last
		b.Names[i].Rows.Low, b.Names[i].Rows.High = low, b.here().High
	}
	b.end()
	s.on("USE d", "DELETE FROM p WHERE id=12", "INSERT INTO p VALUES (12,31)", "INSERT INTO gone VALUES (2,12)", "UPDATE p SET id=13, u=113 WHERE id=3", "UPDATE p SET u=NULL WHERE id=4",
		"REPLACE INTO p VALUES (5,113)", "DELETE FROM tree WHERE id=4", "INSERT INTO tree VALUES (5,2)", "DELETE FROM p WHERE id=1")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
