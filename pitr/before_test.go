package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestTheMomentBeforeAStatement: what a statement takes away comes back, with the changes of rows up
// to it: everything, and the table alone.
func TestTheMomentBeforeAStatement(t *testing.T) {
	s := newStory(t, "d")
	statements := []struct{ table, text string }{
		{"truncated", "TRUNCATE TABLE d.truncated"},
		{"narrowed", "ALTER TABLE d.narrowed DROP COLUMN v"},
		{"cut", "ALTER TABLE d.cut MODIFY v VARCHAR(3)"},
		{"parted", "ALTER TABLE d.parted DROP PARTITION p0"},
		{"renamed", "RENAME TABLE d.renamed TO d.elsewhere"},
		{"dropped", "DROP TABLE d.dropped"},
		{"last", "DROP DATABASE d"},
	}
	s.on("CREATE DATABASE d CHARACTER SET latin1")
	for _, c := range statements {
		s.on("CREATE TABLE d."+c.table+" (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO d."+c.table+" (v) VALUES ('loaded'),('changed')")
	}
	s.on("ALTER TABLE d.parted PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN MAXVALUE)")
	b := s.begin()
	b.schema("d")
	for _, c := range statements {
		b.table("d."+c.table, "")
	}
	b.end()
	var moments []binlog.Position
	var contents [][]string
	for _, c := range statements {
		s.on("UPDATE d."+c.table+" SET v='of the log' WHERE id=2", "INSERT INTO d."+c.table+" (v) VALUES ('new')")
		moments, contents = append(moments, s.position()), append(contents, s.contents(s.source, "d"))
		s.on("SET SESSION sql_mode=''", c.text)
	}
	for i, c := range statements {
		t.Run(c.text, func(t *testing.T) {
			s := *s
			s.T = t
			clean := "DROP DATABASE IF EXISTS d"
			mysqltest.Exec(t, s.dest, clean)
			_, _, err := s.restore(Wish{Stop: stopAt(moments[i])})
			s.must(err)
			s.equal(contents[i], "d")
			mysqltest.Exec(t, s.dest, clean)
			_, _, err = s.restore(Wish{Stop: stopAt(moments[i]), Selection: catalog.Selection{Tables: []string{"d." + c.table}}})
			s.must(err)
			s.equal(wantsOnly(contents[i], "d."+c.table), "d")
		})
	}
}
