package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// partResult is what scripts may rely on in the result of a restore of a part.
type partResult struct {
	RowsLoaded *uint64  `json:"rows_loaded"`
	Warnings   []string `json:"warnings"`
	Loose      []string `json:"loose"`
	Divergence []any    `json:"divergence"`
}

// tablesOf lists the tables of a server's schemas that are no system's.
func tablesOf(t *testing.T, s *mysqltest.Server) []string {
	t.Helper()
	return column(t, s, "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables WHERE table_schema NOT IN ('mysql','sys','information_schema','performance_schema') ORDER BY 1")
}

func column(t *testing.T, s *mysqltest.Server, query string) []string {
	t.Helper()
	rows, err := s.Root().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		list = append(list, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// swapped is a source whose orders a schema change tool has swapped behind the backup, and a desk
// with its store.
func swapped(t *testing.T) (*mysqltest.Server, *desk) {
	t.Helper()
	source, d := sourceServer(t), newDesk(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop", "CREATE TABLE orders (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO orders VALUES (1,'a'),(2,'b'),(3,'c')",
		"CREATE TABLE items (id INT PRIMARY KEY, o INT, KEY (o), FOREIGN KEY (o) REFERENCES orders(id))", "CREATE TABLE other (id INT PRIMARY KEY)", "INSERT INTO other VALUES (1)",
		"CREATE VIEW open_orders AS SELECT id FROM orders", "CREATE PROCEDURE pay() UPDATE orders SET v='paid'")
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "USE shop", "CREATE TABLE _orders_gho LIKE orders", "ALTER TABLE _orders_gho ADD COLUMN n INT", "INSERT INTO _orders_gho (id, v) SELECT id, v FROM orders",
		"SET foreign_key_checks = 0", "RENAME TABLE orders TO _orders_del, _orders_gho TO orders", "DROP TABLE _orders_del", "UPDATE orders SET n = 7 WHERE id = 2",
		"CREATE TRIGGER stamp BEFORE INSERT ON orders FOR EACH ROW SET NEW.n = 1")
	d.works(d.source("archive", source, "--until-idle")...)
	return source, d
}

// One table that was swapped since comes back alone, under its own name or another; what stands in
// the way is told by the new name; an account with rights on the new schema does.
func TestRestoreOfOneTable(t *testing.T) {
	_, d := swapped(t)
	target := mysqltest.Target(t)
	if _, err := target.CreateRestoreUser(t.Context(), "rescue"); err != nil {
		t.Fatal(err)
	}
	rescue := d.restore(target, "--tables", "shop.orders", "--rename", "shop.orders=rescue.tuesday")
	var plan struct {
		Tables []struct {
			Schema, Name, Source string
			Rows                 uint64
		} `json:"tables"`
		Load struct {
			Bytes uint64 `json:"bytes"`
		} `json:"load"`
	}
	d.must(&plan, append(rescue, "--dry-run")...)
	if len(plan.Tables) != 1 || plan.Tables[0].Source != "shop.orders" || plan.Tables[0].Rows != 0 || plan.Load.Bytes != 0 {
		t.Errorf("the plan reads %+v: want the definition of the old table alone", plan)
	}
	var result partResult
	d.must(&result, rescue...)
	if got := column(t, target, "SELECT CONCAT_WS(' ', id, v, n) FROM rescue.tuesday ORDER BY id"); !slices.Equal(got, []string{"1 a", "2 b 7", "3 c"}) {
		t.Errorf("rescue.tuesday holds %q", got)
	}
	if got := tablesOf(t, target); !slices.Equal(got, []string{"rescue.tuesday"}) {
		t.Errorf("on the target are %q", got)
	}
	if n := count(t, target, "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema='rescue' AND event_object_table='tuesday'"); n != 1 || result.Loose == nil || len(result.Loose) != 0 {
		t.Errorf("%d triggers, loose %v", n, result.Loose)
	}
	d.refused(refusal{code: 1, kind: "target", says: []string{"table rescue.tuesday"}, hint: []string{"--force"}}, rescue...)
	d.refused(refusal{code: 1, kind: "grant", hint: []string{"GRANT"}}, d.restore(target, "--tables", "shop.orders", "--rename", "shop.orders=elsewhere.t")...)
	d.works(append(rescue, "--force")...)
	if _, err := target.CreateRestoreUser(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	d.works(d.restore(target, "--tables", "shop.orders", "--tables", "shop.items")...)
	if got := tablesOf(t, target); !slices.Equal(got, []string{"rescue.tuesday", "shop.items", "shop.orders"}) {
		t.Errorf("on the target are %q", got)
	}
}

// Wrong names are wrong usage with a clear line, and the next run works.
func TestRestoreOfPartsRefused(t *testing.T) {
	_, d := swapped(t)
	target := mysqltest.Target(t)
	if _, err := target.CreateRestoreUser(t.Context(), "shop", "rescue"); err != nil {
		t.Fatal(err)
	}
	usage := func(says string) refusal { return refusal{code: 2, kind: "usage", tell: []string{says}} }
	for _, c := range []struct {
		want  refusal
		flags []string
	}{
		{usage("shop.ordrs"), []string{"--tables", "shop.ordrs"}},
		{usage("shop.nothing*"), []string{"--tables", "shop.orders,shop.nothing*"}},
		{usage("shpo"), []string{"--databases", "shpo"}},
		{usage("_orders_gho"), []string{"--tables", "shop._orders_gho"}},
		{usage("shop.ordrs"), []string{"--rename", "shop.ordrs=rescue.x"}},
		{usage("want old=new"), []string{"--rename", "shop.orders"}},
		{usage("one side is a schema"), []string{"--rename", "shop.orders=rescue"}},
		{usage("pattern"), []string{"--rename", "shop.*=rescue.*"}},
		{usage("rescue.x is the new name of"), []string{"--rename", "shop.orders=rescue.x,shop.items=rescue.x"}},
		{usage("old name too"), []string{"--rename", "shop.orders=shop.items,shop.items=shop.orders"}},
		{usage("schema of the server itself"), []string{"--rename", "shop.orders=mysql.orders"}},
		{usage("70 characters"), []string{"--rename", "shop.orders=rescue." + strings.Repeat("x", 70)}},
		{usage("view shop.open_orders"), []string{"--tables", "shop.orders,shop.open_orders", "--rename", "shop.orders=rescue.orders"}},
		{usage("procedure shop.pay"), []string{"--rename", "shop.orders=shop.later", "--exclude", "shop.open_orders"}},
		{usage("is empty"), []string{"--skip-gtid", ""}},
		{usage("--skip-gtid"), []string{"--skip-gtid", "nonsense"}},
		{refusal{code: 12, kind: "range", says: []string{someGTID[:8]}}, []string{"--skip-gtid", someGTID}},
	} {
		d.refused(c.want, d.restore(target, c.flags...)...)
	}
	if got := tablesOf(t, target); len(got) != 0 {
		t.Errorf("refused restores left %q", got)
	}
	var result partResult
	d.must(&result, d.restore(target, "--databases", "shop", "--rename", "shop=rescue", "--exclude", "shop.open_orders", "--exclude", "shop.typo")...)
	if got := tablesOf(t, target); !slices.Equal(got, []string{"rescue.items", "rescue.orders", "rescue.other"}) {
		t.Errorf("on the target are %q", got)
	}
	if n := count(t, target, "SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema='rescue'"); n != 1 {
		t.Errorf("%d routines", n)
	}
	if text := strings.Join(result.Warnings, "\n"); !strings.Contains(text, "shop.typo") {
		t.Errorf("no word of a pattern that matches nothing: %q", text)
	}
}

// A transaction is left out, its rows are named, and what comes behind it arrives; together with a
// part, other names and --on-divergence.
func TestRestoreWithoutATransaction(t *testing.T) {
	source, d := sourceServer(t), newDesk(t)
	target := mysqltest.Target(t)
	if _, err := target.CreateRestoreUser(t.Context(), "shop", "rescue"); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)", "INSERT INTO shop.t VALUES (1,1),(2,2),(3,3)", "CREATE TABLE shop.u (id INT PRIMARY KEY)")
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "DELETE FROM shop.t WHERE id < 3")
	mistake := takeHere(t, source).last
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (2, 20)", "UPDATE shop.t SET v = 30 WHERE id = 3", "DROP TABLE shop.u")
	drop := takeHere(t, source).last
	mysqltest.Exec(t, source, "SET sql_log_bin = 0", "INSERT INTO shop.t VALUES (7, 7)", "SET sql_log_bin = 1")
	clean := takeHere(t, source)
	mysqltest.Exec(t, source, "UPDATE shop.t SET v = 70 WHERE id = 7")
	d.works(d.source("archive", source, "--until-idle")...)
	var result partResult
	d.must(&result, d.restore(target, "--skip-gtid", mistake, "--to-position", clean.position())...)
	if got := column(t, target, "SELECT CONCAT_WS(' ', id, v) FROM shop.t ORDER BY id"); !slices.Equal(got, []string{"1 1", "2 20", "3 30"}) {
		t.Errorf("shop.t holds %q", got)
	}
	if len(result.Loose) != 2 || !strings.Contains(result.Loose[0], "shop.t") || !strings.Contains(result.Loose[0], mistake) {
		t.Errorf("loose %q", result.Loose)
	}
	renamed := d.restore(target, "--skip-gtid", mistake, "--tables", "shop.t", "--rename", "shop.t=rescue.t")
	d.refusedJSON(refusal{code: 13, kind: "divergence", says: []string{"rescue"}}, renamed...)
	var won struct {
		partResult
		errorDocument
	}
	o := d.run(append(renamed, "--on-divergence", "binlog-wins", "--force", "--json")...)
	if err := o.JSON(&won); err != nil || o.Code != 13 || won.Error == nil || won.Error.Code != 13 || len(won.Divergence) != 1 || len(won.Loose) != 2 {
		t.Errorf("code %d, %v: %+v", o.Code, err, won)
	}
	if got := column(t, target, "SELECT CONCAT_WS(' ', id, v) FROM rescue.t ORDER BY id"); !slices.Equal(got, []string{"1 1", "2 20", "3 30", "7 70"}) {
		t.Errorf("rescue.t holds %q", got)
	}
	d.refused(refusal{code: 12, kind: "statement", hint: []string{"--exclude shop.u"}}, d.restore(target, "--skip-gtid", drop, "--force")...)
	d.works(d.restore(target, "--skip-gtid", drop+","+mistake, "--exclude", "shop.u", "--to-position", clean.position(), "--force")...)
}
