package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Names of all kinds go through swaps, private names and --rename: with backticks, dots, commas, globs,
// quotes, and as long as names can be.
func TestPartStrangeNames(t *testing.T) {
	s := newStory(t, "d")
	s.into = s.open(s.dest, mysqltest.Root, server.Target)
	home := "s.c`h, *"
	long := strings.Repeat("ü", 64)
	for _, name := range []string{"we`ird.na,me", "a*b?", "its \"q", long, "order", "UPPER", "=eq="} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			for _, n := range []string{home, home + "2", "n`.,e"} {
				mysqltest.Exec(t, s.dest, "DROP DATABASE IF EXISTS "+schema.Quote(n))
			}
			n, ghost := schema.Name{Schema: home, Name: name}, schema.Name{Schema: home, Name: "_gh`o." + name[:1]}
			if name == long {
				ghost.Name = strings.Repeat("é", 64)
			}
			old := schema.Name{Schema: home, Name: "old"}
			check := ", CONSTRAINT `ch``k.` CHECK (id > 0)"
			if name == long {
				check = "" // a copy of the table could not be made on the source
			}
			s.on("DROP DATABASE IF EXISTS "+schema.Quote(home), "CREATE DATABASE "+schema.Quote(home), "CREATE TABLE "+n.Quoted()+" (id INT PRIMARY KEY, `c.,``o` INT"+check+", KEY `i``x` (`c.,``o`))",
				"INSERT INTO "+n.Quoted()+" VALUES (1,1),(2,2)")
			b := s.begin()
			b.schema2(home)
			b.tableOf(n, "")
			b.end()
			s.on("USE "+schema.Quote(home), "INSERT INTO "+schema.Quote(name)+" VALUES (3,3)", "CREATE TABLE "+schema.Quote(ghost.Name)+" LIKE "+schema.Quote(name), "INSERT INTO "+ghost.Quoted()+" SELECT * FROM "+n.Quoted(),
				"RENAME TABLE "+schema.Quote(name)+" TO "+old.Quoted()+", "+schema.Quote(ghost.Name)+" TO "+schema.Quote(name), "ALTER TABLE "+schema.Quote(name)+" ADD COLUMN `n.``w` INT, ADD CONSTRAINT `f``k` FOREIGN KEY (`c.,``o`) REFERENCES "+old.Quoted()+" (id)",
				"UPDATE "+n.Quoted()+" SET `n.``w` = 7 WHERE id = 2", "DELETE FROM "+schema.Quote(name)+" WHERE id = 1",
				"CREATE TRIGGER `tr``.` BEFORE INSERT ON "+schema.Quote(name)+" FOR EACH ROW SET NEW.`n.``w` = 1")
			both := catalog.Selection{Tables: []string{n.Quoted(), old.Quoted()}}
			_, _, err := s.restore(Wish{Selection: both, Force: true})
			s.must(err)
			s.same(home)
			to := schema.Name{Schema: "n`.,e", Name: "=n`e.w,"}
			_, _, err = s.restore(Wish{Selection: both, Rename: []string{n.Quoted() + "=" + to.Quoted(), old.Quoted() + "=" + schema.Name{Schema: to.Schema, Name: "old"}.Quoted()}, Force: true})
			s.must(err)
			want, got := s.query(s.source.Root(), "SELECT * FROM "+n.Quoted()), s.query(s.dest.Root(), "SELECT * FROM "+to.Quoted())
			if len(got) != len(want) || strings.Join(got[0], " ") != strings.Join(want[0], " ") {
				t.Errorf("%v, want %v", got, want)
			}
			_, _, err = s.restore(Wish{Rename: []string{schema.Quote(home) + "=" + schema.Quote(home+"2")}, Force: true})
			s.must(err)
		})
	}
}

// schema2 is schema for names that have to be quoted.
func (b *backup) schema2(name string) {
	b.Helper()
	b.Schemas = append(b.Schemas, catalog.SchemaBase{Name: name, Exists: true, Window: b.here(), Charset: "utf8mb4", Collation: "utf8mb4_0900_ai_ci"})
}

// TestNamesThatTheServerStoresOtherwise: of a character that utf8mb3 lacks a server makes a question mark. Statements in the log have the
// character, rows have what is stored.
func TestNamesThatTheServerStoresOtherwise(t *testing.T) {
	s := newStory(t, "d", "d?")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("CREATE TABLE d.`made 😀` (`c😀` INT PRIMARY KEY)", "INSERT INTO d.`made 😀` VALUES (1)", "ALTER TABLE d.`made 😀` RENAME TO d.`came 𝄞`", "INSERT INTO d.`came 😀` VALUES (2)",
		"CREATE DATABASE `d😀`", "USE `d😀`", "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (3)", "CREATE VIEW `v😀` AS SELECT * FROM t")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d", "d?")
}
