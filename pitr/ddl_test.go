package pitr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestR8StatementsAreReplayed: DDL of many kinds between changes of rows, behind the backup.
func TestR8StatementsAreReplayed(t *testing.T) {
	s := newStory(t, "d", "e", "f")
	s.on("CREATE DATABASE d CHARACTER SET latin1", "CREATE DATABASE e",
		"CREATE TABLE d.a (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO d.a (v) VALUES ('x'),('y')",
		"CREATE TABLE d.p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
		"INSERT INTO d.p VALUES (1,1),(11,11)", "CREATE TABLE e.n (a INT, b VARCHAR(10))", "INSERT INTO e.n VALUES (1,'k'),(1,'K')")
	b := s.begin()
	b.schema("d")
	b.schema("e")
	b.table("d.a", "")
	b.table("d.p", "")
	b.table("e.n", "")
	b.end()
	s.on("USE d",
		"ALTER TABLE a ADD COLUMN w INT NOT NULL DEFAULT 7, ADD UNIQUE KEY (v)", "INSERT INTO a (v) VALUES ('z')",
		"CREATE TABLE b LIKE a", "INSERT INTO b SELECT * FROM a", "CREATE INDEX iw ON b (w)",
		// gh-ost
		"CREATE TABLE _a_gho LIKE a", "ALTER TABLE _a_gho ADD COLUMN extra VARCHAR(5) DEFAULT 'e'", "INSERT INTO _a_gho (id,v,w) SELECT id,v,w FROM a",
		"RENAME TABLE a TO _a_del, _a_gho TO a", "INSERT INTO a (v,extra) VALUES ('new','q')", "DROP TABLE _a_del",
		"CREATE TABLE c AS SELECT id, CONCAT(v,'!') AS s FROM a", "UPDATE c SET s='changed' WHERE id=1",
		"CREATE TABLE c2 ENGINE=InnoDB COMMENT='chosen' SELECT id, v FROM a", "CREATE TABLE c3 (id INT, KEY (id)) CHARSET latin1 PARTITION BY HASH (id) AS SELECT id, v FROM a",
		"CREATE TABLE IF NOT EXISTS c (other INT)", "DROP TABLE IF EXISTS nothere, c, nothere2",
		"TRUNCATE TABLE b", "INSERT INTO b (v) VALUES ('truncated')", "ALTER TABLE b RENAME TO e.moved, ADD COLUMN m INT", "UPDATE e.moved SET m=5",
		"ALTER TABLE p ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))", "INSERT INTO p VALUES (21,21)", "ALTER TABLE p TRUNCATE PARTITION p0",
		"CREATE TABLE x (id INT PRIMARY KEY, v INT)", "INSERT INTO x VALUES (12,1)", "ALTER TABLE p EXCHANGE PARTITION p1 WITH TABLE x",
		"DROP INDEX iw ON e.moved", "UPDATE e.n SET b='one' WHERE b='k' LIMIT 1", "ALTER TABLE e.n ADD PRIMARY KEY (a,b)", "INSERT INTO e.n VALUES (2,'p')",
		"CREATE DATABASE f CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "CREATE TABLE f.t (v VARCHAR(5) PRIMARY KEY)", "INSERT INTO f.t VALUES ('a'),('A')",
		"ALTER DATABASE f COLLATE utf8mb4_0900_ai_ci", "CREATE TABLE f.u (v VARCHAR(5) PRIMARY KEY)",
		"CREATE TEMPORARY TABLE a (temp INT)", "INSERT INTO a VALUES (1)", "DROP TEMPORARY TABLE a",
		"ANALYZE TABLE p", "OPTIMIZE TABLE x", "FLUSH TABLES")
	_, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d", "e", "f")
	if result.StatementsReplayed < 20 {
		t.Errorf("%d statements replayed", result.StatementsReplayed)
	}
}

