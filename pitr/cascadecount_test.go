package pitr

import (
	"errors"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestCascadesAreCountedAlikeByARunThatGoesOn: rows of a parent whose chunks show them already have numbers among
// the changes of their transaction, also for a run that goes on and has nothing to carry out for them.
func TestCascadesAreCountedAlikeByARunThatGoesOn(t *testing.T) {
	s := newNativeStory(t)
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1),(2)",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p(id) ON DELETE CASCADE)", "INSERT INTO c VALUES (1,1),(2,2)",
		"CREATE TABLE k (id INT PRIMARY KEY)", "CREATE TABLE x (id INT PRIMARY KEY, v INT)", "INSERT INTO x VALUES (1,1)")
	b := s.cascades("c", "k", "x")
	s.on("USE d", "BEGIN", "DELETE FROM p WHERE id=1", "INSERT INTO k VALUES (1)", "COMMIT")
	b.table("d.p", "")
	b.end()
	s.on("USE d", "UPDATE x SET v=2", "ALTER TABLE x COMMENT 'altered'", "UPDATE x SET v=3")
	s.archive()
	db := s.dest.Root()
	k := &killer{}
	// The statement drains the lane of x alone: what k got goes on gathering, behind a mark inside its transaction.
	mysqltest.FailpointCall(t, "pitr/target/roundTrip", func() {
		if stop := k.stop.Load(); stop != nil && len(s.query(db, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA='d' AND TABLE_COMMENT='altered'")) > 0 {
			(*stop)()
		}
	})
	if _, _, err := k.run(s, Wish{}, 0); !errors.Is(err, errKilled) {
		t.Fatalf("the restore was not killed: %v", err)
	}
	k.stop.Store(nil)
	_, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if !result.Resumed {
		t.Errorf("result %+v", result)
	}
}
