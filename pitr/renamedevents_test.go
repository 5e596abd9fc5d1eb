package pitr

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// An event that the log renames is made under its last name from its first statement on: that is the name which a run that
// goes on drops, and which plan looks for on the target.
func TestSurvives_KillBetweenTheStatementsOfARenamedEvent(t *testing.T) {
	s := newStory(t, "a")
	s.on("CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE EVENT a.old ON SCHEDULE EVERY 1 DAY STARTS '2040-01-01 00:00:00' DO SET @a=1")
	b := s.begin()
	b.schema("a")
	b.table("a.t", "")
	b.object(catalog.KindEvent, "a.old", "")
	b.end()
	s.on("USE a", "SET time_zone='+05:00'", "CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY STARTS '2040-01-01 00:00:00' ON COMPLETION PRESERVE COMMENT 'RENAME TO x' DO SET @a=2",
		"SET time_zone='-03:00', sql_mode='ANSI_QUOTES', NAMES latin1", "ALTER EVENT e RENAME TO e2", "ALTER EVENT e2 DISABLE", "ALTER EVENT e2 /* on */ RENAME /* to */ TO a.\"e 3\" COMMENT 'later'",
		"ALTER EVENT old RENAME TO e", "ALTER EVENT e RENAME TO old", "ALTER EVENT old ON COMPLETION PRESERVE RENAME TO `disable` DO SET @a=3")
	s.archive()
	k := newKiller(t)
	_, trips, err := k.run(s, Wish{}, 0)
	s.must(err)
	s.same("a")
	for trip := trips - 1; trip > trips-60; trip -= 2 {
		mysqltest.Exec(t, s.dest, "DROP DATABASE a")
		if _, _, err := k.run(s, Wish{}, trip); !errors.Is(err, errKilled) {
			t.Fatalf("trip %d: not killed: %v", trip, err)
		}
		if len(s.query(s.dest.Root(), "SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME='__tripod_restore'")) == 0 {
			continue // it had come to its end
		}
		if _, _, err := k.run(s, Wish{}, 0); err != nil {
			t.Fatalf("killed at trip %d of %d: %v", trip, trips, err)
		}
		if s.same("a"); t.Failed() {
			t.Fatalf("killed at trip %d of %d", trip, trips)
		}
	}
}

// Nothing is made, altered or asked for under a name that an event had on the way.
func TestPartOfRenamedEvents(t *testing.T) {
	s := newStory(t, "a", "b")
	s.on("CREATE DATABASE a", "CREATE DATABASE b COLLATE latin1_bin", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE TABLE b.t (id INT PRIMARY KEY)", "CREATE EVENT a.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1")
	b := s.begin()
	b.schema("a")
	b.schema("b")
	b.table("a.t", "")
	b.table("b.t", "")
	b.object(catalog.KindEvent, "a.e", "")
	b.end()
	s.on("USE a", "ALTER EVENT a.e RENAME TO b.e", "CREATE EVENT e0 ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=2", "ALTER EVENT e0 RENAME TO b.e0", "CREATE EVENT IF NOT EXISTS a.e1 ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=3", "ALTER EVENT a.e1 RENAME TO a.e2")
	w := Wish{Selection: catalog.Selection{Databases: []string{"b"}}}
	_, _, err := s.restore(w)
	s.must(err)
	s.same("b")

	const theirs = "SELECT EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA='a' ORDER BY 2"
	mysqltest.Exec(t, s.dest, "CREATE DATABASE a", "CREATE EVENT a.e1 ON SCHEDULE EVERY 1 DAY DISABLE DO SET @theirs=1")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Tables: []string{"a.t", "a.e2"}}})
	s.must(err)
	if got := fmt.Sprint(s.query(s.dest.Root(), theirs)); got != "[[a e1 SET @theirs=1] [a e2 SET @a=3]]" {
		t.Errorf("the target's events are %s", got)
	}
}