// TestR8ExchangeOfInstantColumns: a column that the log adds is an instant one on the target, whatever it was on the source: MySQL 5.6 has
// none, and OPTIMIZE makes one an ordinary one. Such a table can be exchanged when it is rebuilt only.
func TestR8ExchangeOfInstantColumns(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.p (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
		"CREATE TABLE d.x (id INT PRIMARY KEY, v INT)", "INSERT INTO d.p VALUES (1,1),(11,11)", "INSERT INTO d.x VALUES (2,2)",
		"ALTER TABLE d.p ADD COLUMN w INT DEFAULT 5, ALGORITHM=COPY")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.x", "")
	b.end()
	s.on("ALTER TABLE d.x ADD COLUMN w INT DEFAULT 5, ALGORITHM=INSTANT", "OPTIMIZE TABLE d.x", "INSERT INTO d.x VALUES (3,3,3)", "ALTER TABLE d.p EXCHANGE PARTITION p0 WITH TABLE d.x",
		"UPDATE d.x SET w = 6", "INSERT INTO d.p VALUES (4,4,4)")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestR8DropDatabase: its tables go one by one, the schema in the end if this restore made it;
// one that comes again takes its place.
func TestR8DropDatabase(t *testing.T) {
	s := newStory(t, "d", "e", "f")
	s.on("CREATE DATABASE d", "CREATE DATABASE e", "CREATE DATABASE f CHARACTER SET latin1",
		"CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE e.a (id INT PRIMARY KEY)", "CREATE TABLE f.a (id INT PRIMARY KEY)",
		"CREATE PROCEDURE f.r() SELECT 1", "CREATE TABLE d.child (id INT, FOREIGN KEY (id) REFERENCES f.a (id))")
	b := s.begin()
	for _, name := range []string{"d", "e", "f"} {
		b.schema(name)
		b.table(name+".a", "")
	}
	b.table("d.child", "")
	b.object(catalog.KindProcedure, "f.r", "")
	b.end()
	mark := s.position()
	s.on("SET foreign_key_checks=0", "CREATE TABLE e.later (v INT)", "INSERT INTO e.later VALUES (1)", "DROP DATABASE e",
		"DROP DATABASE f", "CREATE DATABASE f CHARACTER SET utf8mb4", "CREATE TABLE f.a (id INT PRIMARY KEY, v VARCHAR(3))", "INSERT INTO f.a VALUES (8,'x')")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d", "e", "f")

	// Again, into the same target, to the point before.
	_, _, err = s.restore(Wish{Stop: stopAt(mark)})
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "table d.a")
	_, _, err = s.restore(Wish{Stop: stopAt(mark), Force: true})
	s.must(err)
	if got := s.query(s.dest.Root(), "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='e'")[0][0]; got != "1" {
		t.Errorf("%s tables in e", got)
	}
}

