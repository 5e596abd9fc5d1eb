package pitr

import (
	"errors"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// A copy (CREATE TABLE .. LIKE) has checks that are called by number, in the order of their names in the table that it is made of. That
// has other names while a restore of a part lasts, or one that renames or leaves out; the numbers are those of the source all the same:
// later statements go by them.
func TestPartChecksOfCopies(t *testing.T) {
	s := newStory(t, "d", "n")
	s.on("CREATE DATABASE d", "USE d",
		"CREATE TABLE t (id INT PRIMARY KEY, v INT, CHECK (v > 0), CONSTRAINT zlast CHECK (v < 100) NOT ENFORCED, CONSTRAINT First CHECK (v <> 50), CONSTRAINT über CHECK (v <> 51))")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("USE d", "CREATE TABLE later (id INT PRIMARY KEY)", "INSERT INTO later VALUES (1)")
	left := s.gtid()
	s.on("USE d", "DROP TABLE later", "CREATE TABLE l LIKE t", "ALTER TABLE l DROP CHECK l_chk_1", "INSERT INTO l VALUES (1, 50)", "CREATE TABLE l2 LIKE l",
		"RENAME TABLE t TO zz", "CREATE TABLE l3 LIKE zz", "ALTER TABLE l3 DROP CHECK l3_chk_3", "INSERT INTO l3 VALUES (1, -1)")
	s.part(Wish{}, "d.l", "d.l2", "d.l3")
	k := newKiller(t)
	for _, w := range []Wish{{SkipGTID: gtids(t, left)}, {Rename: []string{"d=n"}}} {
		same := func() {
			if t.Helper(); len(w.Rename) == 0 {
				s.same("d")
			} else {
				s.as("d", "n")
			}
		}
		mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS n")
		_, trips, err := k.run(s, w, 0)
		s.must(err)
		same()
		for trip := trips / 3; trip < trips*4/5 && !t.Failed(); trip += 5 { // of the replay
			mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS n")
			if _, _, err := k.run(s, w, trip); !errors.Is(err, errKilled) {
				t.Fatalf("trip %d: not killed: %v", trip, err)
			}
			_, _, err := k.run(s, w, 0)
			s.must(err)
			if same(); t.Failed() {
				t.Errorf("killed at trip %d of %d", trip, trips)
			}
		}
	}
}
