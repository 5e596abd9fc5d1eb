package history

import "github.com/tripod-db/tripod/internal/mysqltest"

// definer is the account that some objects are defined by; the others are the root's.
var definer = "`" + mysqltest.RestoreUser.Name + "`@`%`"

var (
	views = Feature{
		Name: "views", Doc: "views, and views on views", Share: 70, DDL: []kind{{"view", view, 0, ""}},
		Linked: []string{
			"CREATE DEFINER=" + definer + " VIEW `shop`.`v_parents` AS SELECT p.id, j.what FROM parents p LEFT JOIN journal j ON j.n = p.id",
			"CREATE VIEW `shop`.`v_on_view` AS SELECT COUNT(*) AS n FROM v_parents",
		},
	}
	routines = Feature{
		Name: "routines", Doc: "functions and procedures", Share: 70, DDL: []kind{{"routine", routine, 0, ""}},
		Linked: []string{
			"CREATE FUNCTION `shop`.`doubled`(x INT) RETURNS INT DETERMINISTIC RETURN x * 2",
			"CREATE DEFINER=" + definer + " PROCEDURE `shop`.`add_parent`(IN i INT) BEGIN INSERT IGNORE INTO parents (id, v) VALUES (i, 'proc'); END",
		},
	}
	triggers = Feature{
		Name: "triggers", Doc: "triggers, one that writes into another table", Share: 70, DDL: []kind{{"trigger", trigger, 0, ""}},
		Linked: []string{
			"CREATE TRIGGER `shop`.`parents_ai` AFTER INSERT ON `shop`.`parents` FOR EACH ROW INSERT INTO journal (what, n) VALUES ('parent', NEW.id)",
			"CREATE DEFINER=" + definer + " TRIGGER `shop`.`parents_bu` BEFORE UPDATE ON `shop`.`parents` FOR EACH ROW SET NEW.u = IF(NEW.u = 7, 8, NEW.u)",
		},
	}
	events = Feature{
		Name: "events", Doc: "events of the scheduler", Share: 70, DDL: []kind{{"event", event, 0, ""}},
		Linked: []string{"CREATE EVENT `shop`.`nightly` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' COMMENT 'it''s late' DO DELETE FROM journal WHERE n < 0"},
	}
	definers = Feature{Name: "definers", Doc: "some objects are made with the definer that restores, and in a third of the histories any may be set", Share: 80, counts: true}
)

func (d *ddl) definer() string {
	if !d.run.features.has(definers.Name) || d.r.IntN(3) > 0 {
		return ""
	}
	return "DEFINER=" + definer + " "
}

func view(d *ddl, n name, _ []column) []string {
	v := quoteName(n.schema, pick(d.r, "v_a", "v_b"))
	switch d.r.IntN(4) {
	case 0:
		return []string{"DROP VIEW IF EXISTS " + v}
	case 1:
		return []string{"CREATE OR REPLACE " + d.definer() + "VIEW " + v + " AS SELECT 1 AS one, 'it''s' AS two"}
	}
	return []string{"CREATE OR REPLACE " + d.definer() + "VIEW " + v + " AS SELECT * FROM " + n.String()}
}

func routine(d *ddl, n name, _ []column) []string {
	p := quoteName(n.schema, pick(d.r, "proc_a", "proc_b"))
	switch d.r.IntN(4) {
	case 0:
		return []string{"DROP PROCEDURE IF EXISTS " + p}
	case 1:
		f := quoteName(n.schema, "func_a")
		return []string{"DROP FUNCTION IF EXISTS " + f, "CREATE " + d.definer() + "FUNCTION " + f + "(a VARCHAR(20)) RETURNS VARCHAR(50) NO SQL COMMENT 'f' RETURN CONCAT(a, 'é')"}
	case 2:
		return []string{"ALTER PROCEDURE " + p + " COMMENT 'changed'"}
	}
	return []string{"CREATE " + d.definer() + "PROCEDURE " + p + "(OUT o INT) READS SQL DATA\nBEGIN -- body\n  SELECT COUNT(*) INTO o FROM " + n.String() + ";\nEND"}
}

func trigger(d *ddl, n name, columns []column) []string {
	t := quoteName(n.schema, d.fresh("tr"))
	made := []string{"CREATE " + d.definer() + "TRIGGER " + t + " AFTER " + pick(d.r, "INSERT", "UPDATE", "DELETE") + " ON " + n.String() +
		" FOR EACH ROW SET @seen = IFNULL(@seen, 0) + 1"}
	if d.r.IntN(3) == 0 {
		made = append(made, "DROP TRIGGER "+t)
	}
	return made
}

func event(d *ddl, n name, _ []column) []string {
	e := quoteName(n.schema, pick(d.r, "ev_a", "ev_b"))
	switch d.r.IntN(4) {
	case 0:
		return []string{"DROP EVENT IF EXISTS " + e}
	case 1:
		return []string{"ALTER EVENT " + e + " " + pick(d.r, "DISABLE", "ENABLE", "COMMENT 'later'")}
	}
	return []string{"CREATE " + d.definer() + "EVENT " + e + " ON SCHEDULE EVERY 2 HOUR STARTS '2036-05-01 10:00:00' ON COMPLETION PRESERVE DO SET @x = 1"}
}
