package pitr

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// eventful is a backup and a log behind it with all that a restore does differently when it goes
// on: rows of both lanes, foreign keys that follow their parents, swaps, views with a star, counters.
func eventful(s *story, r *rand.Rand) {
	s.Helper()
	s.on("CREATE DATABASE d", "CREATE DATABASE e",
		"CREATE TABLE d.hot (id BIGINT PRIMARY KEY, n INT, pad VARBINARY(4000), doc JSON)",
		"CREATE TABLE d.off (id INT PRIMARY KEY, u INT, lo INT, hi INT, UNIQUE (u), CHECK (lo<=hi))", "INSERT INTO d.off VALUES (1,1,1,2),(2,2,2,3),(3,3,3,4)",
		"CREATE TABLE d.taken (a INT, b VARBINARY(20), u INT, ci VARCHAR(10) CHARACTER SET utf8mb4, PRIMARY KEY (a,b), UNIQUE (u), UNIQUE (ci))",
		"CREATE TABLE d.text (k VARCHAR(20) PRIMARY KEY, n INT)", "CREATE TABLE d.none (n INT)",
		"CREATE TABLE d.p (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "CREATE TABLE d.c (id INT AUTO_INCREMENT PRIMARY KEY, p INT, CONSTRAINT c1 FOREIGN KEY (p) REFERENCES d.p (id))",
		"CREATE TABLE d.parts (id INT PRIMARY KEY, v INT) CHARACTER SET utf8mb4 PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (10), PARTITION high VALUES LESS THAN MAXVALUE)",
		"CREATE TABLE e.t (id INT PRIMARY KEY, v INT)", "CREATE VIEW d.v AS SELECT id FROM d.p", "INSERT INTO d.p (v) VALUES (1),(2)", "INSERT INTO d.c (p) VALUES (1),(2)",
		"INSERT INTO d.parts VALUES (1,1),(2,2),(20,20)", "INSERT INTO e.t VALUES (1,1)")
	s.on("CREATE TABLE d.xa (id INT PRIMARY KEY, v VARBINARY(1000), u INT UNIQUE)", "CREATE TABLE d.xk (n INT)", "INSERT INTO d.xa VALUES (-1,'',-1),(-2,'',-2)", "INSERT INTO d.xk VALUES (1),(1),(2)")
	var rows []string
	for i := range 400 { // more than is kept in memory
		rows = append(rows, fmt.Sprintf("(%d,RANDOM_BYTES(1000),%d)", i, i))
	}
	s.on(prepared("'early'", "INSERT INTO xa VALUES "+strings.Join(rows, ","), "INSERT INTO xk SELECT id%7 FROM xa", "UPDATE xk SET n=n+1 WHERE n=5 LIMIT 7", "DELETE FROM xa WHERE id=-1")...)
	s.on(hotChanges(r, 40)...)
	b := s.begin()
	b.schema("d")
	b.schema("e")
	low := s.position()
	s.on(hotChanges(r, 10)...)
	hot := b.table("d.hot", "id<10", hotChanges(r, 10)...)
	hot.Rows.Low = low
	hot.Rows.High, hot.Statements.High = s.position(), s.position()
	off := b.table("d.off", "id<3", "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.off SET u=-1 WHERE id=3", "UPDATE d.off SET u=3 WHERE id=1", "UPDATE d.off SET u=1 WHERE id=3", "UPDATE d.off SET lo=0", "UPDATE d.off SET hi=1 WHERE id=3",
		"UPDATE d.off SET hi=9 WHERE id=3", "UPDATE d.off SET lo=8 WHERE id=3", "SET SESSION binlog_row_image=FULL")
	off.Rows.High, off.PartialImages = s.position(), true
	off.Statements.High, off.Definition.High = off.Rows.High, off.Rows.High
	s.on("CREATE TABLE d.former (id INT PRIMARY KEY, v INT, CONSTRAINT early CHECK (v < 100), CONSTRAINT later CHECK (v <> 5))", "INSERT INTO d.former VALUES (1,1)",
		"RENAME TABLE d.former TO d.latter")
	for _, name := range []string{"d.latter", "d.taken", "d.text", "d.none", "d.p", "d.c", "d.parts", "d.xa", "d.xk", "e.t"} {
		b.table(name, "")
	}
	b.object(catalog.KindView, "d.v", "")
	b.end()
	ddl := [][]string{
		{"RENAME TABLE d.p TO d.p2", "INSERT INTO d.p2 (v) VALUES (3)", "INSERT INTO d.c (p) VALUES (3)", "RENAME TABLE d.p2 TO d.p"},
		{"CREATE TABLE d.twin LIKE d.hot", "INSERT INTO d.twin VALUES (7,7,'seven',NULL)", "RENAME TABLE d.hot TO d.tmp, d.twin TO d.hot, d.tmp TO d.twin"},
		{"ALTER TABLE d.hot ADD COLUMN late INT DEFAULT 7", "INSERT INTO d.hot (id,n) VALUES (-1000,1)", "ALTER TABLE d.hot DROP COLUMN late"},
		{"CREATE TABLE d.star (a INT)", "CREATE VIEW d.w AS SELECT * FROM d.star", "ALTER TABLE d.star ADD COLUMN b INT", "INSERT INTO d.star VALUES (1,2)"},
		{"CREATE TABLE d.out1 (id INT PRIMARY KEY, v INT) CHARACTER SET utf8mb4", "INSERT INTO d.out1 VALUES (3,33)", "ALTER TABLE d.parts EXCHANGE PARTITION low WITH TABLE d.out1", "INSERT INTO d.out1 VALUES (5,5)"},
		{"INSERT INTO d.c (id,p) VALUES (500,1)", "DELETE FROM d.c WHERE id=500", "ALTER TABLE d.c COMMENT 'AUTO_INCREMENT'"},
		{"TRUNCATE TABLE d.none", "INSERT INTO d.none VALUES (1),(1),(2)"},
		{"CREATE TABLE d.gone (id INT PRIMARY KEY)", "INSERT INTO d.gone VALUES (1)", "DROP TABLE d.gone", "CREATE TABLE d.gone (k VARCHAR(20) PRIMARY KEY, more INT)", "INSERT INTO d.gone VALUES ('a',1)"},
		{"CREATE TABLE d.plain (n INT) ENGINE=MyISAM", "INSERT INTO d.plain VALUES (1),(1),(2),(3)", "INSERT INTO d.plain VALUES (4),(4)", "UPDATE d.plain SET n=n+1 WHERE n>1",
			"CREATE TABLE d.flat (id INT PRIMARY KEY, n INT) ENGINE=MyISAM", "INSERT INTO d.flat VALUES (1,1),(2,2),(3,3)", "DELETE FROM d.flat WHERE id=2", "INSERT INTO d.plain VALUES (7)"},
		{"SET SESSION binlog_row_image=MINIMAL", "UPDATE d.off SET u=u+10 ORDER BY id DESC", "RENAME TABLE d.off TO d.off2", "UPDATE d.off2 SET hi=hi+1", "RENAME TABLE d.off2 TO d.off"},
		{"DROP DATABASE e"},
		{"CREATE PROCEDURE d.proc() SELECT 1", "CREATE TRIGGER d.trig BEFORE INSERT ON d.p FOR EACH ROW SET NEW.v=NEW.v", "CREATE EVENT d.ev ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1"},
		// ALTER DATABASE waits for whatever is prepared in it (fact 3.11).
		{"XA COMMIT 'early'", "DELETE FROM d.xk WHERE n=3 LIMIT 9", "UPDATE d.xa SET u=u+1000 WHERE id<50", "ALTER DATABASE d CHARACTER SET latin1", "CREATE TABLE d.cols (a INT, b INT)", "INSERT INTO d.cols VALUES (1,2)", "ALTER TABLE d.cols CHANGE a b INT, CHANGE b a INT FIRST"},
		{"CREATE TABLE d.shift (a INT, b INT)", "INSERT INTO d.shift VALUES (1,2)", "ALTER TABLE d.shift DROP COLUMN a, CHANGE b a INT, ADD COLUMN b INT"},
		{"CREATE DATABASE f", "CREATE TABLE f.x (id INT AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO f.x VALUES (NULL),(NULL)", "DELETE FROM f.x"},
	}
	r.Shuffle(len(ddl)-1, func(i, j int) { ddl[i], ddl[j] = ddl[j], ddl[i] }) // f comes last
	for _, statements := range ddl {
		s.on(inImages(r, hotChanges(r, 15))...)
		for _, statement := range statements {
			s.on(append([]string{statement}, inImages(r, hotChanges(r, 3))...)...)
		}
	}
	s.archive()
}

