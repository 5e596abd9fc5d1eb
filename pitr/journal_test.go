package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestR7DefinitionsWithoutATrace: what was changed on the source behind the log's back is found at
// the next statement on the table, before any row of it, and not where only other tables are restored.
func TestR7DefinitionsWithoutATrace(t *testing.T) {
	for name, c := range map[string]struct{ hidden, what string }{
		"column": {"ALTER TABLE d.a ADD x INT", "column 3 is none, on the source `x` int"},
		"type":   {"ALTER TABLE d.a MODIFY v VARCHAR(20)", "column 2 is `v` varchar(10,0)"},
		"key":    {"ALTER TABLE d.a ADD UNIQUE u (v)", "it lacks unique key `u` (`v`)"},
		"index":  {"ALTER TABLE d.a DROP INDEX i", "it has key `i` (`v`)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "d")
			s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY, v VARCHAR(10), INDEX i (v))", "CREATE TABLE d.b (id INT PRIMARY KEY)", "INSERT INTO d.a VALUES (1,'x')")
			b := s.begin()
			b.schema("d")
			b.table("d.a", "")
			b.table("d.b", "")
			b.end()
			before := s.position()
			s.on("ALTER TABLE d.a COMMENT 'before'")
			behind := s.position()
			s.on("INSERT INTO d.b VALUES (0)", "SET sql_log_bin=0", c.hidden, "SET sql_log_bin=1")
			between := s.position()
			s.archive() // knows a definition only from behind the hidden change
			s.on("ALTER TABLE d.a COMMENT 'known'", "INSERT INTO d.b VALUES (1)")
			_, _, err := s.restore(Wish{Stop: stopAt(behind)})
			s.must(err)
			_, _, err = s.restore(Wish{Force: true, Stop: stopAt(between)})
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, c.what)
			if !strings.Contains(err.Error(), "table d.a is not") || !strings.Contains(err.Error(), before.String()) {
				t.Errorf("the message names neither table nor place: %v", err)
			}
			_, _, err = s.restore(Wish{Stop: stopAt(between)}) // goes on behind the statement, which it has carried out
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, c.what)
			_, _, err = s.restore(Wish{Force: true, Selection: catalog.Selection{Tables: []string{"d.b"}}})
			s.must(err)
			s.drop("d.a")
			s.equal(wantsOnly(s.contents(s.source, "d"), "d.b"), "d")
		})
	}
}

// TestIndexesThatTheSourceDroppedByItself: an index that a server made for a foreign key goes with
// the next one that serves it, and its name is free: on the target too, where SHOW CREATE made it.
func TestIndexesThatTheSourceDroppedByItself(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.c (id INT PRIMARY KEY, p INT, q INT, FOREIGN KEY f (p) REFERENCES d.p (id))", "INSERT INTO d.p VALUES (1)")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.c", "")
	b.end()
	s.on("ALTER TABLE d.c ADD INDEX wide (p, id)")
	if shown := s.row("SHOW CREATE TABLE d.c")[1]; strings.Contains(shown, "KEY `f`") {
		t.Fatalf("the source keeps the index: the test proves nothing: %s", shown)
	}
	s.archive() // the definition is read behind this statement
	s.on("ALTER TABLE d.c ADD INDEX f (q)", "INSERT INTO d.c VALUES (1,1,1)")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestIndexesThatTheSourceMadeInstead: another foreign key of the same columns makes an index of its own name where that of the first was
