package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// What the source calls by the new name is something else: nothing that means it is made to mean what has been renamed.
func TestRenameToANameThatTheSourceHas(t *testing.T) {
	s := newStory(t, "a", "b")
	s.on("CREATE DATABASE a", "CREATE DATABASE b", "USE a", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE log (id INT)", "CREATE TABLE x (id INT)", "CREATE TABLE t (id INT)",
		"CREATE TABLE b.p (id INT PRIMARY KEY)", "CREATE TABLE b.log (id INT)", "CREATE TABLE b.x (id INT)",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES b.p (id))", "CREATE TABLE moved (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id))",
		"CREATE TRIGGER tr BEFORE INSERT ON x FOR EACH ROW INSERT INTO b.log VALUES (1)", "CREATE VIEW v AS SELECT id FROM b.x", "CREATE VIEW alias AS SELECT b.id FROM x AS b")
	b := s.begin()
	b.schema("a")
	b.schema("b")
	for _, name := range []string{"a.p", "a.log", "a.x", "a.t", "a.c", "a.moved", "b.p", "b.log", "b.x"} {
		b.table(name, "")
	}
	b.objectsOf("a")
	b.end()
	w := Wish{Selection: catalog.Selection{Databases: []string{"a"}}, Rename: []string{"a=b"}}
	_, _, err := s.restore(w)
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "table a.c (its foreign key refers to b.p, where schema a is to be), trigger a.tr (it names schema b, which a is to be called), view a.v (it names schema b, which a is to be called)")
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "--exclude a.c,a.tr,a.v; where the new name is in the way")
	s.on("USE a", "CREATE TABLE later (id INT PRIMARY KEY, p INT)", "ALTER TABLE later ADD FOREIGN KEY (p) REFERENCES b.p (id)", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM b.log",
		"CREATE TABLE gone (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES b.p (id))", "DROP TABLE gone", "CREATE PROCEDURE q() BEGIN SET @s = 'DELETE FROM b.log'; PREPARE q FROM @s; END",
		"USE b", "CREATE VIEW a.other AS SELECT id FROM a.x")
	w.Selection.Exclude = []string{"a.c", "a.tr", "a.v"}
	_, _, err = s.restore(w)
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "--exclude a.later,a.e,a.q,a.other")
	w.Selection.Exclude = append(w.Selection.Exclude, "a.later", "a.e", "a.q", "a.other")
	_, _, err = s.restore(w)
	s.must(err)
	s.moved("a.moved", "b.moved")

	// One table, to a name that is left out.
	mysqltest.Exec(t, s.dest, "DROP DATABASE b")
	w = Wish{Selection: catalog.Selection{Databases: []string{"a", "b"}, Exclude: []string{"b.x", "b.p", "a.later"}}, Rename: []string{"a.t=b.x", "a.log=b.p"}}
	_, _, err = s.restore(w)
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "table a.c (its foreign key refers to b.p, where a.log is to be), view a.v (it names b.x, as a.t is to be called)")
}
