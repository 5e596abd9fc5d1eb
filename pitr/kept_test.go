package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestDefaultsOfASchemaThatIsThere: a schema of which one table is restored keeps its own defaults; what the log makes there without a
// character set has the source's.
func TestDefaultsOfASchemaThatIsThere(t *testing.T) {
	s := newStory(t, "d", "live", "other")
	s.on("CREATE DATABASE d CHARACTER SET latin1 COLLATE latin1_bin", "CREATE DATABASE other CHARACTER SET gbk", "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(9))", "CREATE TABLE other.x (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1,'a')")
	b := s.begin()
	b.schema("d")
	b.schema("other")
	b.table("d.t", "")
	b.table("other.x", "")
	b.end()
	s.on("CREATE TABLE d.u (id INT PRIMARY KEY, v VARCHAR(9))", "ALTER DATABASE d COLLATE latin1_german1_ci")
	mysqltest.Exec(t, s.dest, "CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "CREATE DATABASE live CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "CREATE TABLE d.mine (id INT)")
	collations := func(want ...string) {
		t.Helper()
		var got []string
		for _, row := range s.query(s.dest.Root(), "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('d','live') ORDER BY SCHEMA_NAME") {
			got = append(got, row[0])
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("the defaults are %q, want %q", got, want)
		}
	}
	for _, w := range []Wish{{Selection: catalog.Selection{Tables: []string{"d.t", "d.u"}}}, {Selection: catalog.Selection{Tables: []string{"d.u"}}, Rename: []string{"d.u=live.u"}}, {Selection: catalog.Selection{Tables: []string{"d.t"}}, Rename: []string{"d=live"}}} {
		_, _, err := s.restore(w)
		s.must(err)
		collations("utf8mb4_unicode_ci", "utf8mb4_unicode_ci")
	}
	if got := s.query(s.dest.Root(), "SELECT COLLATION_NAME FROM information_schema.COLUMNS WHERE TABLE_NAME='u' AND COLUMN_NAME='v' ORDER BY TABLE_SCHEMA"); len(got) != 2 || got[0][0] != "latin1_bin" || got[1][0] != "latin1_bin" {
		t.Errorf("u.v is %q", got)
	}
	mysqltest.Exec(t, s.dest, "DROP TABLE d.t, d.u, d.mine")
	_, _, err := s.restore(Wish{})
	s.must(err)
	collations("latin1_german1_ci", "utf8mb4_unicode_ci")
}
