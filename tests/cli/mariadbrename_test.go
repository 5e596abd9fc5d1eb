package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBRenamesIfExists: a pair of RENAME TABLE IF EXISTS whose table is not there does nothing, whatever its target; the others are
// carried out, left to right; in a restore of everything and of parts.
func TestMariaDBRenamesIfExists(t *testing.T) {
	source, target := mariaSchemas(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "SET foreign_key_checks=0", "CREATE TABLE shop.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES shop.nosuch (id))", "SET foreign_key_checks=1", "CREATE TABLE shop.a (id INT PRIMARY KEY)", "CREATE TABLE shop.b (id INT PRIMARY KEY)", "CREATE VIEW shop.v AS SELECT id FROM shop.b",
		"INSERT INTO shop.a VALUES (1)", "INSERT INTO shop.b VALUES (2)", "CREATE DATABASE `od``d.na*me`")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	moments := []moment{takeHere(t, source)}
	for _, statements := range [][]string{
		{"RENAME TABLE IF EXISTS shop.nosuch TO shop.x, shop.a TO shop.c, shop.c TO `od``d.na*me`.d, shop.a TO shop.e", "INSERT INTO `od``d.na*me`.d VALUES (10)"},
		{"RENAME TABLE IF EXISTS shop.nosuch TO shop.b, shop.v TO shop.w", "ALTER TABLE IF EXISTS shop.nosuch RENAME TO shop.y", "INSERT INTO shop.b VALUES (20)"},
		{"CREATE TABLE shop.a (v VARCHAR(9))", "RENAME TABLE IF EXISTS shop.b TO shop.tmp, shop.a TO shop.b, shop.tmp TO shop.a", "INSERT INTO shop.b VALUES ('new')"},
	} {
		mysqltest.Exec(t, source, statements...)
		moments = append(moments, takeHere(t, source))
	}
	d.works(d.source("archive", source, "--until-idle")...)
	for _, m := range moments {
		emptyTarget(t, target)
		d.works(d.restore(target, "--to-position", m.position())...)
		m.equals(t, target, m.position())
	}
	emptyTarget(t, target)
	d.works(d.restore(target, "--tables", "shop.child")...)
	if got := onlyValue(t, target, "SELECT REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE TABLE_NAME='child'"); got != "nosuch" {
		t.Errorf("the foreign key of a part refers to %q", got)
	}
	emptyTarget(t, target)
	d.works(d.restore(target, "--tables", "shop.a,shop.b")...)
	if got := onlyValue(t, target, "SELECT CONCAT((SELECT GROUP_CONCAT(id ORDER BY id) FROM shop.a), (SELECT v FROM shop.b))"); got != "2,20new" {
		t.Errorf("of a part came %q", got)
	}
}
