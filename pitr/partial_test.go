package pitr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// partialStory has a backup of d.t, of which the second half is read behind what a session with
// partial images has done: unique values that trade places, columns that a check holds together.
func partialStory(t *testing.T) *story {
	t.Helper()
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d",
		"CREATE TABLE t (id INT PRIMARY KEY, u INT, w VARCHAR(9) NOT NULL, lo INT NOT NULL DEFAULT 1, hi INT NOT NULL DEFAULT 2, ts TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),"+
			" doc JSON, g INT AS (hi-lo) STORED, UNIQUE KEY u (u), KEY plain (hi), UNIQUE KEY w (w(4),lo), CONSTRAINT ordered CHECK (lo<=hi), CONSTRAINT loose CHECK (lo<5) NOT ENFORCED)",
		"CREATE TABLE child (id INT PRIMARY KEY, u INT, FOREIGN KEY (u) REFERENCES t (u))", "CREATE TABLE simple (id INT PRIMARY KEY, a INT, b INT)",
		"INSERT INTO t (id,u,w,lo,hi,doc) VALUES (1,1,'a',9,10,'{\"k\": 1, \"pad\": \"some text that is long enough to be left out\"}'),(2,2,'b',1,2,NULL),(30,30,'c',1,2,'[1,2,3]'),(31,31,'d',1,2,NULL)",
		"INSERT INTO child VALUES (1,30)", "INSERT INTO simple VALUES (1,1,1),(2,2,2),(30,30,30)")
	b := s.begin()
	b.schema("d")
	n := b.table("d.t", "id<20", "SET SESSION binlog_row_image=MINIMAL, SESSION foreign_key_checks=0", "USE d",
		// Of the rows that are read before and behind this, each takes values that the others had.
		"UPDATE t SET u=-1 WHERE id=30", "CREATE TABLE copied LIKE t", "INSERT INTO copied (id,w,lo,hi) VALUES (1,'a',3,4)",
		"UPDATE t SET u=30 WHERE id=1", "UPDATE t SET u=1 WHERE id=30", "UPDATE t SET lo=1 WHERE id=30", "UPDATE t SET hi=2 WHERE id=30", "UPDATE t SET hi=20 WHERE id=30", "UPDATE t SET lo=15 WHERE id=30",
		"DELETE FROM t WHERE id=31", "INSERT INTO t (id,w) VALUES (31,'again'),(32,'new')", "UPDATE t SET w='x' WHERE id=2", "UPDATE t SET w='b' WHERE id=31",
		"SET SESSION binlog_row_value_options=PARTIAL_JSON, SESSION binlog_row_image=FULL", "UPDATE t SET doc=JSON_SET(doc,'$.k',2) WHERE id=1")
	n.Rows.High = s.position()
	n.Statements.High, n.Definition.High, n.PartialImages = n.Rows.High, n.Rows.High, true
	b.table("d.child", "")
	n = b.table("d.simple", "id<20", "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.simple SET a=a+10", "UPDATE d.simple SET b=b+1 WHERE id=30", "INSERT INTO d.simple (id) VALUES (3)")
	n.Rows.High = s.position()
	n.Statements.High, n.Definition.High, n.PartialImages = n.Rows.High, n.Rows.High, true
	b.end()
	return s
}