// TestR10Context: statements that mean something else in another session.
func TestR10Context(t *testing.T) {
	s := newStory(t, "d", "中")
	s.on("CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "CREATE DATABASE `中`")
	b := s.begin()
	b.schema("d")
	b.schema("中")
	b.end()
	s.on("USE d", "SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", `CREATE TABLE "quoted" ("c" VARCHAR(10) DEFAULT 'a\b' COMMENT 'x\')`,
		"SET sql_mode='PIPES_AS_CONCAT'", "CREATE TABLE pipes (a VARCHAR(5), g VARCHAR(10) AS (a || '!'))",
		"SET sql_mode=DEFAULT, NAMES latin1", "CREATE TABLE latin (v VARCHAR(10) CHARACTER SET utf8mb4 DEFAULT '\xe9' COMMENT '\xe9\xe8')",
		"SET NAMES gbk", "CREATE TABLE `\xd6\xd0`.`\xce\xc4` (`\xd7\xd6` INT COMMENT '\xd6\xd0')", "INSERT INTO `\xd6\xd0`.`\xce\xc4` VALUES (1)",
		"ALTER TABLE `\xd6\xd0`.`\xce\xc4` ADD COLUMN v VARCHAR(5) DEFAULT '\xd6\xd0'",
		"CREATE TABLE `\xd7\xd6` AS SELECT 1 AS v",
		"SET NAMES utf8mb4, time_zone='+09:00'", "CREATE TABLE zone (ts TIMESTAMP DEFAULT '2026-01-01 00:00:00', dt DATETIME DEFAULT '2026-01-01 00:00:00')",
		"SET time_zone=DEFAULT, explicit_defaults_for_timestamp=0", "CREATE TABLE implicit (a TIMESTAMP, b TIMESTAMP NULL)",
		"SET explicit_defaults_for_timestamp=1, default_collation_for_utf8mb4=utf8mb4_general_ci", "CREATE TABLE general (v VARCHAR(5) CHARACTER SET utf8mb4)",
		"SET default_collation_for_utf8mb4=DEFAULT, collation_server=latin1_bin", "ALTER DATABASE `中` CHARACTER SET utf8mb4", "CREATE TABLE `中`.t (v VARCHAR(4))",
		"SET NAMES gbk", "CREATE TABLE plain (a INT)", "USE `\xd6\xd0`", "CREATE TABLE in_gbk (a INT)", "SET NAMES latin1", "CREATE VIEW v AS SELECT '\xe9' AS e", "USE d", "SET NAMES utf8mb4",
		"SET collation_server=DEFAULT, timestamp=1700000000", "CREATE TABLE filled (id INT PRIMARY KEY)", "INSERT INTO filled VALUES (1)",
		"ALTER TABLE filled ADD COLUMN ts TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)",
		"SET timestamp=DEFAULT, auto_increment_increment=10, auto_increment_offset=3", "ALTER TABLE filled ADD COLUMN n INT AUTO_INCREMENT UNIQUE",
		"SET auto_increment_increment=DEFAULT, auto_increment_offset=DEFAULT")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d", "中")
}

// TestR2SidesOfStatements: statements before a table's windows are in what was read; those
// behind are carried out; names that the backup read later than others do not get them twice.
func TestR2SidesOfStatements(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE d.b (id INT PRIMARY KEY)", "INSERT INTO d.a VALUES (1)", "INSERT INTO d.b VALUES (2)")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "") // read before the swap
	s.on("ALTER TABLE d.b ADD COLUMN v INT", "INSERT INTO d.b VALUES (3,3)", "CREATE TABLE d.made (v INT)", "INSERT INTO d.made VALUES (9)", "DROP TABLE d.made")
	b.table("d.b", "") // read behind the ALTER
	swap := s.position()
	s.on("RENAME TABLE d.a TO d.old, d.b TO d.a")
	// d.old is read behind the swap: of its old name the statement leaves a DROP.
	base := b.table("d.old", "")
	b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: "gone"}, Base: catalog.BaseTombstone, At: swap, AtEnd: base.Rows.Low})
	s.on("INSERT INTO d.old VALUES (50)", "INSERT INTO d.a VALUES (60,6)")
	b.end()
	s.on("CREATE TABLE d.gone (v INT)", "ALTER TABLE d.old COMMENT 'renamed'")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestR7ChangesWithoutATrace: an ALTER that is not in the log is found by the table map.
func TestR7ChangesWithoutATrace(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO d.a VALUES (1,'x')")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.end()
	s.on("SET sql_log_bin=0", "ALTER TABLE d.a MODIFY v VARCHAR(20)", "SET sql_log_bin=1", "UPDATE d.a SET v='0123456789'")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "d.a")
}

// TestNotInTheLog: the range of a table ends where a statement's result is not logged, and not
// that of the others.
func TestNotInTheLog(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v INT)", "CREATE TABLE d.b (id INT PRIMARY KEY)", "INSERT INTO d.a VALUES (1,1)")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.table("d.b", "")
	b.end()
	s.on("INSERT INTO d.b VALUES (1)")
	before := s.position()
	s.on("SET SESSION binlog_format=STATEMENT", "UPDATE d.a SET v=5 WHERE id=1", "SET SESSION binlog_format=ROW")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "d.a")
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "--exclude d.a")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Exclude: []string{"d.a"}}})
	s.must(err)
	_, _, err = s.restore(Wish{Stop: stopAt(before), Force: true})
	s.must(err)
	if rows := s.tableRows(s.dest.Root(), schema.Name{Schema: "d", Name: "a"}); len(rows) != 1 {
		t.Errorf("d.a holds %q", rows)
	}
}

