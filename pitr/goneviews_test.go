package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A view with a star that is gone by the stop point is not made on the way in a part: it may name what is renamed.
func TestRenameWithAViewThatIsGone(t *testing.T) {
	s := newStory(t, "a", "b")
	s.on("CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE TABLE a.u (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("a")
	b.table("a.t", "")
	b.table("a.u", "")
	b.end()
	s.on("CREATE VIEW a.gone AS SELECT * FROM a.t", "DROP VIEW a.gone", "CREATE VIEW a.again AS SELECT * FROM a.t", "CREATE OR REPLACE VIEW a.again AS SELECT * FROM a.u", "CREATE VIEW a.kept AS SELECT * FROM a.u", "RENAME TABLE a.kept TO a.called", "ALTER TABLE a.u ADD COLUMN v INT")
	mysqltest.Exec(t, s.dest, "CREATE DATABASE a", "CREATE TABLE a.t (theirs INT)", "SET GLOBAL log_output='TABLE'", "SET GLOBAL general_log=1")
	_, result, err := s.restore(Wish{Selection: catalog.Selection{Databases: []string{"a"}}, Rename: []string{"a.t=b.t"}})
	mysqltest.Exec(t, s.dest, "SET GLOBAL general_log=0", "SET GLOBAL log_output='FILE'")
	s.must(err)
	if rows := s.query(s.dest.Root(), "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE argument LIKE '%VIEW%FROM a.t%' AND argument NOT LIKE '%general_log%'"); len(rows) != 0 {
		t.Errorf("the target was told %q", rows)
	}
	mysqltest.Exec(t, s.dest, "TRUNCATE TABLE mysql.general_log", "DROP TABLE a.t")
	if len(result.Warnings) != 0 {
		t.Errorf("warnings %q", result.Warnings)
	}
	s.moved("a.t", "b.t")
	if got := s.show(s.dest.Root(), "VIEW", schema.Name{Schema: "a", Name: "called"}, 1); got != s.show(s.source.Root(), "VIEW", schema.Name{Schema: "a", Name: "called"}, 1) {
		t.Errorf("the view is %s", got)
	}
}
