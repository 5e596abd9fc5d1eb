package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Foreign keys of a definition that was read behind a RENAME refer by name, whatever was called so
// when the backup began; and those to a name that only later gets a table go with that table.
func TestR8PartForeignKeysByName(t *testing.T) {
	for name, tell := range map[string]func(s *story, b *backup){
		"the name was another table's at the floor": func(s *story, b *backup) {
			s.on("USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE q (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES p(id))")
			*b = *s.begin()
			b.schema("d")
			b.table("d.p", "")
			b.table("d.q", "")
			s.on("RENAME TABLE d.q TO d.old, d.p TO d.q")
			b.table("d.c", "")
			b.end()
			s.on("INSERT INTO d.q VALUES (7)", "INSERT INTO d.c VALUES (1,7)", "RENAME TABLE d.q TO d.last")
		},
		"a RENAME behind it": func(s *story, b *backup) {
			s.on("USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES p(id))")
			*b = *s.begin()
			b.schema("d")
			b.table("d.p", "")
			s.on("RENAME TABLE d.p TO d.q")
			b.table("d.c", "")
			b.end()
			s.on("RENAME TABLE d.q TO d.last")
		},
		"the parent comes later, and is renamed": func(s *story, b *backup) {
			*b = *s.begin()
			b.schema("d")
			b.end()
			s.on("SET foreign_key_checks=0", "USE d", "CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES p(id))", "CREATE TABLE p (id INT PRIMARY KEY)", "RENAME TABLE p TO last")
		},
		"the parent is made anew, and is renamed": func(s *story, b *backup) {
			s.on("USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES p(id))")
			*b = *s.begin()
			b.schema("d")
			b.table("d.p", "")
			b.table("d.c", "")
			b.end()
			s.on("SET foreign_key_checks=0", "USE d", "DROP TABLE p", "CREATE TABLE p (id INT PRIMARY KEY, v INT)", "RENAME TABLE p TO last")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, "d")
			s.on("CREATE DATABASE d")
			b := &backup{}
			tell(s, b)
			s.part(Wish{}, "d.c", "d.last")
			mysqltest.Exec(t, s.dest, "DROP DATABASE d")
			_, _, err := s.restore(Wish{})
			s.must(err)
			s.same("d")
			mysqltest.Exec(t, s.dest, "DROP DATABASE d")
			s.part(Wish{}, "d.c")
		})
	}
}
