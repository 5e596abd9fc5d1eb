package history

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The schemas of a history. The third comes and goes.
const (
	mainSchema  = "shop"
	otherSchema = "Ängste-2" // upper case, non-ASCII and a dash: needs quoting and escaping everywhere
	guestSchema = "guest"
)

var schemas = []string{mainSchema, otherSchema, guestSchema}

// template is a table shape. The shapes together hold every column type of fact 6, keys of
// every kind, and each kind of thing that hangs on a table.
type template struct {
	name    string
	keyless bool
	body    string
}

var templates = []template{
	{name: "ints", body: `(
  id INT NOT NULL AUTO_INCREMENT, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED,
  m MEDIUMINT, mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED DEFAULT 7, b BIGINT, bu BIGINT UNSIGNED,
  z INT(8) UNSIGNED ZEROFILL, b1 BIT(1), b9 BIT(9), b64 BIT(64), y YEAR, flag BOOL NOT NULL DEFAULT 1,
  PRIMARY KEY (id), UNIQUE KEY u_i (i), KEY k_bu (bu))`},
	{name: "decimals", body: `(
  d DECIMAL(30,10) NOT NULL, d0 DECIMAL(5,0), big DECIMAL(65,30), du DECIMAL(10,3) UNSIGNED, f FLOAT, f2 FLOAT(10,3),
  dd DOUBLE, dd2 DOUBLE(15,4), u INT, PRIMARY KEY (d), UNIQUE KEY u_u (u))`},
	{name: "strings", body: `(
  k VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL, l VARCHAR(20) CHARACTER SET latin1,
  g VARCHAR(20) CHARACTER SET gbk, w VARCHAR(10) CHARACTER SET utf16, c CHAR(8), cb CHAR(8) CHARACTER SET ascii,
  tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, u VARCHAR(6),
  PRIMARY KEY (k), UNIQUE KEY u_u (u), KEY k_tx (tx(5)), FULLTEXT KEY ft (mt))`},
	{name: "latin", body: `(
  k VARCHAR(9) NOT NULL, c CHAR(3) NOT NULL DEFAULT 'x', v VARCHAR(300) DEFAULT NULL, n INT NOT NULL DEFAULT 0,
  PRIMARY KEY (k), UNIQUE KEY u_c_n (c,n)) DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci`},
	{name: "times", body: `(
  at DATETIME(6) NOT NULL, d DATE, t0 TIME, t6 TIME(6), dt DATETIME, dt3 DATETIME(3), ts TIMESTAMP NULL,
  ts6 TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), y YEAR, n INT,
  PRIMARY KEY (at), KEY k_d (d))`},
	{name: "stamps", body: `(
  at TIMESTAMP(3) NOT NULL, d DATE NOT NULL, t TIME(2) NOT NULL, note VARCHAR(20), u DATE, PRIMARY KEY (d, t, at), UNIQUE KEY u_u (u))`},
	{name: "bytes", body: `(
  k BINARY(4) NOT NULL, vb VARBINARY(30), b6 BINARY(6), tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, v VECTOR(3),
  u VARBINARY(5), PRIMARY KEY (k), UNIQUE KEY u_u (u), KEY k_bl (bl(3)))`},
	{name: "shapes", body: `(
  id BIGINT UNSIGNED NOT NULL, g GEOMETRY, p POINT SRID 4326, l LINESTRING, po POLYGON, mp MULTIPOINT, gc GEOMETRYCOLLECTION,
  q POINT NOT NULL SRID 0, PRIMARY KEY (id), SPATIAL KEY k_q (q))`},
	{name: "choices", body: `(
  n INT UNSIGNED NOT NULL, code VARCHAR(5) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, day DATE NOT NULL,
  e ENUM('z','2','1','m''x') CHARACTER SET utf8mb4, st SET('a','3','c'), big SET(` + members(64) + `),
  PRIMARY KEY (n, code, day), KEY k_e (e))`},
	{name: "enumkey", body: `(e ENUM('z','m','a','2') NOT NULL, n SMALLINT NOT NULL, v VARCHAR(10), PRIMARY KEY (e, n))`},
	{name: "noprimary", body: `(
  ref BIGINT UNSIGNED NOT NULL, label VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, v TEXT, n INT,
  UNIQUE KEY u_ref (ref), UNIQUE KEY u_label (label))`},
	{name: "documents", body: `(
  id BIGINT UNSIGNED NOT NULL, j JSON, hidden INT INVISIBLE DEFAULT 3, n INT, gv BIGINT GENERATED ALWAYS AS (n * 2) VIRTUAL,
  gs VARCHAR(40) GENERATED ALWAYS AS (CONCAT(n, '-', id)) STORED, ex VARCHAR(10) DEFAULT (CONCAT('a', 'b')),
  PRIMARY KEY (id), UNIQUE KEY u_gs (gs), KEY k_f ((n + 1)), CONSTRAINT c_n CHECK (n < 1000000))`},
	{name: "parts", body: `(
  id INT NOT NULL, v VARCHAR(20), n INT, PRIMARY KEY (id)) PARTITION BY RANGE (id)
  (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (100), PARTITION px VALUES LESS THAN MAXVALUE)`},
	{name: "floatkey", body: `(f DOUBLE NOT NULL, n INT NOT NULL, v VARCHAR(20), PRIMARY KEY (f, n))`},
	{name: "wide", body: `(a INT NOT NULL, b INT NOT NULL, c INT NOT NULL, v VARCHAR(30), n INT, PRIMARY KEY (a DESC, b, c), UNIQUE KEY u_n (n))`},
	{name: "loose", keyless: true, body: `(
  n INT, s VARCHAR(12), d DECIMAL(12,3), f FLOAT, dt DATETIME(2), b VARBINARY(8), e ENUM('x','y'), j JSON, KEY k_n (n))`},
	{name: "nullkey", keyless: true, body: `(n INT, v VARCHAR(10), x DOUBLE, UNIQUE KEY u_n (n))`},
}