// killer ends a restore at a random round trip to the target: its context ends, so nothing more is
// sent, and connections break off in the middle of what they are at.
type killer struct {
	left atomic.Int64 // round trips
	stop atomic.Pointer[context.CancelFunc]
}

func newKiller(t *testing.T) *killer {
	k := &killer{}
	mysqltest.FailpointCall(t, "pitr/target/roundTrip", func() {
		if k.left.Add(-1) == 0 {
			if stop := k.stop.Load(); stop != nil {
				(*stop)()
			}
		}
	})
	return k
}

var errKilled = errors.New("killed")

// run restores, and is killed at the trip given; 0 for never. It returns the trips that it took.
func (k *killer) run(s *story, w Wish, trip int64) (result *Result, trips int64, err error) {
	s.Helper()
	ctx, stop := context.WithTimeout(s.Context(), 2*time.Minute)
	defer stop()
	c := Config{Catalog: s.catalog, Target: s.into, Program: "test", Memory: 32 << 20}
	w.Instance = instance
	k.stop.Store(nil)
	plan, err := MakePlan(ctx, c, w)
	if err != nil {
		return nil, 0, err
	}
	const many = 1 << 40
	if trip == 0 {
		trip = many
	}
	k.stop.Store(&stop)
	k.left.Store(trip)
	result, err = Run(ctx, c, plan)
	if err != nil && ctx.Err() != nil && fault.Of(err).Code != fault.CodeDifference {
		err = errKilled
	}
	return result, trip - k.left.Load(), err
}