// the server's own, and went with it.
func TestIndexesThatTheSourceMadeInstead(t *testing.T) {
	for name, exchange := range map[string][]string{
		"two statements": {"ALTER TABLE d.c DROP FOREIGN KEY f1", "ALTER TABLE d.c ADD CONSTRAINT f2 FOREIGN KEY (x) REFERENCES d.p (id) ON DELETE SET NULL"},
		"one statement":  {"ALTER TABLE d.c DROP FOREIGN KEY f1, ADD CONSTRAINT f2 FOREIGN KEY (x) REFERENCES d.p (id) ON DELETE SET NULL"},
		"two columns":    {"ALTER TABLE d.c DROP FOREIGN KEY f1, ADD CONSTRAINT f2 FOREIGN KEY (x, y) REFERENCES d.p2 (a, b)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "d")
			s.on("CREATE DATABASE d", "CREATE TABLE d.p (id INT PRIMARY KEY)", "CREATE TABLE d.p2 (a INT, b INT, PRIMARY KEY (a, b))",
				"CREATE TABLE d.c (id INT PRIMARY KEY, x INT, y INT, CONSTRAINT f1 FOREIGN KEY (x) REFERENCES d.p (id))", "INSERT INTO d.p VALUES (1)", "INSERT INTO d.p2 VALUES (1,1)")
			b := s.begin()
			b.schema("d")
			b.table("d.p", "")
			b.table("d.p2", "")
			b.table("d.c", "")
			b.end()
			for _, statement := range exchange {
				s.on(statement)
				s.archive() // the definition is read behind this statement
			}
			if shown := s.row("SHOW CREATE TABLE d.c")[1]; strings.Contains(shown, "KEY `f1`") || !strings.Contains(shown, "KEY `f2`") {
				t.Fatalf("the source keeps the index: the test proves nothing: %s", shown)
			}
			s.on("INSERT INTO d.c VALUES (1,1,1)")
			_, _, err := s.restore(Wish{})
			s.must(err)
			s.same("d")
		})
	}
}

// TestEnginesThatTheLogDoesNotName: a session of another default engine makes tables of that one.
func TestEnginesThatTheLogDoesNotName(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	for _, statements := range [][]string{
		{"SET default_storage_engine=MyISAM", "CREATE TABLE d.isam (id INT PRIMARY KEY, v VARCHAR(9))"},
		{"SET default_storage_engine=MEMORY", "CREATE TABLE d.heap (id INT PRIMARY KEY, v VARCHAR(9))"},
		{"SET default_storage_engine=MyISAM", "CREATE TABLE d.innodb (id INT PRIMARY KEY) ENGINE=InnoDB"},
	} {
		s.on(statements...)
		s.archive() // the definition is read behind this statement
	}
	s.on("INSERT INTO d.isam VALUES (1,'x')", "INSERT INTO d.heap VALUES (1,'x')", "INSERT INTO d.innodb VALUES (1)")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// What two servers may print in their own way is no difference.
func TestDefinitionsThatAreTheSame(t *testing.T) {
	shown := func(text string) string { return "CREATE TABLE `t` (\n" + text + "\n) ENGINE=InnoDB" }
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"  `a` int NOT NULL DEFAULT '1' COMMENT 'x',\n  PRIMARY KEY (`a`)", "  `A` int NOT NULL,\n  PRIMARY KEY (`A`)", false},
		{"  `a` int NOT NULL DEFAULT '1' COMMENT 'x',\n  PRIMARY KEY (`a`)", "  `a` int NOT NULL,\n  PRIMARY KEY (`a`)", true},
		{"  `a` int DEFAULT NULL,\n  KEY `k` (`a`)", "  `a` int DEFAULT NULL,\n  KEY `K` (`a`) COMMENT 'x'", true},
		{"  `a` int DEFAULT NULL,\n  KEY `k` (`a`)", "  `a` int DEFAULT NULL,\n  UNIQUE KEY `k` (`a`)", false},
		{"  `a` int(11) DEFAULT NULL", "  `a` int DEFAULT NULL", true},
		{"  `a` int unsigned DEFAULT NULL", "  `a` int DEFAULT NULL", false},
		{"  `a` int DEFAULT NULL", "  `a` int NOT NULL", false},
		{"  `a` enum('x','y') DEFAULT NULL", "  `a` enum('y','x') DEFAULT NULL", false},
	} {
		a, err := ddl.ParseCreateTable(shown(c.a), "d")
		if err != nil {
			t.Fatal(err)
		}
		b, err := ddl.ParseCreateTable(shown(c.b), "d")
		if err != nil {
			t.Fatal(err)
		}
		if what := difference(a, b); (what == "") != c.same {
			t.Errorf("%s and %s: %q", c.a, c.b, what)
		}
	}
}
