package event

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// updates are the UPDATE events of a statement: what they are of a row, column by column, and whether they are in doubt.
func updates(t *testing.T, c *session, statements ...string) (list []string) {
	t.Helper()
	for _, g := range mariadbGroups(t, c, statements...) {
		for _, e := range g.events {
			r, ok := e.(*Rows)
			if !ok || r.Action != Update {
				continue
			}
			columns := ""
			for i := range r.Table.Columns {
				columns += map[bool]string{true: "1", false: "0"}[r.After.Has(i)]
			}
			list = append(list, fmt.Sprintf("%s %v", columns, r.Doubtful))
		}
		for _, touch := range g.Tables {
			if touch.Name.Schema == "audit" {
				list = append(list, fmt.Sprintf("audit %v", touch.Doubtful)) // which may turn out later
			} else if touch.Doubtful != slices.ContainsFunc(g.events, func(e Event) bool { r, ok := e.(*Rows); return ok && r.Doubtful && r.Table.Name == touch.Name }) {
				t.Errorf("%v: %s, doubtful: %v", statements, touch.Name, touch.Doubtful)
			}
		}
	}
	return list
}

// TestMariaDBReplaceIsLoggedAsUpdate: what a REPLACE sets to defaults is not in the image of the UPDATE as which it is logged, which is
// that of an UPDATE that leaves it as it was. The text in front of it tells them apart, where there is one.
func TestMariaDBReplaceIsLoggedAsUpdate(t *testing.T) {
	c := mariadbSession(t)
	db := c.value(t, "SELECT DATABASE()")
	c.exec(t, "CREATE TABLE x (id INT PRIMARY KEY, a INT DEFAULT 5, b TEXT, w INT AS (a + 1) VIRTUAL)", "CREATE TABLE `it``s` LIKE x", "CREATE TABLE joined (id INT PRIMARY KEY)",
		"CREATE VIEW v AS SELECT * FROM x", "CREATE PROCEDURE p(statement TEXT) EXECUTE IMMEDIATE statement", "INSERT INTO joined VALUES (1)",
		"CREATE TABLE fires (id INT PRIMARY KEY, a INT)", "INSERT INTO fires VALUES (1, 1)", "CREATE TRIGGER g AFTER UPDATE ON fires FOR EACH ROW REPLACE INTO x (id, a) VALUES (1, NEW.a)")
	for _, test := range []struct {
		image, statement string
		want             []string
	}{
		{"FULL", "REPLACE INTO x (id, a) VALUES (1, 7)", []string{"1111 false"}},
		{"FULL", "UPDATE x SET a = 8", []string{"1111 false"}},
		{"MINIMAL", "REPLACE INTO x (id, a) VALUES (1, 7)", []string{"1100 true"}},
		{"MINIMAL", "REPLACE INTO x (id) VALUES (1)", []string{"1000 true"}},
		{"MINIMAL", "UPDATE x SET id = 1, a = 8", []string{"1100 false"}},
		{"NOBLOB", "REPLACE INTO x (id, a) VALUES (1, 9)", []string{"1101 true"}},
		{"NOBLOB", "UPDATE x SET a = 10", []string{"1101 false"}},
		{"MINIMAL", "UPDATE " + db + ".x SET a = 11", []string{"0100 false"}},
		{"MINIMAL", "update low_priority ignore `" + db + "`.`x` set a = 12", []string{"0100 false"}},
		{"MINIMAL", "UPDATE `it``s` SET a = 13", []string{"0100 false"}},
		{"MINIMAL", "UPDATE x, joined SET a = 14 WHERE x.id = joined.id", []string{"0100 false"}},
		{"MINIMAL", "INSERT INTO x (id) VALUES (1) ON DUPLICATE KEY UPDATE a = 15", []string{"1100 false"}},
		{"MINIMAL", "UPDATE /* a comment */ x SET a = 16", []string{"0100 true"}},
		{"MINIMAL", "UPDATE v SET a = 17", []string{"0100 true"}},
		{"MINIMAL", "UPDATE fires SET a = 18", []string{"01 true", "1100 true"}},
		{"MINIMAL", "CALL p('REPLACE INTO x (id) VALUES (1)')", []string{"1000 true"}},
		{"MINIMAL", "EXECUTE IMMEDIATE 'UPDATE x SET a = 19'", []string{"0100 false"}},
		{"MINIMAL", "CALL p('UPDATE x SET a = 20')", []string{"0100 false"}},
	} {
		c.exec(t, "SET binlog_row_image=FULL", "REPLACE INTO x (id, a, b) VALUES (1, 2, 'b')", "REPLACE INTO `it``s` (id, a, b) VALUES (1, 2, 'b')")
		if got := updates(t, c, "SET binlog_row_image="+test.image, test.statement); !slices.Equal(got, test.want) {
			t.Errorf("%s, %s: %q, want %q", test.image, test.statement, got, test.want)
		}
	}
	// Rows of tables without transactions come in front of those of the statement whose trigger wrote them, behind its text.
	c.exec(t, "SET binlog_row_image=FULL", "CREATE DATABASE audit", "CREATE TABLE audit.named (id INT PRIMARY KEY, a INT, b INT DEFAULT 7) ENGINE=MyISAM", "INSERT INTO audit.named VALUES (1, 1, 99)",
		"CREATE TABLE named (id INT PRIMARY KEY, a INT)", "INSERT INTO named VALUES (1, 1)", "CREATE TRIGGER n AFTER UPDATE ON named FOR EACH ROW REPLACE INTO audit.named (id, a) VALUES (1, NEW.a)")
	if got := updates(t, c, "SET binlog_row_image=MINIMAL", "UPDATE named SET a = 2"); !slices.Equal(got, []string{"110 false", "01 true", "audit true"}) {
		t.Errorf("a table of the same name elsewhere: %q", got)
	}
	if got := updates(t, c, "UPDATE audit.named SET a = 3"); !slices.Equal(got, []string{"010 false", "audit false"}) {
		t.Errorf("that table by its whole name: %q", got)
	}
	c.exec(t, "SET binlog_annotate_row_events=OFF")
	if got := updates(t, c, "UPDATE x SET a = 21"); !slices.Equal(got, []string{"0100 true"}) {
		t.Errorf("without its text: %q", got)
	}
	if got := updates(t, c, "SET binlog_annotate_row_events=ON", "BEGIN", "UPDATE x SET a = 22", "SET binlog_annotate_row_events=OFF", "UPDATE x SET a = 23", "COMMIT"); !slices.Equal(got, []string{"0100 false", "0100 true"}) {
		t.Errorf("with the text of the one before: %q", got)
	}
}

// What text proves, and what does not.
func TestAnnotations(t *testing.T) {
	for text, want := range map[string]bool{
		"UPDATE t SET a=1": true, " \n update\tT set a=1": true, "UPDATE`t`SET a=1": false, "UPDATE `t` SET a=1": true, "UPDATE d.t SET a=1": true, "UPDATE e.t SET a=1": false,
		"INSERT INTO t(a) VALUES (1)": true, "INSERT t SET a=1": true, "UPDATE tt SET a=1": false, "UPDATE t": false, "UPDATE": false, "": false, "UPDATE `t": false,
		"REPLACE INTO t VALUES (1)": false, "LOAD DATA INFILE 'x' REPLACE INTO TABLE t": false, "/*!UPDATE*/ t SET a=1": false, "UPDATE t.u SET a=1": false,
		"WITH c AS (SELECT 1) UPDATE t SET a=1": false, "UPDATE (t) SET a=1": false, "UPDATE t . u SET a=1": false,
	} {
		maps := tableMaps{open: map[uint64]*TableMap{1: nil}}
		maps.annotate([]byte(text))
		if got, _ := maps.leaves(schema.Name{Schema: "d", Name: "t"}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
