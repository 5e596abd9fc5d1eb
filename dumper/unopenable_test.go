package dumper

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestViewsThatTheSourceCannotOpen: whatever the error is that a server finds in a view of its own (an index that a hint names, collations
// that do not go together any more, what a function takes), it is backed up as a view that cannot be opened, and ends nothing.
func TestViewsThatTheSourceCannotOpen(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{Kind: kind, Relaxed: true, TrustFunctionCreators: true})
			views := []string{"hinted", "searched", "mixed", "called", "columns", "parted", "twice"}
			s.exec("CREATE DATABASE d CHARACTER SET utf8mb4", "USE d",
				"CREATE TABLE x (id INT PRIMARY KEY, a VARCHAR(20) COLLATE utf8mb4_unicode_ci, b VARCHAR(20) COLLATE utf8mb4_unicode_ci, n INT, KEY k (n), FULLTEXT KEY ft (a))",
				"CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2", "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a", "CREATE TABLE y (id INT PRIMARY KEY)",
				"CREATE VIEW hinted AS SELECT id FROM x FORCE INDEX (k)", "CREATE VIEW searched AS SELECT id FROM x WHERE MATCH (a) AGAINST ('w')", "CREATE VIEW mixed AS SELECT id FROM x WHERE a=b",
				"CREATE VIEW called AS SELECT f(id) AS v FROM x", "CREATE VIEW columns AS SELECT n FROM x UNION SELECT id FROM y", "CREATE VIEW parted AS SELECT id FROM p PARTITION (p1)",
				"CREATE VIEW twice AS SELECT x.id, y.id AS other FROM x JOIN y USING (id)",
				"ALTER TABLE x DROP KEY k, DROP KEY ft, DROP COLUMN n, MODIFY b VARCHAR(20) COLLATE utf8mb4_general_ci", "DROP FUNCTION f", "CREATE FUNCTION f(a INT, b INT) RETURNS INT DETERMINISTIC RETURN a",
				"ALTER TABLE p REMOVE PARTITIONING", "DROP TABLE y", "CREATE TABLE y (no INT)")
			_, m := s.backUp()
			found := map[string]catalog.Object{}
			for _, o := range m.Objects {
				if o.Kind == catalog.KindView {
					found[o.Name.Name] = o
				}
			}
			for _, v := range views {
				o := found[v]
				if o.Absent || !strings.Contains(o.Create, "VIEW `d`.`"+v+"`") && !strings.Contains(o.Create, "VIEW `"+v+"`") {
					t.Errorf("view %s: %+v", v, o)
				}
				t.Log(v, o.Invalid)
			}
		})
	}
}

// TestMergeTableThatCannotBeOpened: the fault names the table, and the way round.
func TestMergeTableThatCannotBeOpened(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{Kind: kind, Relaxed: true})
			s.exec("CREATE DATABASE d", "CREATE TABLE d.b (id INT) ENGINE=MyISAM", "CREATE TABLE d.m (id INT) ENGINE=MERGE UNION=(d.b)", "DROP TABLE d.b", "CREATE TABLE d.x (id INT PRIMARY KEY)")
			_, err := s.tryBackUp(t.Context())
			if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(f.Hint, "--exclude d.m") {
				t.Fatalf("%v: %+v", err, f)
			}
			s.backUp(func(c *Config) { c.Exclude = []string{"d.m"} })
		})
	}
}

// TestCommentsInTheParametersOfARoutine: what stands in a comment ends no list, and begins no literal.
func TestCommentsInTheParametersOfARoutine(t *testing.T) {
	for text, list := range map[string]string{
		"CREATE PROCEDURE `p`(a INT /* :) gr\xf6\xdfe */)\n    COMMENT 'é'\nSELECT 1":      "(a INT /* :) gr\xf6\xdfe */)",
		"CREATE PROCEDURE `p`(a INT /* don't */, b INT)\n    COMMENT 'é'\nSELECT 1":        "(a INT /* don't */, b INT)",
		"CREATE PROCEDURE `p`(a INT -- it's )\n, b INT # ( \"\n)\n    COMMENT 'é'\nSELECT": "(a INT -- it's )\n, b INT # ( \"\n)",
		"CREATE PROCEDURE `p`(a ENUM('--)','/*'), b INT)\n    COMMENT 'é'\nSELECT":         "(a ENUM('--)','/*'), b INT)",
	} {
		if parts := textParts(catalog.KindProcedure, text, "latin1"); parts[1] != list || !strings.Contains(parts[2], "COMMENT 'é'") {
			t.Errorf("%q is cut into %q", text, parts)
		}
	}
}

// TestKilledBackupOfAServerThatHasChanged: what foreign keys do is in the log by a setting, and how a table is read hangs on it.
func TestKilledBackupOfAServerThatHasChanged(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	id := s.killedAt("d.t", 6)
	if err := s.source.Restart(t.Context(), "--innodb-native-foreign-keys=ON"); err != nil {
		t.Fatal(err)
	}
	s.srv = s.open(mysqltest.BackupUser) // settings are those of the moment of opening
	if r, _ := s.backUp(inChunks); r.BackupID == id || !strings.Contains(s.log.String(), "innodb_native_foreign_keys") {
		t.Errorf("backup %s goes on with %s", r.BackupID, id)
	}
}
