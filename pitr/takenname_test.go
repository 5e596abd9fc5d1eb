package pitr

import (
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
)

// TestTakenConstraint: how servers say that a name is taken, and what they say otherwise under the same numbers.
func TestTakenConstraint(t *testing.T) {
	for _, c := range []struct {
		number  uint16
		text    string
		want    takenName
		nothing bool
	}{
		{number: 3822, text: "Duplicate check constraint name 'c'.", want: takenName{"c", false}},
		{number: 1826, text: "Duplicate foreign key constraint name 'c'", want: takenName{"c", true}},
		{number: 1823, text: "Failed to add the foreign key constraint 'd/it's' to system tables", want: takenName{"it's", true}},
		{number: 1022, text: "Can't write; duplicate key in table 't'", want: takenName{"", true}},
		{number: 1005, text: "Can't create table `d`.`t` (errno: 121 \"Duplicate key on write or update\")", want: takenName{"", true}},
		{number: 1005, text: "Kann Tabelle `d`.`t` nicht erzeugen (Fehler: 121 \"Duplicate key on write or update\")", want: takenName{"", true}},
		{number: 1005, text: "Can't create table `d`.`t` (errno: 150 \"Foreign key constraint is incorrectly formed\")", nothing: true},
		{number: 1050, text: "Table './d/t' already exists", want: takenName{"", true}},
		{number: 1050, text: "Table 't' already exists", nothing: true},
		{number: 1146, text: "Table 'd.t' doesn't exist", nothing: true},
	} {
		got, ok := takenConstraint(&mysql.MySQLError{Number: c.number, Message: c.text})
		if ok == c.nothing || got != c.want && !c.nothing {
			t.Errorf("%d %s: %+v, %v", c.number, c.text, got, ok)
		}
	}
}

// TestForeignKeysThatAStatementMayMake: what is set aside where a server does not tell which name is taken.
func TestForeignKeysThatAStatementMayMake(t *testing.T) {
	n := func(name string) schema.Name { return schema.Name{Schema: "d", Name: name} }
	for _, c := range []struct {
		x        director.Execution
		yes, not []string
	}{
		{director.Execution{Text: "CREATE TABLE t (a INT, CONSTRAINT `one` FOREIGN KEY two (a) REFERENCES p (id), FOREIGN KEY `three` (a) REFERENCES p (id))", Created: []schema.Name{n("t")}},
			[]string{"ONE", "two", "three", "t_ibfk_1", "T_IBFK_12"}, []string{"a", "p", "t", "tt_ibfk_1", "p_ibfk_1", "t_fk"}},
		{director.Execution{Text: "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id), ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES p (id)", Altered: []schema.Name{n("t")}},
			[]string{"t_ibfk_3", "x"}, []string{"a", "p"}},
		{director.Execution{Text: "ALTER TABLE t ADD FOREIGN KEY IF NOT EXISTS k (a) REFERENCES p (id)", Altered: []schema.Name{n("t")}}, []string{"k"}, []string{"IF", "a"}},
		{director.Execution{Text: "RENAME TABLE o TO t", Renamed: [][2]schema.Name{{n("o"), n("t")}}}, []string{"t_ibfk_1"}, []string{"x_ibfk_1", "t"}},
	} {
		m := makerOfStatement(&c.x)
		for _, name := range c.yes {
			if !m.mayMake(name) {
				t.Errorf("%s: not %s", c.x.Text, name)
			}
		}
		for _, name := range c.not {
			if m.mayMake(name) {
				t.Errorf("%s: %s", c.x.Text, name)
			}
		}
	}
}
