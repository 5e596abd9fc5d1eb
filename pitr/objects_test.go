package pitr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// objectsOf reads all objects of a schema into a backup.
func (b *backup) objectsOf(name string) {
	b.Helper()
	for _, v := range b.query(b.source.Root(), "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA='"+name+"'") {
		b.object(catalog.KindView, name+"."+v[0], "")
	}
	for _, r := range b.query(b.source.Root(), "SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='"+name+"'") {
		b.object(catalog.ObjectKind(r[0]), name+"."+r[1], "")
	}
	for i, r := range b.query(b.source.Root(), "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='"+name+"' ORDER BY EVENT_OBJECT_TABLE, ACTION_ORDER") {
		b.object(catalog.KindTrigger, name+"."+r[0], r[1]).ActionOrder = i
	}
	for _, r := range b.query(b.source.Root(), "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA='"+name+"'") {
		b.object(catalog.KindEvent, name+"."+r[0], "")
	}
}

// objectStory is a source with objects of every kind in the backup and in the log behind it.
func objectStory(t *testing.T) *story {
	s := newStory(t, "d")
	s.on("CREATE USER IF NOT EXISTS app@'%'", "GRANT ALL ON d.* TO app@'%'", "CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "USE d", "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
		"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))", "CREATE TABLE log (what VARCHAR(50))", "CREATE TABLE u (id INT PRIMARY KEY)",
		"CREATE DEFINER=app@'%' FUNCTION f(x VARCHAR(10)) RETURNS VARCHAR(20) DETERMINISTIC RETURN CONCAT(x,'!')",
		"CREATE VIEW z AS SELECT id, f(v) AS fv FROM t", "CREATE VIEW a AS SELECT * FROM z", "CREATE DEFINER=app@'%' VIEW gone AS SELECT 1 AS one",
		"CREATE TRIGGER t1 BEFORE INSERT ON t FOR EACH ROW SET NEW.v=CONCAT(NEW.v,'1')", "CREATE TRIGGER t2 BEFORE INSERT ON t FOR EACH ROW SET NEW.v=CONCAT(NEW.v,'2')",
		"CREATE TRIGGER t0 BEFORE INSERT ON t FOR EACH ROW PRECEDES t1 SET NEW.v=CONCAT(NEW.v,'0')",
		"CREATE TRIGGER tl AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES (NEW.v)",
		"CREATE PROCEDURE p(IN x VARCHAR(10)) COMMENT 'old' SELECT x", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2040-01-01 00:00:00' DO INSERT INTO log VALUES ('e')",
		"CREATE EVENT gone_event ON SCHEDULE EVERY 1 DAY DO SET @a=1",
		"SET sql_mode='ANSI_QUOTES', NAMES latin1", "CREATE PROCEDURE old_style() SELECT \"c\", '\xe9' FROM (SELECT 1 AS c) x", "SET sql_mode=DEFAULT, NAMES utf8mb4",
		"INSERT INTO t (v) VALUES ('x')")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.log", "")
	b.table("d.u", "")
	b.objectsOf("d")
	b.end()
	s.on("USE d", "INSERT INTO t (v) VALUES ('y'),('z')",
		"CREATE OR REPLACE VIEW z AS SELECT id, f(v) AS fv, 7 AS seven FROM t", "DROP VIEW gone", "CREATE VIEW v1 AS SELECT what FROM log", "ALTER VIEW v1 AS SELECT CONCAT(what,1) AS what1 FROM log",
		"RENAME TABLE v1 TO v2",
		"ALTER PROCEDURE p COMMENT 'new'", "DROP FUNCTION IF EXISTS nothere", "CREATE FUNCTION g() RETURNS INT DETERMINISTIC RETURN 5",
		"CREATE TRIGGER t3 BEFORE INSERT ON t FOR EACH ROW FOLLOWS t1 SET NEW.v=CONCAT(NEW.v,'3')", "DROP TRIGGER t1",
		"CREATE TRIGGER tu BEFORE DELETE ON u FOR EACH ROW SET @x=OLD.id", "RENAME TABLE u TO u2",
		"CREATE TABLE dropped (id INT)", "CREATE TRIGGER td BEFORE INSERT ON dropped FOR EACH ROW SET @a=1", "DROP TABLE dropped",
		"ALTER EVENT e RENAME TO e2", "ALTER EVENT e2 DISABLE COMMENT 'new'", "DROP EVENT gone_event",
		"SET time_zone='+05:00'", "CREATE EVENT e3 ON SCHEDULE EVERY 2 HOUR STARTS '2040-01-01 00:00:00' ON COMPLETION PRESERVE DO SET @a=2", "SET time_zone=DEFAULT",
		"SET NAMES latin1", "CREATE PROCEDURE latin() SELECT '\xe9'", "SET NAMES utf8mb4", "ALTER DATABASE d COLLATE utf8mb4_0900_ai_ci",
		"CREATE PROCEDURE fresh(IN x VARCHAR(10)) SELECT x", "INSERT INTO t (v) VALUES ('last')")
	return s
}

