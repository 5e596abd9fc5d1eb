package limit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
)

// What statements of the log are as limits. Whatever they are, this version says why it refuses
// them, and nothing of their text.
func TestStatementsAsLimits(t *testing.T) {
	for _, c := range []struct {
		sql  string
		code uint16
		want string // kind, tables, by rows, schemas; empty for none
	}{
		{"UPDATE t SET a='secret'", 0, "statement [d.t] true [d]"},
		{"INSERT INTO e.t SELECT 'secret' FROM u", 0, "statement [e.t] true [d]"},
		{"CALL p('secret')", 0, "statement [] false [d]"},
		{"ALTER TABLE t IMPORT TABLESPACE", 0, "statement [d.t] false []"},
		{"CREATE TABLE t (a INT) DATA DIRECTORY='/secret'", 0, "statement [d.t] false []"},
		{"ALTER TABLE t ADD n INT AUTO_INCREMENT UNIQUE", 0, "numbers [d.t] false []"},
		{"ALTER TABLE t ADD n INT DEFAULT 1", 1062, "failed [d.t] false []"},
		{"ALTER TABLE t ADD n INT DEFAULT 1", 0, ""},
		{"CREATE TABLE m (a INT) ENGINE=MERGE UNION=(t,e.u) INSERT_METHOD=LAST", 0, "statement [d.t e.u] false []"},
		{"ALTER TABLE m UNION=(t)", 0, "statement [d.t] false []"},
		{"ALTER TABLE m UNION=()", 0, ""},
		{"DROP TABLE t, u", 1051, ""},
		{"CREATE TABLE t (a INT)", 0, ""},
		{"CREATE VIEW v AS SELECT 1", 0, ""},
		{"CREATE USER u IDENTIFIED BY 'secret'", 0, ""},
		{"FLUSH TABLES", 0, ""},
		{"SAVEPOINT x", 0, ""},
	} {
		st, err := Source{Flavor: "mysql", Version: "9.7.4"}.Parse(&event.Query{Schema: "d", SQL: []byte(c.sql), Context: event.Context{UpdatedSchemas: []string{"d"}}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		l, ok := OfStatement(st, c.code)
		if ok {
			got = fmt.Sprintf("%s %v %v %v", l.Kind, l.Tables, l.Rows, l.Schemas)
			if text := fmt.Sprintf("%+v %s", l, Describe(l)); Cause(l) == nil || Describe(l) == "" || strings.Contains(text, "secret") {
				t.Errorf("%s: %s", c.sql, text)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.sql, got, c.want)
		}
	}
	if Cause(segment.Limit{Kind: "of a later version"}) == nil {
		t.Error("what is not known is not refused")
	}
}
