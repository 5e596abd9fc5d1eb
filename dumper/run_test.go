package dumper

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/tests/truth"
)

// TestQuietServer: what a backup of a server at rest holds, loaded into another server, is the
// same, with and without GTIDs, in every compression.
func TestQuietServer(t *testing.T) {
	for _, c := range []struct {
		gtid        bool
		compression string
	}{{true, "zstd"}, {false, "gzip"}, {false, "none"}} {
		t.Run(fmt.Sprintf("gtid=%v/%s", c.gtid, c.compression), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: c.gtid})
			s.exec("CREATE DATABASE d CHARACTER SET latin1", "CREATE DATABASE `e``x` COLLATE utf8mb4_bin",
				"CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(20), e ENUM('a','b'))",
				"INSERT INTO d.t VALUES (1,'x','a'),(2,'y\\t\\n\\\\','b'),(3,NULL,NULL)",
				"CREATE TABLE `e``x`.`k``1` (a INT)", "INSERT INTO `e``x`.`k``1` VALUES (1),(1),(NULL)",
				"CREATE TABLE d.none (a INT PRIMARY KEY)", "CREATE TABLE d.generated (a INT GENERATED ALWAYS AS (1) STORED)",
				"INSERT INTO d.generated VALUES (),()")
			r, m := s.backUp(func(c2 *Config) { c2.Compression = c.compression })
			if r.Rows != 8 || len(r.Tables) != 4 || len(r.NotBackedUp) != 0 {
				t.Errorf("result %+v, want 8 rows of 4 tables", r)
			}
			if m.RecoverableFrom.Position.Before(m.Floor.Position) || m.End.Position.Before(m.RecoverableFrom.Position) {
				t.Errorf("floor %s, recoverable from %s, end %s", m.Floor, m.RecoverableFrom, m.End)
			}
			if c.gtid && m.Floor.GTIDSet == "" {
				t.Error("the floor has no GTID set")
			}
			target := mysqltest.Target(t)
			s.load(target, m)
			s.equal(target, "d", "e`x")
		})
	}
}

// equal compares tables and rows of some schemas on source and target.
func (s *site) equal(target *mysqltest.Server, schemas ...string) {
	s.t.Helper()
	want, err := truth.Take(s.t.Context(), s.source.Root(), schemas...)
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := truth.Take(s.t.Context(), target.Root(), schemas...)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, difference := range want.Differences(got) {
		s.t.Error(difference)
	}
}

func TestSelection(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true})
	s.exec("CREATE DATABASE a", "CREATE DATABASE b", "CREATE TABLE a.one (i INT PRIMARY KEY)", "CREATE TABLE a.two (i INT PRIMARY KEY)",
		"CREATE TABLE b.one (i INT PRIMARY KEY)", "CREATE VIEW a.v AS SELECT 1", "CREATE PROCEDURE a.p() SET @a=1",
		"CREATE TRIGGER a.t BEFORE INSERT ON a.two FOR EACH ROW SET @a=1", "CREATE EVENT b.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1")
	for _, c := range []struct {
		name    string
		change  func(*Config)
		tables  []string
		objects []string
	}{
		{"everything", func(*Config) {}, []string{"a.one", "a.two", "b.one"}, []string{"view a.v", "procedure a.p", "trigger a.t", "event b.e"}},
		{"databases", func(c *Config) { c.Databases = []string{"a"} }, []string{"a.one", "a.two"}, []string{"view a.v", "procedure a.p", "trigger a.t"}},
		{"tables", func(c *Config) { c.Tables = []string{"*.one"} }, []string{"a.one", "b.one"}, nil},
		{"table with its trigger", func(c *Config) { c.Tables = []string{"a.t*"} }, []string{"a.two"}, []string{"trigger a.t"}},
		{"exclude", func(c *Config) { c.Exclude = []string{"a.*o", "b"} }, []string{"a.one"}, []string{"view a.v", "procedure a.p"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, m := s.backUp(c.change)
			var tables, objects, outside []string
			for _, n := range m.Names {
				if n.Base == catalog.BaseOutside {
					outside = append(outside, n.Name.String())
				} else {
					tables = append(tables, n.Name.String())
				}
			}
			for _, o := range m.Objects {
				objects = append(objects, string(o.Kind)+" "+o.Name.String())
			}
			slices.Sort(objects)
			slices.Sort(c.objects)
			if !slices.Equal(tables, c.tables) || !slices.Equal(objects, c.objects) {
				t.Errorf("tables %v and %v, want %v and %v", tables, objects, c.tables, c.objects)
			}
			if len(tables)+len(outside) != 3 {
				t.Errorf("outside are %v: every table that was there has to be told", outside)
			}
		})
	}
}