func members(n int) string {
	m := make([]string, n)
	for i := range m {
		m[i] = fmt.Sprintf("'m%d'", i)
	}
	return strings.Join(m, ",")
}

// linked are tables that hang on each other: foreign keys that cascade (9.7 logs what they
// change, fact 4.1), a trigger that writes elsewhere, a view, routines and an event. The
// foreign keys have indexes of their own: no client can tell an index that the server made for
// a foreign key, and drops by itself later, from one that somebody asked for.
var linked = []string{
	"USE `shop`", // bodies name tables without a schema
	"CREATE TABLE `shop`.`parents` (id INT NOT NULL PRIMARY KEY, v VARCHAR(10), u INT, UNIQUE KEY (u))",
	"CREATE TABLE `shop`.`children` (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, p INT, v VARCHAR(10), KEY (p)," +
		" CONSTRAINT fk_p FOREIGN KEY (p) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE)",
	"CREATE TABLE `shop`.`orphans` (id INT NOT NULL PRIMARY KEY, p INT, u INT, KEY k_u (u), CONSTRAINT fk_o FOREIGN KEY (u) REFERENCES parents (u) ON DELETE SET NULL ON UPDATE CASCADE)",
	"CREATE TABLE `shop`.`journal` (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(30), n INT)",
	"CREATE TRIGGER `shop`.`parents_ai` AFTER INSERT ON `shop`.`parents` FOR EACH ROW INSERT INTO journal (what, n) VALUES ('parent', NEW.id)",
	"CREATE DEFINER=" + definer + " TRIGGER `shop`.`parents_bu` BEFORE UPDATE ON `shop`.`parents` FOR EACH ROW SET NEW.u = IF(NEW.u = 7, 8, NEW.u)",
	"CREATE DEFINER=" + definer + " VIEW `shop`.`v_parents` AS SELECT p.id, c.v FROM parents p LEFT JOIN children c ON c.p = p.id",
	"CREATE VIEW `shop`.`v_on_view` AS SELECT COUNT(*) AS n FROM v_parents",
	"CREATE FUNCTION `shop`.`doubled`(x INT) RETURNS INT DETERMINISTIC RETURN x * 2",
	"CREATE DEFINER=" + definer + " PROCEDURE `shop`.`add_parent`(IN i INT) BEGIN INSERT IGNORE INTO parents (id, v) VALUES (i, 'proc'); END",
	"CREATE EVENT `shop`.`nightly` ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' COMMENT 'it''s late' DO DELETE FROM journal WHERE n < 0",
}

// create renders a template under a name in a schema.
func (t template) create(schema, name string) string {
	return "CREATE TABLE " + quoteName(schema, name) + " " + t.body
}

// layout draws the tables of a history: most templates, each in a random schema.
func layout(r *rand.Rand, keyless bool) (statements []string, names map[name]template) {
	names = map[name]template{}
	for _, s := range []string{mainSchema, otherSchema} {
		statements = append(statements, "CREATE DATABASE "+quote(s)+" DEFAULT CHARACTER SET utf8mb4")
	}
	statements = append(statements, linked...)
	order := r.Perm(len(templates))
	for _, i := range order[:len(order)*3/4] {
		t := templates[i]
		if t.keyless && !keyless {
			continue
		}
		n := name{mainSchema, t.name}
		if r.IntN(3) == 0 {
			n.schema = otherSchema
		}
		names[n] = t
		statements = append(statements, t.create(n.schema, n.table))
	}
	return statements, names
}

type name struct{ schema, table string }

func (n name) String() string { return quoteName(n.schema, n.table) }

func quote(identifier string) string {
	return "`" + strings.ReplaceAll(identifier, "`", "``") + "`"
}

func quoteName(schema, table string) string { return quote(schema) + "." + quote(table) }
