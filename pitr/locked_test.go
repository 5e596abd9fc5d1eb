package pitr

import (
	"math/rand/v2"
	"testing"
	"time"
)

// lockedStory is a backup of tables without transactions beside others, and a log behind it.
func lockedStory(s *story) {
	s.Helper()
	s.on("CREATE DATABASE d", "CREATE TABLE d.m (id INT PRIMARY KEY, u INT, UNIQUE (u)) ENGINE=MyISAM", "CREATE TABLE d.csv (n INT NOT NULL, v VARCHAR(10) NOT NULL) ENGINE=CSV",
		"CREATE TABLE d.plain (n INT) ENGINE=MyISAM", "CREATE TABLE d.heap (id INT PRIMARY KEY, v INT) ENGINE=MEMORY", "CREATE TABLE d.hole (n INT) ENGINE=BLACKHOLE",
		"CREATE TABLE d.i (id INT PRIMARY KEY, v INT)",
		"INSERT INTO d.m VALUES (1,1),(2,2),(3,3),(11,11),(12,12)", "INSERT INTO d.csv VALUES (1,'a'),(1,'a'),(2,'b')", "INSERT INTO d.plain VALUES (1),(1),(NULL)",
		"INSERT INTO d.heap VALUES (1,1),(2,2),(3,3)", "INSERT INTO d.i VALUES (1,1),(2,2)")
	b := s.begin()
	b.schema("d")
	low := s.position()
	s.on("UPDATE d.m SET u=100 WHERE id=1")
	// The value 3 moves from a row that was read to one that was not.
	m := b.table("d.m", "id<10", "UPDATE d.m SET u=4 WHERE id=3", "UPDATE d.m SET u=3 WHERE id=12", "INSERT INTO d.m VALUES (13,1)", "DELETE FROM d.m WHERE id=2")
	m.Rows.Low = low
	m.Rows.High, m.Statements.High = s.position(), s.position()
	for _, name := range []string{"d.csv", "d.plain"} {
		b.table(name, "").Keyless = true
	}
	for _, name := range []string{"d.heap", "d.i"} {
		b.table(name, "")
	}
	hole := b.table("d.hole", "")
	hole.Chunks, hole.Load = nil, ""
	b.end()
	s.on("UPDATE d.m SET u=id+200 WHERE id IN (1,3)", "INSERT INTO d.hole VALUES (1)", "UPDATE d.csv SET v='c' WHERE n=1", "DELETE FROM d.csv WHERE n=2", "INSERT INTO d.csv VALUES (9,'z'),(9,'z')",
		"DELETE FROM d.plain WHERE n=1 LIMIT 1", "UPDATE d.heap SET v=9 WHERE id=2", "DELETE FROM d.heap WHERE id=3", "UPDATE d.i SET v=5",
		"ALTER TABLE d.i ENGINE=MyISAM", "INSERT INTO d.i VALUES (3,3)", "UPDATE d.i SET v=v+1", "ALTER TABLE d.heap ENGINE=MyISAM", "INSERT INTO d.heap VALUES (5,5)", "ALTER TABLE d.heap ENGINE=MEMORY",
		"ALTER TABLE d.plain ENGINE=InnoDB", "INSERT INTO d.plain VALUES (7),(7)", "DELETE FROM d.plain WHERE n IS NULL", "ALTER TABLE d.plain ENGINE=MyISAM", "UPDATE d.plain SET n=8 WHERE n=7 LIMIT 1",
		"ALTER TABLE d.hole ENGINE=InnoDB", "INSERT INTO d.hole VALUES (2)", "CREATE TABLE d.late (n INT NOT NULL) ENGINE=CSV", "INSERT INTO d.late VALUES (1),(1)", "DELETE FROM d.late WHERE n=1",
		"INSERT INTO d.m VALUES (20,20)", "DELETE FROM d.m WHERE id=11")
	s.archive()
}

// TestSurvives_KillOfARestoreOfTablesWithoutTransactions: whatever a killed run has left of a chunk or
// a batch that nobody takes back, the runs that go on come to the same end; a restart of the target,
// which empties MEMORY tables, is no exception.
func TestSurvives_KillOfARestoreOfTablesWithoutTransactions(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t, "d")
	lockedStory(s)
	want := s.contents(s.source, "d")
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	s.equal(want, "d")
	k.again(s, r, Wish{}, trips, 4, func() { s.equal(want, "d") })
}