// TestR5PartialImagesInTheWindow: under rule B they converge, whatever the rows are that the chunks
// hold; behind the window the unique keys and checks are what they were, and changes are held to account.
func TestR5PartialImagesInTheWindow(t *testing.T) {
	s := partialStory(t)
	_, result, err := s.restore(Wish{Verify: VerifyChunks})
	s.must(err)
	s.same("d")
	if result.RowsVerified == nil {
		t.Error("nothing was verified")
	}
	s.on("SET SESSION binlog_row_image=MINIMAL, SESSION binlog_row_value_options=PARTIAL_JSON, SESSION foreign_key_checks=0", "USE d",
		"UPDATE t SET u=-1 WHERE id=30", "UPDATE t SET u=1 WHERE id=1", "UPDATE t SET u=30 WHERE id=30", "UPDATE t SET id=40 WHERE id=30", "UPDATE t SET id=30 WHERE id=2", "UPDATE t SET doc=JSON_SET(doc,'$.k',3,'$.new','x') WHERE id=1",
		"UPDATE simple SET a=a+1", "DELETE FROM simple WHERE id=2", "INSERT INTO simple (id,b) VALUES (2,5)", "UPDATE simple SET id=4 WHERE id=3", "UPDATE simple SET b=6 WHERE id=4",
		"ALTER TABLE t DROP KEY w, ALTER hi SET DEFAULT 7", "INSERT INTO t (id,w) VALUES (50,'more')", "UPDATE t SET lo=0", "UPDATE t SET doc='{}' WHERE id=50", "ALTER TABLE t ADD UNIQUE KEY again (hi,id), ADD CHECK (hi>0)", "UPDATE t SET u=77 WHERE id=50",
		"RENAME TABLE simple TO plain", "UPDATE plain SET b=0 WHERE id=1")
	_, _, err = s.restore(Wish{Force: true})
	s.must(err)
	s.same("d")
}

// TestPartialImagesAreHeldToAccount: an UPDATE that lacks columns finds its row, or is divergence.
func TestPartialImagesAreHeldToAccount(t *testing.T) {
	s := partialStory(t)
	s.on("SET SESSION sql_log_bin=0", "INSERT INTO d.simple VALUES (70,1,1)", "SET SESSION sql_log_bin=1, SESSION binlog_row_image=MINIMAL", "UPDATE d.simple SET a=2 WHERE id=70", "UPDATE d.simple SET a=3 WHERE id=1")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "`id`=70")
	_, result, err := s.restore(Wish{OnDivergence: BinlogWins, Force: true})
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "1 places")
	if result == nil || len(result.Divergence) != 1 || !strings.Contains(result.Divergence[0].Problem, "not there") {
		t.Fatalf("result %+v", result)
	}
	if rows := s.query(s.dest.Root(), "SELECT a FROM d.simple WHERE id=1"); fmt.Sprint(rows) != "[[3]]" {
		t.Errorf("the rest holds %v", rows)
	}
}

// TestSurvives_KillWhereAWindowEnds: what was put off is put in place in front of the first statement behind the
// window. A run that goes on behind that statement finds the table under the name that it has got there.
func TestSurvives_KillWhereAWindowEnds(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, u INT, lo INT, hi INT, UNIQUE (u), CHECK (lo<=hi))", "INSERT INTO d.t VALUES (1,1,1,2),(2,2,2,3),(3,3,3,4)")
	b := s.begin()
	b.schema("d")
	n := b.table("d.t", "id<3", "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.t SET u=-1 WHERE id=3", "CREATE TABLE d.copied LIKE d.t", "UPDATE d.t SET u=3 WHERE id=1", "UPDATE d.t SET u=1 WHERE id=3", "UPDATE d.t SET lo=0 WHERE id=3")
	n.Rows.High = s.position()
	n.Statements.High, n.Definition.High, n.PartialImages = n.Rows.High, n.Rows.High, true
	b.end()
	s.on("RENAME TABLE d.t TO d.other", "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.other SET u=u+10 ORDER BY id DESC", "UPDATE d.other SET id=9 WHERE id=2", "RENAME TABLE d.other TO d.t", "INSERT INTO d.t (id) VALUES (5)")
	s.archive()
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	step := int64(3)
	if *everyTrip {
		step = 1
	}
	first := trips/2 + rand.Int64N(step)
	t.Logf("killed at each %d. of the %d trips from %d on", step, trips, first)
	for trip := first; trip < trips*9/10; trip += step { // of the replay
		mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS d")
		if _, _, err := k.run(s, Wish{}, trip); !errors.Is(err, errKilled) {
			t.Fatalf("trip %d: not killed: %v", trip, err)
		}
		if _, _, err := k.run(s, Wish{}, 0); err != nil && !strings.Contains(err.Error(), "the target has objects that this restore would create") { // it was at its end
			t.Fatalf("killed at trip %d of %d: %v", trip, trips, err)
		}
		if s.same("d"); t.Failed() {
			t.Fatalf("killed at trip %d of %d", trip, trips)
		}
	}
}

