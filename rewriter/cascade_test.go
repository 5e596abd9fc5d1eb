package rewriter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
)

// What foreign keys do is written by the values that the parent's row held, and goes on below a child
// by those of its rows.
func TestCascadeStatements(t *testing.T) {
	table := func(text string) *Referred {
		def, err := ddl.ParseCreateTable(text, "d")
		if err != nil {
			t.Fatal(err)
		}
		return &Referred{Table: NewTable(def, def.Name)}
	}
	child := table("CREATE TABLE `c` (\n  `id` int NOT NULL,\n  `p` int DEFAULT NULL,\n  `w` varchar(9) DEFAULT NULL,\n  `e` enum('a','b') DEFAULT NULL,\n" +
		"  `ts` timestamp NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`p`,`w`)\n) ENGINE=InnoDB")
	leaf := table("CREATE TABLE `l` (\n  `id` int NOT NULL,\n  `p` int DEFAULT NULL,\n  `w` varchar(9) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB")
	fromParent := &schema.ForeignKey{Name: "c_p", Columns: []string{"p"}, References: []string{"id"}, OnDelete: schema.SetNull, OnUpdate: schema.Cascade}
	fromChild := &schema.ForeignKey{Name: "l_pw", Columns: []string{"p", "w"}, References: []string{"p", "w"}, OnDelete: schema.Cascade, OnUpdate: schema.Cascade}
	child.By = []*Referring{{Key: fromChild, Child: leaf}}
	shown := func(list []Cascade) string {
		var text []string
		for _, c := range list {
			text = append(text, c.Statement())
		}
		return strings.Join(text, "; ")
	}
	changed := schema.Effect{Changed: []string{"ID"}}
	for _, c := range []struct {
		cascade                Cascade
		statement, rows, below string
	}{
		{Cascade{by: &Referring{Key: fromParent, Child: child}, on: changed, old: []string{"1"}, new: []string{"2"}},
			"UPDATE `d`.`c` SET `p`=2,`ts`=`ts` WHERE `p`=1", "SELECT `p`,CONCAT('x''',HEX(`w`),'''') FROM `d`.`c` WHERE `p`=1",
			"UPDATE `d`.`l` SET `p`=2,`w`=x'41' WHERE `p`=1 AND `w`=x'41'"},
		{Cascade{by: &Referring{Key: fromParent, Child: child}, on: schema.Effect{Deleted: true}, old: []string{"1"}},
			"UPDATE `d`.`c` SET `p`=NULL,`ts`=`ts` WHERE `p`=1", "SELECT `p`,CONCAT('x''',HEX(`w`),'''') FROM `d`.`c` WHERE `p`=1",
			"UPDATE `d`.`l` SET `p`=NULL,`w`=x'41' WHERE `p`=1 AND `w`=x'41'"},
		{Cascade{by: &Referring{Key: fromChild, Child: leaf}, on: schema.Effect{Deleted: true}, old: []string{"1", "x'41'"}},
			"DELETE FROM `d`.`l` WHERE `p`=1 AND `w`=x'41'", "", ""},
	} {
		below := ""
		if c.cascade.Rows() != "" {
			below = shown(c.cascade.Below([]string{"1", "x'41'"})) + shown(c.cascade.Below([]string{"1", ""})) // nothing refers to NULL
		}
		if got, want := fmt.Sprintf("%s | %s | %s", c.cascade.Statement(), c.cascade.Rows(), below), fmt.Sprintf("%s | %s | %s", c.statement, c.rows, c.below); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	batch := NewBatch(false)
	batch.AddCascade(Cascade{by: &Referring{Key: fromParent, Child: child}, on: changed, old: []string{"1"}, new: []string{"2"}}, Origin{})
	batch.AddCascade(Cascade{by: &Referring{Key: fromChild, Child: leaf}, on: schema.Effect{Deleted: true}, old: []string{"1", "x'41'"}}, Origin{})
	n := 0
	for s := range batch.Statements(1000) {
		if s.Count != Uncounted || (s.Cascade != nil) != (n == 0) { // only the first goes on to another table
			t.Errorf("statement %d: %+v", n, s)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d statements", n)
	}
}
