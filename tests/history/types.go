package history

import (
	"fmt"
	"strings"
)

// Types of columns, and kinds of keys. The shapes together hold every column type of fact 6 and keys of every kind.
var (
	numbers = Feature{Name: "numbers", Doc: "integers, decimals and floating numbers of all sizes, and keys of them", Share: 80, Tables: []template{
		{name: "ints", body: `(
  id INT NOT NULL AUTO_INCREMENT, t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED,
  m MEDIUMINT, mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED DEFAULT 7, b BIGINT, bu BIGINT UNSIGNED,
  z INT(8) UNSIGNED ZEROFILL, b1 BIT(1), b9 BIT(9), b64 BIT(64), y YEAR, flag BOOL NOT NULL DEFAULT 1,
  PRIMARY KEY (id), UNIQUE KEY u_i (i), KEY k_bu (bu))`},
		{name: "decimals", body: `(
  d DECIMAL(30,10) NOT NULL, d0 DECIMAL(5,0), big DECIMAL(65,30), du DECIMAL(10,3) UNSIGNED, f FLOAT, f2 FLOAT(10,3),
  dd DOUBLE, dd2 DOUBLE(15,4), u INT, PRIMARY KEY (d), UNIQUE KEY u_u (u))`},
		{name: "floatkey", body: `(f DOUBLE NOT NULL, n INT NOT NULL, v VARCHAR(20), PRIMARY KEY (f, n))`},
	}}
	charsets = Feature{Name: "charsets", Doc: "text in many character sets and collations, and keys of it", Share: 75, Tables: []template{
		{name: "strings", body: `(
  k VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL, l VARCHAR(20) CHARACTER SET latin1,
  g VARCHAR(20) CHARACTER SET gbk, w VARCHAR(10) CHARACTER SET utf16, c CHAR(8), cb CHAR(8) CHARACTER SET ascii,
  tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, u VARCHAR(6),
  PRIMARY KEY (k), UNIQUE KEY u_u (u), KEY k_tx (tx(5)), FULLTEXT KEY ft (mt))`},
		{name: "latin", body: `(
  k VARCHAR(9) NOT NULL, c CHAR(3) NOT NULL DEFAULT 'x', v VARCHAR(300) DEFAULT NULL, n INT NOT NULL DEFAULT 0,
  PRIMARY KEY (k), UNIQUE KEY u_c_n (c,n)) DEFAULT CHARSET=latin1 COLLATE=latin1_german1_ci`},
	}}
	times = Feature{Name: "times", Doc: "dates and times, invalid ones among them, and keys of them", Share: 75, Tables: []template{
		{name: "times", body: `(
  at DATETIME(6) NOT NULL, d DATE, t0 TIME, t6 TIME(6), dt DATETIME, dt3 DATETIME(3), ts TIMESTAMP NULL,
  ts6 TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), y YEAR, n INT,
  PRIMARY KEY (at), KEY k_d (d))`},
		{name: "stamps", body: `(
  at TIMESTAMP(3) NOT NULL, d DATE NOT NULL, t TIME(2) NOT NULL, note VARCHAR(20), u DATE, PRIMARY KEY (d, t, at), UNIQUE KEY u_u (u))`},
	}}
	binaries = Feature{Name: "bytes", Doc: "binary strings, blobs, vectors", Share: 75, Tables: []template{
		{name: "bytes", body: `(
  k BINARY(4) NOT NULL, vb VARBINARY(30), b6 BINARY(6), tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, v VECTOR(3),
  u VARBINARY(5), PRIMARY KEY (k), UNIQUE KEY u_u (u), KEY k_bl (bl(3)))`},
	}}
	spatial = Feature{Name: "spatial", Doc: "geometries", Share: 75, Tables: []template{
		{name: "shapes", body: `(
  id BIGINT UNSIGNED NOT NULL, g GEOMETRY, p POINT SRID 4326, l LINESTRING, po POLYGON, mp MULTIPOINT, gc GEOMETRYCOLLECTION,
  q POINT NOT NULL SRID 0, PRIMARY KEY (id), SPATIAL KEY k_q (q))`},
	}}
	choices = Feature{Name: "choices", Doc: "ENUM and SET, and keys of them", Share: 75, Tables: []template{
		{name: "choices", body: `(
  n INT UNSIGNED NOT NULL, code VARCHAR(5) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, day DATE NOT NULL,
  e ENUM('z','2','1','m''x') CHARACTER SET utf8mb4, st SET('a','3','c'), big SET(` + members(64) + `),
  PRIMARY KEY (n, code, day), KEY k_e (e))`},
		{name: "enumkey", body: `(e ENUM('z','m','a','2') NOT NULL, n SMALLINT NOT NULL, v VARCHAR(10), PRIMARY KEY (e, n))`},
	}}
	documents = Feature{Name: "documents", Doc: "JSON, generated and invisible columns, expressions as defaults, functional indexes, checks", Share: 75, Tables: []template{
		{name: "documents", body: `(
  id BIGINT UNSIGNED NOT NULL, j JSON, hidden INT INVISIBLE DEFAULT 3, n INT, gv BIGINT GENERATED ALWAYS AS (n * 2) VIRTUAL,
  gs VARCHAR(40) GENERATED ALWAYS AS (CONCAT(n, '-', id)) STORED, ex VARCHAR(10) DEFAULT (CONCAT('a', 'b')),
  PRIMARY KEY (id), UNIQUE KEY u_gs (gs), KEY k_f ((n + 1)), CONSTRAINT c_n CHECK (n < 1000000))`},
	}}
	uniqueKeys = Feature{Name: "unique-only", Doc: "a table without primary key, but with unique ones", Share: 75, Tables: []template{
		{name: "noprimary", body: `(
  ref BIGINT UNSIGNED NOT NULL, label VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, v TEXT, n INT,
  UNIQUE KEY u_ref (ref), UNIQUE KEY u_label (label))`},
	}}
	descending = Feature{Name: "descending", Doc: "a primary key of several columns, one of them descending", Share: 75, Tables: []template{
		{name: "wide", body: `(a INT NOT NULL, b INT NOT NULL, c INT NOT NULL, v VARCHAR(30), n INT, PRIMARY KEY (a DESC, b, c), UNIQUE KEY u_n (n))`},
	}}
	keyless = Feature{Name: "keyless", Doc: "tables that no key tells the rows of", Share: 70, Tables: []template{
		{name: "loose", keyless: true, body: `(
  n INT, s VARCHAR(12), d DECIMAL(12,3), f FLOAT, dt DATETIME(2), b VARBINARY(8), e ENUM('x','y'), j JSON, KEY k_n (n))`},
		{name: "nullkey", keyless: true, body: `(n INT, v VARCHAR(10), x DOUBLE, UNIQUE KEY u_n (n))`},
	}}
)

func members(n int) string {
	m := make([]string, n)
	for i := range m {
		m[i] = fmt.Sprintf("'m%d'", i)
	}
	return strings.Join(m, ",")
}