// TestObjectsAtTheStopPoint: views, routines, triggers and events with their session contexts, as
// the backup and the log behind it leave them.
func TestObjectsAtTheStopPoint(t *testing.T) {
	s := objectStory(t)
	_, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if len(result.Warnings) > 0 {
		t.Errorf("warnings: %q", result.Warnings)
	}
	// The restoring account may set no definer but itself.
	for _, want := range []string{"function d.f: app@%", "view d.a: root@localhost", "trigger d.tl: root@localhost"} {
		if !slices.Contains(result.DefinersChanged, want) && !slices.ContainsFunc(result.DefinersChanged, func(c string) bool { return strings.HasPrefix(c, strings.Split(want, "@")[0]) }) {
			t.Errorf("%q is not among %q", want, result.DefinersChanged)
		}
	}
	// The triggers work, in their order.
	mysqltest.Exec(t, s.dest, "INSERT INTO d.t (v) VALUES ('n')")
	if got := s.query(s.dest.Root(), "SELECT v FROM d.t ORDER BY id DESC LIMIT 1")[0][0]; got != "n032" {
		t.Errorf("the triggers made %s", got)
	}
}

// TestDefinersAreKept where the target permits it.
func TestDefinersAreKept(t *testing.T) {
	s := objectStory(t)
	mysqltest.Exec(t, s.dest, "CREATE USER app@'%'", "GRANT ALL ON d.* TO app@'%'", "GRANT SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SYSTEM_USER ON *.* TO "+mysqltest.RestoreUser.Name)
	_, result, err := s.restore(Wish{})
	s.must(err)
	if len(result.DefinersChanged) != 0 {
		t.Errorf("changed: %q", result.DefinersChanged)
	}
	if got := s.query(s.dest.Root(), "SELECT DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_NAME='f'")[0][0]; got != "app@%" {
		t.Errorf("definer of f is %s", got)
	}
	// ALTER EVENT has no such clause in the log, and makes whoever sends it the definer.
	const events = "SELECT EVENT_NAME, DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA='d' ORDER BY 1"
	want := fmt.Sprint(s.query(s.source.Root(), events))
	if got := fmt.Sprint(s.query(s.dest.Root(), events)); got != want || !strings.Contains(want, "e2") {
		t.Errorf("definers of events are %s, want %s", got, want)
	}
}

// TestDefinerOfAStarView: a view whose star is expanded on the way has, in the end, the definer of
// the source, or is listed, as any other view is.
func TestDefinerOfAStarView(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("CREATE VIEW d.star AS SELECT * FROM d.t", "ALTER TABLE d.t ADD COLUMN later INT")
	_, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if want := []string{"view d.star: root@localhost"}; !slices.Equal(result.DefinersChanged, want) {
		t.Errorf("definers changed: %q, want %q", result.DefinersChanged, want)
	}
}

// TestEventsDisabled: --events disable leaves none enabled.
func TestEventsDisabled(t *testing.T) {
	s := objectStory(t)
	_, _, err := s.restore(Wish{Events: DisableEvents})
	s.must(err)
	if got := s.query(s.dest.Root(), "SELECT COUNT(*), COUNT(IF(STATUS='DISABLED',1,NULL)) FROM information_schema.EVENTS WHERE EVENT_SCHEMA='d'")[0]; got[0] != "2" || got[1] != "2" {
		t.Errorf("%s events, %s disabled", got[0], got[1])
	}
}

