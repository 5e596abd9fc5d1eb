package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Triggers that come into one schema with their tables must not have one name there.
func TestRenameBringsTriggersTogether(t *testing.T) {
	s := newStory(t, "n")
	s.on("CREATE DATABASE a", "CREATE DATABASE b", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE TABLE b.u (id INT PRIMARY KEY)",
		"CREATE TRIGGER a.tr BEFORE INSERT ON a.t FOR EACH ROW SET NEW.id = NEW.id", "CREATE TRIGGER b.tr BEFORE INSERT ON b.u FOR EACH ROW SET NEW.id = NEW.id")
	b := s.begin()
	b.schema("a")
	b.schema("b")
	b.table("a.t", "")
	b.table("b.u", "")
	b.object(catalog.KindTrigger, "a.tr", "t")
	b.object(catalog.KindTrigger, "b.tr", "u")
	b.end()
	w := Wish{Selection: catalog.Selection{Tables: []string{"a.t", "b.u"}}, Rename: []string{"a.t=n.t", "b.u=n.u"}}
	_, _, err := s.restore(w)
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "trigger")
	w.Selection.Exclude = []string{"b.tr"}
	_, _, err = s.restore(w)
	s.must(err)
}

// The name of a new table may be too long for what the server calls its constraints there.
func TestRenameLeavesRoomForConstraints(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES d.t(id))", "CREATE TABLE d.plain (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.plain", "")
	b.end()
	long := strings.Repeat("x", 64)
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.plain"}}, Rename: []string{"d.plain=d." + long}})
	s.must(err)
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.t"}}, Rename: []string{"d.t=d.y" + long[1:]}})
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "choose a shorter name")
	if rows := s.query(s.dest.Root(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME LIKE '\\_\\_tripod%'"); len(rows) != 0 {
		t.Errorf("refused at the end: %v are there", rows)
	}
}

// Two names that the source tells apart by case are one on some targets.
func TestRenameFoldedOnTheTarget(t *testing.T) {
	s := newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true, InitArgs: []string{"--lower-case-table-names=1"}}, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE d.b (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.table("d.b", "")
	b.end()
	_, _, err := s.restore(Wish{Rename: []string{"d.a=d.X", "d.b=d.x"}})
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "are one table on the target")
}
