package dumper

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

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