// TestInvalidViews: a view that could not be opened on the source is listed and ends nothing.
func TestInvalidViews(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("CREATE VIEW d.broken AS SELECT v FROM d.t", "CREATE VIEW d.fine AS SELECT id FROM d.t", "ALTER TABLE d.t DROP COLUMN v")
	s.on("CREATE TABLE d.x (id INT PRIMARY KEY, a TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, b TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, KEY k (id), FULLTEXT KEY ft (a))",
		"CREATE VIEW d.hinted AS SELECT id FROM d.x FORCE INDEX (k)", "CREATE VIEW d.searched AS SELECT id FROM d.x WHERE MATCH (a) AGAINST ('w')", "CREATE VIEW d.mixed AS SELECT id FROM d.x WHERE a=b",
		"CREATE TABLE d.p (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2", "CREATE FUNCTION d.f(a INT) RETURNS INT DETERMINISTIC RETURN a",
		"CREATE VIEW d.called AS SELECT d.f(id) AS v FROM d.x", "CREATE VIEW d.parted AS SELECT id FROM d.p PARTITION (p1)",
		"DROP FUNCTION d.f", "CREATE FUNCTION d.f(a INT, b INT) RETURNS INT DETERMINISTIC RETURN a", "ALTER TABLE d.p REMOVE PARTITIONING",
		"ALTER TABLE d.x DROP KEY k, DROP KEY ft, MODIFY b TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	_, result, err := s.restore(Wish{})
	s.must(err)
	for _, name := range []string{"broken", "hinted", "searched", "mixed", "called", "parted"} {
		if got := strings.Count(strings.Join(result.Warnings, "\n"), "view d."+name+" is not created"); got != 1 || len(result.Warnings) != 6 {
			t.Errorf("view %s: %d warnings of %q", name, got, result.Warnings)
		}
	}
	if got := s.query(s.dest.Root(), "SELECT GROUP_CONCAT(TABLE_NAME) FROM information_schema.VIEWS WHERE TABLE_SCHEMA='d'")[0][0]; got != "fine" {
		t.Errorf("views: %s", got)
	}
}

// TestObjectsInTheirWindow: in the window of an object the log wins by name.
func TestObjectsInTheirWindow(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE VIEW d.v AS SELECT 1 AS one", "CREATE VIEW d.w AS SELECT 1 AS one", "CREATE VIEW d.before AS SELECT 1 AS one")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	low := s.position()
	s.on("CREATE OR REPLACE VIEW d.v AS SELECT 2 AS two", "DROP VIEW d.w", "CREATE VIEW d.w AS SELECT 3 AS three")
	b.objectsOf("d")
	s.on("CREATE OR REPLACE VIEW d.v AS SELECT 4 AS four", "DROP VIEW d.w", "CREATE VIEW d.late AS SELECT 5 AS five")
	for i := range b.Objects {
		b.Objects[i].Window.Low, b.Objects[i].Window.High = low, s.position()
	}
	b.end()
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestEventsWhoseTimeIsOver: no server makes such an event again, whatever was altered of it since; it is told.
func TestEventsWhoseTimeIsOver(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE EVENT d.e ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 SECOND DISABLE DO SELECT 1", "CREATE EVENT d.stays ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO SELECT 1")
	b := s.begin()
	b.schema("d")
	b.object(catalog.KindEvent, "d.e", "")
	b.object(catalog.KindEvent, "d.stays", "")
	b.end()
	mysqltest.Eventually(t, func() bool {
		return s.row("SELECT EXECUTE_AT < NOW() FROM information_schema.EVENTS WHERE EVENT_NAME='e'")[0] == "1"
	}, "the end of the event's time")
	s.on("ALTER EVENT d.e COMMENT 'x'", "ALTER EVENT d.stays COMMENT 'y'")
	_, result, err := s.restore(Wish{})
	s.must(err)
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "d.e is not created") {
		t.Errorf("warnings %q", result.Warnings)
	}
	if got := s.query(s.dest.Root(), "SELECT EVENT_NAME, EVENT_COMMENT FROM information_schema.EVENTS WHERE EVENT_SCHEMA='d'"); len(got) != 1 || got[0][1] != "y" {
		t.Errorf("events %q", got)
	}
}