// TestSurvives_KillOfARestoreAtAnyRoundTrip: a restore that is killed again and again goes on each
// time, and ends with what one that was not killed ends with.
func TestSurvives_KillOfARestoreAtAnyRoundTrip(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t, "d", "e", "f")
	eventful(s, r)
	want := s.contents(s.source, "d", "e", "f")
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	s.equal(want, "d", "e", "f")
	k.again(s, r, Wish{}, trips, 4, func() { s.equal(want, "d", "e", "f") })
}

// again kills and repeats a restore until it ends, so many rounds; same judges what each has made. What
// must be done in one run (the going on itself, a table without transactions) may need more trips than
// a round allows at first, so every eighth run allows more.
func (k *killer) again(s *story, r *rand.Rand, w Wish, trips int64, rounds int, same func()) {
	s.Helper()
	runs := 0
	for round := range rounds {
		mysqltest.Exec(s.T, s.dest, "DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS e", "DROP DATABASE IF EXISTS f")
		most := trips / int64(1+round%3)
		for done, tries := false, 0; !done; tries, runs = tries+1, runs+1 {
			if tries%8 == 7 {
				most += trips/8 + 1
			}
			at := 1 + r.Int64N(most)
			if tries > 200 {
				s.Fatal("the restore does not end")
			}
			result, _, err := k.run(s, w, at)
			switch {
			case err == nil:
				done = true
				if result.TransactionsReplayed == 0 {
					s.Errorf("result %+v", result)
				}
			case !errors.Is(err, errKilled):
				s.Fatalf("round %d, killed at trip %d: %v", round, at, err)
			}
		}
		same()
		if s.Failed() {
			s.Fatalf("round %d", round)
		}
	}
	s.Logf("%d trips, %d runs in %d rounds", trips, runs, rounds)
}

// TestSurvives_KillOfARestoreOfAPart: the same of one with private names, other names in the end,
// and transactions left out.
func TestSurvives_KillOfARestoreOfAPart(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t, "d", "e", "f")
	eventful(s, r)
	begin, err := binlog.ParseGTIDSet(s.row("SELECT @@global.gtid_executed")[0])
	s.must(err)
	s.on(inImages(r, hotChanges(r, 20))...)
	end, err := binlog.ParseGTIDSet(s.row("SELECT @@global.gtid_executed")[0])
	s.must(err)
	s.on(inImages(r, hotChanges(r, 40))...)
	s.archive()
	k := newKiller(t)
	for _, w := range []Wish{
		{Rename: []string{"d=f"}, Selection: catalog.Selection{Databases: []string{"d"}, Exclude: []string{"d.v", "d.w"}}},
		{Rename: []string{"d.hot=e.warm"}, Selection: catalog.Selection{Tables: []string{"d.hot", "d.c", "d.p", "d.parts", "d.gone"}}},
		{SkipGTID: end.Minus(begin)},
	} {
		_, trips, err := k.run(s, w, 0)
		s.must(err)
		want := s.contents(s.dest, "d", "e", "f")
		k.again(s, r, w, trips, 1, func() { s.equal(want, "d", "e", "f") })
		mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS e", "DROP DATABASE IF EXISTS f")
	}
}

