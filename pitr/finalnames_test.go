package pitr

import (
	"errors"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A restore that was killed behind its last RENAME still knows the counters.
func TestSurvives_CountersBehindFinalNames(t *testing.T) {
	s := newStory(t, "d", "n")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (500,1)", "DELETE FROM d.t WHERE id=500")
	s.archive()
	w := Wish{Selection: catalog.Selection{Tables: []string{"d.t"}}, Rename: []string{"d.t=n.u"}}
	k := newKiller(t)
	_, trips, err := k.run(s, w, 0)
	s.must(err)
	counter := func() string {
		_, text, _ := strings.Cut(s.show(s.dest.Root(), "TABLE", schema.Name{Schema: "n", Name: "u"}, 1), "AUTO_INCREMENT=")
		return strings.Fields(text + " none")[0]
	}
	if got := counter(); got != "501" {
		t.Fatalf("the counter is %s", got)
	}
	for trip := trips - 1; trip > trips-15; trip-- {
		mysqltest.Exec(t, s.dest, "DROP DATABASE n")
		if _, _, err := k.run(s, w, trip); !errors.Is(err, errKilled) {
			t.Fatalf("trip %d: not killed: %v", trip, err)
		}
		if len(s.query(s.dest.Root(), "SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME='__tripod_restore'")) == 0 {
			continue // it had come to its end
		}
		_, _, err := k.run(s, w, 0)
		s.must(err)
		if got := counter(); got != "501" {
			t.Errorf("killed at trip %d of %d: the counter is %s", trip, trips, got)
		}
	}
}
