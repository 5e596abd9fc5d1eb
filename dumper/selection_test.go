package dumper

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestSelectionOfAnEmptySchema: its tables are made behind floor.
func TestSelectionOfAnEmptySchema(t *testing.T) {
	empty := listing{schemas: []string{"d", "e"}, tables: []listedTable{{Name: schema.Name{Schema: "d", Name: "t"}}}}
	for _, c := range []struct {
		name    string
		cfg     Config
		refused bool
	}{
		{"empty schema", Config{Databases: []string{"e"}}, false},
		{"glob", Config{Databases: []string{"e*"}}, false},
		{"no such schema", Config{Databases: []string{"f"}}, true},
		{"excluded again", Config{Databases: []string{"e"}, Exclude: []string{"e"}}, true},
		{"everything excluded", Config{Exclude: []string{"*"}}, true},
		{"every table excluded", Config{Exclude: []string{"d.t"}, Tables: []string{"d.t"}}, true},
	} {
		s, err := newSelection(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.matchNothing(&empty); (err != nil) != c.refused {
			t.Errorf("%s: %v, refused should be %v", c.name, err, c.refused)
		}
	}
}

// TestSchemasNamedLikeTheServersOwn: with lower_case_table_names=0 a user may have SYS beside sys.
func TestSchemasNamedLikeTheServersOwn(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	t.Cleanup(func() { s.exec("DROP DATABASE IF EXISTS SYS", "DROP DATABASE IF EXISTS MySQL") })
	for _, name := range []string{"SYS", "MySQL"} {
		s.exec("CREATE DATABASE "+name, "CREATE TABLE "+name+".t (a INT PRIMARY KEY)", "INSERT INTO "+name+".t VALUES (1),(2)",
			"CREATE VIEW "+name+".v AS SELECT 1")
	}
	_, m := s.backUp()
	for _, name := range []string{"SYS", "MySQL"} {
		if base := baseOf(t, m, name+".t"); base.Base != catalog.BaseRead || base.RowCount != 2 {
			t.Errorf("%s.t: base %s, %d rows", name, base.Base, base.RowCount)
		}
		if !slices.ContainsFunc(m.Objects, func(o catalog.Object) bool { return o.Name.String() == name+".v" && !o.Absent }) {
			t.Errorf("%s.v is not in the manifest", name)
		}
	}
	for _, n := range m.Names {
		if strings.ToLower(n.Schema) == n.Schema {
			t.Errorf("%s is in the manifest", n.Name)
		}
	}
}
