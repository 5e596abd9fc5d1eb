package pitr

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A trigger that goes to another schema with its table keeps the collation of the schema that it was made in, and that schema
// its own, wherever a run is killed.
func TestSurvives_KillWhileATriggerGoesToAnotherSchema(t *testing.T) {
	s := newStory(t, "a", "b")
	s.on("CREATE DATABASE a COLLATE latin1_german1_ci", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE TRIGGER a.tr BEFORE INSERT ON a.t FOR EACH ROW BEGIN DECLARE v VARCHAR(10); SET v = 'x'; END")
	b := s.begin()
	b.schema("a")
	b.table("a.t", "")
	b.object(catalog.KindTrigger, "a.tr", "t")
	b.end()
	s.on("CREATE TRIGGER a.later AFTER INSERT ON a.t FOR EACH ROW SET @a=1")
	s.archive()
	const got = "SELECT TRIGGER_NAME, DATABASE_COLLATION, DEFAULT_COLLATION_NAME FROM information_schema.TRIGGERS JOIN information_schema.SCHEMATA ON TRIGGER_SCHEMA=SCHEMA_NAME WHERE SCHEMA_NAME IN ('a','b') ORDER BY 1"
	const want = "[[later latin1_german1_ci utf8mb4_bin] [tr latin1_german1_ci utf8mb4_bin]]"
	w := Wish{Selection: catalog.Selection{Tables: []string{"a.t"}}, Rename: []string{"a.t=b.u"}}
	mysqltest.Exec(t, s.dest, "CREATE DATABASE b COLLATE utf8mb4_bin")
	k := newKiller(t)
	_, trips, err := k.run(s, w, 0)
	s.must(err)
	if got := fmt.Sprint(s.query(s.dest.Root(), got)); got != want {
		t.Fatalf("triggers %s", got)
	}
	for trip := trips - 1; trip > trips-40; trip -= 2 {
		mysqltest.Exec(t, s.dest, "DROP DATABASE b", "CREATE DATABASE b COLLATE utf8mb4_bin")
		if _, _, err := k.run(s, w, trip); !errors.Is(err, errKilled) {
			t.Fatalf("trip %d: not killed: %v", trip, err)
		}
		if len(s.query(s.dest.Root(), "SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME='__tripod_restore'")) > 0 { // else it had come to its end
			_, _, err := k.run(s, w, 0)
			s.must(err)
		}
		if got := fmt.Sprint(s.query(s.dest.Root(), got)); got != want {
			t.Errorf("killed at trip %d of %d: triggers %s", trip, trips, got)
		}
	}
}