// TestCopiesOfManyChecksInTheWindow: the checks of a copy are numbered, and shown with number 10 in front of number 2.
func TestCopiesOfManyChecksInTheWindow(t *testing.T) {
	s := newStory(t, "d")
	var checks string
	for i := range 12 {
		checks += fmt.Sprintf(", CONSTRAINT %c CHECK (v <> %d)", 'a'+i, 100+i)
		if i == 9 {
			checks += " NOT ENFORCED"
		}
	}
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, u INT UNIQUE, v INT"+checks+")", "INSERT INTO d.t VALUES (1,1,1),(2,2,2),(3,3,3)")
	b := s.begin()
	b.schema("d")
	n := b.table("d.t", "id<3", "SET SESSION binlog_row_image=MINIMAL", "UPDATE d.t SET u=-1 WHERE id=3", "CREATE TABLE d.copied LIKE d.t", "UPDATE d.t SET u=3 WHERE id=1", "INSERT INTO d.copied VALUES (1,1,109)")
	n.Rows.High = s.position()
	n.Statements.High, n.Definition.High, n.PartialImages = n.Rows.High, n.Rows.High, true
	b.end()
	s.on("INSERT INTO d.copied VALUES (2,2,109)")
	s.archive()
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestImagesThatLackColumnsWithoutDefault: a nullable column that has no default any more is NULL where the mode of the session lets a
// row be inserted without it; DEFAULT would be an error (1364).
func TestImagesThatLackColumnsWithoutDefault(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, c INT, v VARCHAR(9) DEFAULT 'x', e ENUM('a','b'), ts TIMESTAMP(3) NULL, n INT NOT NULL, doc JSON, te TEXT)", "CREATE TABLE d.k (id INT, c INT, v VARCHAR(9))")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.k", "")
	b.end()
	s.on("ALTER TABLE d.t ALTER c DROP DEFAULT, ALTER v DROP DEFAULT, ALTER e DROP DEFAULT, ALTER ts DROP DEFAULT", "ALTER TABLE d.k ALTER c DROP DEFAULT",
		"SET SESSION sql_mode='', SESSION binlog_row_image=MINIMAL", "INSERT INTO d.t (id) VALUES (1),(2)", "INSERT INTO d.t (id,v) VALUES (3,'y')", "INSERT INTO d.k (id) VALUES (1)")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestManyJSONDiffs: an UPDATE of thousands of members of a document, of which the image has the diffs alone.
func TestManyJSONDiffs(t *testing.T) {
	s := newStory(t, "d")
	const members = 3000
	var document, paths, removed []string
	for i := range members {
		document = append(document, fmt.Sprintf("'k%d', %d, 'pad%d', REPEAT('x',20)", i, i, i))
		paths = append(paths, fmt.Sprintf("'$.k%d', 'n%d'", i, i))
		if i%2 == 0 {
			removed = append(removed, fmt.Sprintf("'$.pad%d'", i))
		}
	}
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, j JSON, n INT)", "INSERT INTO d.t VALUES (1,JSON_OBJECT("+strings.Join(document, ",")+"),0)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("SET SESSION binlog_row_image=MINIMAL, SESSION binlog_row_value_options=PARTIAL_JSON", "UPDATE d.t SET j=JSON_SET(j,"+strings.Join(paths, ",")+")",
		"UPDATE d.t SET j=JSON_REMOVE(j,"+strings.Join(removed, ",")+")", "UPDATE d.t SET j=JSON_REMOVE(JSON_REPLACE(JSON_REMOVE(j,'$.k1'),'$.k2',5),'$.k3')")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
