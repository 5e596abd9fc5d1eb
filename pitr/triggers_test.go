package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/storage/catalog"
)

// TestTriggersGoWithTheirTables: a partial restore takes the triggers of the tables that it
// takes, whatever they are called, and no others.
func TestTriggersGoWithTheirTables(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.u (id INT PRIMARY KEY)", "CREATE TABLE d.leaves (id INT PRIMARY KEY)",
		"CREATE TRIGGER d.t_old BEFORE INSERT ON d.t FOR EACH ROW SET @a=1", "CREATE TRIGGER d.t_gone BEFORE INSERT ON d.t FOR EACH ROW SET @a=1",
		"CREATE TRIGGER d.u_old BEFORE INSERT ON d.u FOR EACH ROW SET @a=1", "CREATE TRIGGER d.l_old BEFORE INSERT ON d.leaves FOR EACH ROW SET @a=1")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.u", "")
	b.table("d.leaves", "")
	b.objectsOf("d")
	b.end()
	s.on("CREATE TRIGGER d.t_new BEFORE DELETE ON d.t FOR EACH ROW SET @a=1", "DROP TRIGGER d.t_gone",
		"CREATE TRIGGER d.u_new BEFORE DELETE ON d.u FOR EACH ROW SET @a=1", "RENAME TABLE d.leaves TO d.left_behind")
	for name, c := range map[string]struct {
		selection catalog.Selection
		want      string
	}{
		"tables":            {catalog.Selection{Tables: []string{"d.t"}}, "t_new,t_old"},
		"exclude a table":   {catalog.Selection{Exclude: []string{"d.t", "d.left_behind"}}, "u_new,u_old"},
		"exclude a trigger": {catalog.Selection{Exclude: []string{"d.t_old", "d.u"}}, "l_old,t_new"},
		"renamed":           {catalog.Selection{Tables: []string{"d.left*"}}, "l_old"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := s.restore(Wish{Selection: c.selection, Force: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range s.query(s.dest.Root(), "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='d' ORDER BY 1") {
				got = append(got, row[0])
			}
			if strings.Join(got, ",") != c.want {
				t.Errorf("triggers %q, want %s", got, c.want)
			}
			if _, err := s.dest.Root().ExecContext(t.Context(), "DROP DATABASE d"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