// TestSurvives_KillOfARestoreThatDropsAnUnfinishedOne: what --force has begun to drop, no run without it
// goes on from.
func TestSurvives_KillOfARestoreThatDropsAnUnfinishedOne(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY)", "INSERT INTO d.a VALUES (1),(2)", "CREATE TABLE d.b (id INT PRIMARY KEY)", "INSERT INTO d.b VALUES (1)")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.table("d.b", "")
	b.end()
	s.on("INSERT INTO d.b VALUES (2)")
	s.archive()
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	wentOn, refused := 0, 0
	step, secondStep := int64(8), int64(4) // other places in each run
	if *everyTrip {
		step, secondStep = 1, 1
	}
	for first := trips/3 + rand.Int64N(step); first < trips*2/3; first += step {
		for second := 1 + rand.Int64N(secondStep); second < 14; second += secondStep {
			mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS d")
			for _, run := range []struct {
				w    Wish
				trip int64
			}{{Wish{}, first}, {Wish{Force: true}, second}} {
				if _, _, err := k.run(s, run.w, run.trip); !errors.Is(err, errKilled) {
					t.Fatalf("killed at %d and %d: %v", first, second, err)
				}
			}
			_, _, err := k.run(s, Wish{}, 0)
			if err == nil {
				wentOn++
			} else {
				refused++
				s.wantFault(err, fault.CodeFailed, fault.KindTarget, "the target has objects that this restore would create")
				_, _, err = k.run(s, Wish{Force: true}, 0)
			}
			s.must(err)
			s.same("d")
			if t.Failed() {
				t.Fatalf("killed at %d and %d of %d", first, second, trips)
			}
		}
	}
	if wentOn == 0 || refused == 0 {
		t.Errorf("%d went on, %d were refused", wentOn, refused)
	}
}

// TestSurvives_TargetThatLostAFile: a server that was killed in the middle of DDL may come back with a
// table whose file is gone. The restore begins anew.
func TestSurvives_TargetThatLostAFile(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t, "d", "e", "f")
	eventful(s, r)
	want := s.contents(s.source, "d", "e", "f")
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	mysqltest.Exec(t, s.dest, "DROP DATABASE d", "DROP DATABASE f")
	if _, _, err := k.run(s, Wish{}, trips*2/3); !errors.Is(err, errKilled) {
		t.Fatalf("the restore was not killed: %v", err)
	}
	s.must(s.dest.Shutdown(t.Context())) // a server that has to recover the file would not start
	s.must(os.Remove(filepath.Join(s.dest.DataDir(), "d", "taken.ibd")))
	s.must(s.dest.Restart(t.Context()))
	result, _, err := k.run(s, Wish{}, 0)
	s.must(err)
	s.equal(want, "d", "e", "f")
	if !result.Resumed {
		t.Errorf("result %+v", result)
	}
}

// TestSwaps: which RENAMEs leave the same names behind.
func TestSwaps(t *testing.T) {
	for pairs, want := range map[string]bool{
		"":                      false,
		"a b":                   false,
		"a b,c a":               false,
		"a t,b a,t b":           true,
		"a t,b a,c b,t c":       true,
		"a t,t a":               true,
		"a t,b a,t x":           false,
		"a t,b a,t b,c d":       false,
		"a t,b a,t b,c d,d c":   true,
		"x.a x.t,x.b x.a,x.t b": false,
	} {
		var list [][2]schema.Name
		for pair := range strings.SplitSeq(pairs, ",") {
			from, to, ok := strings.Cut(pair, " ")
			if ok {
				list = append(list, [2]schema.Name{{Schema: "d", Name: from}, {Schema: "d", Name: to}})
			}
		}
		if got := swaps(list); got != want {
			t.Errorf("%s: %v, want %v", pairs, got, want)
		}
	}
}