// TestNotInTheLogOfManyTables: a refusal of more tables than its message names says all the same how the others can be had.
func TestNotInTheLogOfManyTables(t *testing.T) {
	s := newStory(t, "d", "e")
	s.on("CREATE DATABASE d", "CREATE DATABASE e", "CREATE TABLE e.other (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.schema("e")
	for i := range 24 {
		s.on(fmt.Sprintf("CREATE TABLE d.t%d (id INT PRIMARY KEY)", i))
		b.table(fmt.Sprintf("d.t%d", i), "")
	}
	b.table("e.other", "")
	s.on("CREATE TRIGGER d.g AFTER INSERT ON d.t0 FOR EACH ROW INSERT INTO d.t1 VALUES (NEW.id)")
	b.object(catalog.KindTrigger, "d.g", "t0")
	b.end()
	s.on("SET SESSION binlog_format=STATEMENT", "INSERT INTO d.t0 VALUES (1)", "SET SESSION binlog_format=ROW", "RENAME TABLE d.t3 TO d.away", "INSERT INTO e.other VALUES (1)")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "4 more at")
	_, named, _ := strings.Cut(fault.Of(err).Hint, "--exclude ")
	named, _, _ = strings.Cut(named, " ")
	if list := strings.Split(named, ","); len(list) != 24 || !slices.Contains(list, "d.away") {
		t.Fatalf("the hint is %q", fault.Of(err).Hint)
	}
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Exclude: strings.Split(named, ",")}})
	s.must(err)
	if rows := s.tableRows(s.dest.Root(), schema.Name{Schema: "e", Name: "other"}); len(rows) != 1 {
		t.Errorf("e.other holds %q", rows)
	}
}

// TestR8ForeignKeysFollowTheirParents: a RENAME changes the foreign keys of children, whichever of
// the two the backup has read first.
func TestR8ForeignKeysFollowTheirParents(t *testing.T) {
	child := "(id INT PRIMARY KEY, p INT, CONSTRAINT %s FOREIGN KEY (p) REFERENCES parents (id) ON DELETE RESTRICT ON UPDATE RESTRICT, CONSTRAINT %s_self FOREIGN KEY (p) REFERENCES %s (id))"
	create := func(name string) string {
		return "CREATE TABLE " + name + " " + strings.ReplaceAll(strings.Replace(child, "%s (id)", name+" (id)", 1), "%s", "fk_"+name)
	}
	swap := "RENAME TABLE parents TO old, fresh TO parents"
	for name, c := range map[string]struct {
		read []string // in this order; "swap" is the statement
	}{
		"all before":                {[]string{"early", "parents", "fresh", "swap"}},
		"all behind":                {[]string{"swap", "early", "parents", "old"}},
		"child before, rest behind": {[]string{"early", "swap", "parents", "old"}},
		"child behind, rest before": {[]string{"parents", "fresh", "swap", "early"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "d")
			s.on("CREATE DATABASE d", "USE d", "CREATE TABLE parents (id INT PRIMARY KEY)", "CREATE TABLE fresh (id INT PRIMARY KEY, extra INT)",
				"INSERT INTO parents VALUES (1),(2)", "INSERT INTO fresh VALUES (1,1),(2,2),(3,3)", create("early"), "INSERT INTO early VALUES (1,1)")
			b := s.begin()
			b.schema("d")
			read := map[string]bool{}
			for _, step := range c.read {
				if step != "swap" {
					b.table("d."+step, "")
					read[step] = true
					continue
				}
				at := s.position()
				s.on("USE d", swap)
				// R4: names whose content went elsewhere have a tombstone where they are not read again.
				for _, gone := range []string{"parents", "fresh"} {
					if !read[gone] && !slices.Contains(c.read, gone) || gone == "fresh" && !read[gone] {
						b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: gone}, Base: catalog.BaseTombstone, At: at, AtEnd: s.position()})
					}
				}
			}
			b.end()
			s.on("USE d", "SET foreign_key_checks=0", create("late"), "INSERT INTO late VALUES (3,3)", "ALTER TABLE early ADD COLUMN z INT", "RENAME TABLE parents TO again", "RENAME TABLE again TO parents")
			_, _, err := s.restore(Wish{})
			s.must(err)
			s.same("d")
		})
	}
}

// TestServerMadeIndexIsNamed: the server makes an index for a foreign key and drops it when another
// one serves. A backup cannot tell it from a spelled one, so on the target it stays, and what takes
// its name later fails: the hint says why, and what can be had.
func TestServerMadeIndexIsNamed(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.p (id INT PRIMARY KEY)",
		"CREATE TABLE d.c (id INT PRIMARY KEY, p INT, CONSTRAINT c1 FOREIGN KEY (p) REFERENCES d.p (id))")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.c", "")
	b.end()
	s.on("ALTER TABLE d.c ADD INDEX other (p)", "ALTER TABLE d.c ADD INDEX c1 (id)")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "Duplicate key name 'c1'")
	if hint := fault.Of(err).Hint; !strings.Contains(hint, "foreign key") || !strings.Contains(hint, "--exclude") {
		t.Errorf("hint: %s", hint)
	}
}
