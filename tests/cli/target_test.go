package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func count(t *testing.T, s *mysqltest.Server, query string) int {
	t.Helper()
	var n int
	if err := s.Root().QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// A target that has an object of a restored name is refused, by name, and stays as it was;
// --force drops exactly the objects in the way.
func TestTargetObjectExists(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	// Nobody may drop what belongs to a user with more rights.
	const ours = "DEFINER=`tripod_restore`@`%`"
	for _, c := range []struct{ name, object, create string }{
		{"table", "shop.orders", "CREATE TABLE shop.orders (id INT)"},
		{"table in the place of a view", "shop.open_orders", "CREATE TABLE shop.open_orders (id INT)"},
		{"view in the place of a table", "shop.visits", "CREATE " + ours + " VIEW shop.visits AS SELECT 1"},
		{"procedure", "shop.pay", "CREATE " + ours + " PROCEDURE shop.pay() SELECT 1"},
		{"function", "shop.vat", "CREATE " + ours + " FUNCTION shop.vat() RETURNS INT DETERMINISTIC RETURN 1"},
		{"event", "shop.tidy", "CREATE " + ours + " EVENT shop.tidy ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1"},
		{"table that is only passed", "shop.passing", "CREATE TABLE shop.passing (id INT)"},
		{"table that is dropped on the way", "shop.doomed", "CREATE TABLE shop.doomed (id INT)"},
		{"odd name", "weXird.taXble", "CREATE TABLE `od``d.na*me`.`weXird.taXble` (id INT)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := *d
			d.t = t
			emptyTarget(t, target)
			mysqltest.Exec(t, target, "CREATE DATABASE shop", "CREATE DATABASE `od``d.na*me`", c.create,
				"CREATE TABLE shop.mine (id INT PRIMARY KEY)", "INSERT INTO shop.mine VALUES (42)")
			d.refused(refusal{code: 1, kind: "target", says: []string{c.object}, hint: []string{"--force"}}, d.restore(target)...)
			if n := count(t, target, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema IN ('shop', 'od`d.na*me')"); n > 2 {
				t.Errorf("a refused restore left %d tables", n)
			}
			d.works(d.restore(target, "--force")...)
			if n := count(t, target, "SELECT id FROM shop.mine"); n != 42 {
				t.Errorf("somebody else's table holds %d", n)
			}
			mysqltest.Exec(t, target, "DROP TABLE shop.mine")
			story.moments["end"].equals(t, target, "restore with --force")
		})
	}
	t.Run("a second restore", func(t *testing.T) {
		d := *d
		d.t = t
		d.refused(refusal{code: 1, kind: "target", says: []string{"shop."}, hint: []string{"--force"}}, d.restore(target)...)
		d.works(d.restore(target, "--force", "--to-gtid", story.moments["altered"].gtids)...)
		story.moments["altered"].equals(t, target, "a restore over another one")
	})
}

// An existing schema is no obstacle, and neither are another's tables in it.
func TestTargetSchemaExists(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	mysqltest.Exec(t, target, "CREATE DATABASE shop DEFAULT CHARACTER SET latin1", "CREATE TABLE shop.mine (id INT PRIMARY KEY)")
	d.works(d.restore(target)...)
	mysqltest.Exec(t, target, "DROP TABLE shop.mine")
	story.moments["end"].equals(t, target, "restore beside another table")
}

// What a target forbids is told before anything is written, or done in another way.
func TestTargetSettings(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	mysqltest.Exec(t, target, "SET GLOBAL log_bin_trust_function_creators=OFF")
	d.refused(refusal{code: 1, kind: "target", says: []string{"log_bin_trust_function_creators"}, hint: []string{"log_bin_trust_function_creators"}}, d.restore(target)...)
	if n := count(t, target, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name='shop'"); n != 0 {
		t.Error("a refused restore made a schema")
	}
	mysqltest.Exec(t, target, "SET GLOBAL log_bin_trust_function_creators=ON", "SET GLOBAL local_infile=OFF")
	d.works(d.restore(target)...)
	story.moments["end"].equals(t, target, "restore without LOAD DATA LOCAL")
	mysqltest.Exec(t, target, "SET GLOBAL local_infile=ON")
}
