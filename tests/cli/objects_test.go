package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Objects that are made behind a partial backup, on or beside what it leaves out, do not keep
// the rest from being restored.
func TestSelectionAndLaterObjects(t *testing.T) {
	source, target := sourceServer(t), mysqltest.Target(t)
	// The schema itself comes with every backup.
	if _, err := target.CreateRestoreUser(t.Context(), shopSchema, "other"); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE DATABASE other", "CREATE TABLE shop.t (id INT PRIMARY KEY)",
		"CREATE TABLE shop.t2 (id INT PRIMARY KEY)", "CREATE TABLE other.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)",
		"CREATE TRIGGER shop.moves BEFORE DELETE ON shop.t FOR EACH ROW SET @a = 1")
	for _, c := range []struct {
		name     string
		flags    []string
		routines int // of the schema shop
	}{
		{"exclude", []string{"--databases", "shop", "--exclude", "shop.t2"}, 1},
		{"tables", []string{"--tables", "shop.t"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.works(d.source("backup", source, c.flags...)...)
			mysqltest.Exec(t, source, "CREATE TRIGGER shop.outside BEFORE INSERT ON shop.t2 FOR EACH ROW SET @a = 1",
				"CREATE TRIGGER shop.inside BEFORE INSERT ON shop.t FOR EACH ROW SET @a = 1",
				"DROP TRIGGER shop.moves", "CREATE TRIGGER shop.moves BEFORE DELETE ON shop.t2 FOR EACH ROW SET @a = 1",
				"CREATE TABLE shop.later (id INT PRIMARY KEY)", "CREATE TRIGGER shop.on_later BEFORE INSERT ON shop.later FOR EACH ROW SET @a = 1",
				"CREATE PROCEDURE shop.p() SET @a = 1", "CREATE PROCEDURE other.p() SET @a = 1", "ALTER PROCEDURE other.p COMMENT 'x'",
				"CREATE EVENT other.e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a = 1", "CREATE VIEW other.v AS SELECT 1 AS one",
				"INSERT INTO shop.t VALUES (2)")
			d.works(d.source("archive", source, "--until-idle")...)
			d.works(d.restore(target)...)
			if n := count(t, target, "SELECT COUNT(*) FROM shop.t"); n != 2 {
				t.Errorf("shop.t has %d rows", n)
			}
			if n := count(t, target, "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = 'shop' AND trigger_name IN ('inside', 'on_later')"); n != 2 {
				t.Errorf("%d of the 2 triggers on tables of the backup", n)
			}
			if n := count(t, target, "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_name IN ('outside', 'moves')"); n != 0 {
				t.Errorf("%d triggers on a table that was left out", n)
			}
			if n := count(t, target, "SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = 'shop'"); n != c.routines {
				t.Errorf("%d routines, want %d", n, c.routines)
			}
			emptyTarget(t, target)
			mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS other")
			mysqltest.Exec(t, source, "DROP TRIGGER shop.outside", "DROP TRIGGER shop.inside", "DROP TRIGGER shop.moves", "DROP TABLE shop.later",
				"DROP PROCEDURE shop.p", "DROP PROCEDURE other.p", "DROP EVENT other.e", "DROP VIEW other.v", "DELETE FROM shop.t WHERE id = 2",
				"CREATE TRIGGER shop.moves BEFORE DELETE ON shop.t FOR EACH ROW SET @a = 1")
		})
	}
}
