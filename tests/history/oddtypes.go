package history

import (
	"strconv"
	"strings"
)

// oddTypes are what is left of types and indexes beside those of types.go. The multi-valued key is no unique one: the server's own REPLACE
// fails on these.
var oddTypes = Feature{
	Name: "types", Doc: "multi-valued, functional, descending and invisible indexes, odd members of ENUM and SET, generated columns of all kinds, checks, zero dates as defaults", Share: 40,
	Tables: []template{
		{name: "tags", body: `(
  id INT NOT NULL, j JSON, k JSON NOT NULL DEFAULT (JSON_ARRAY(1, 'a')), s INT, PRIMARY KEY (id DESC), KEY k_many ((CAST(j->'$.key' AS CHAR(255) ARRAY)), s),
  KEY k_length ((JSON_LENGTH(k))), KEY k_hidden (s) INVISIBLE)`},
		{name: "labels", body: "(id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, e ENUM('','a''b','2','x y','\\\\','é','NULL','0','A\"') CHARACTER SET utf8mb4 NOT NULL," +
			" l ENUM('ä','ß') CHARACTER SET latin1 DEFAULT 'ß', s SET('a b','\\\\','%','é','0','it''s'), y YEAR NOT NULL DEFAULT 2026, b BIT(33) NOT NULL DEFAULT b'101', UNIQUE KEY u_e (e, id))"},
		{name: "computed", body: `(
  id INT NOT NULL, a INT, j JSON, v VARCHAR(12), d DATE NOT NULL DEFAULT '2026-01-01', up VARCHAR(300) GENERATED ALWAYS AS (UPPER(v)) VIRTUAL INVISIBLE,
  len INT GENERATED ALWAYS AS (CHAR_LENGTH(v)) STORED, next INT GENERATED ALWAYS AS (MONTH(d) * 2) VIRTUAL, first JSON GENERATED ALWAYS AS (j->'$[0]') STORED,
  PRIMARY KEY (id), KEY k_up (up DESC), KEY k_next (next), UNIQUE KEY u_f ((ABS(a)), (id + 1)), CHECK (a IS NULL OR a > -100000), CONSTRAINT c_late CHECK (id < 50) NOT ENFORCED)`},
		{name: "zeros", body: `(
  id INT NOT NULL PRIMARY KEY, d DATE NOT NULL DEFAULT '0000-00-00', t DATETIME(6) NOT NULL DEFAULT '0000-00-00 00:00:00.000000', m TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  u BINARY(3) NOT NULL DEFAULT 'a', KEY k_d (d DESC, id))`},
		{name: "places", body: `(id INT NOT NULL PRIMARY KEY, p POINT NOT NULL SRID 4326, l LINESTRING SRID 3857, m MULTIPOINT, SPATIAL KEY k_p (p))`},
	},
}

// partitionKinds are tables that are cut by all that a server can cut by.
var partitionKinds = Feature{
	Name: "partition-kinds", Doc: "partitions by list, hash, key and columns, and their parts; tables are cut, put together and cut anew", Share: 30,
	Tables: []template{
		{name: "bylist", body: "(id INT NOT NULL, k INT NOT NULL, v VARCHAR(20), PRIMARY KEY (id, k)) PARTITION BY LIST (k) (PARTITION a VALUES IN (" + until(0, 20) + "), PARTITION b VALUES IN (" + until(20, 60) + "))"},
		{name: "byhash", body: "(id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20)) PARTITION BY LINEAR HASH (id) PARTITIONS 3"},
		{name: "bykey", body: "(k VARCHAR(6) NOT NULL PRIMARY KEY, n INT) PARTITION BY KEY (k) PARTITIONS 4"},
		{name: "bycolumns", body: "(d DATE NOT NULL, n INT NOT NULL, v VARCHAR(10), PRIMARY KEY (d, n)) PARTITION BY RANGE COLUMNS (d, n)" +
			" (PARTITION p0 VALUES LESS THAN ('2026-01-10', 30), PARTITION p1 VALUES LESS THAN ('2026-01-20', MAXVALUE), PARTITION p2 VALUES LESS THAN (MAXVALUE, MAXVALUE))"},
		{name: "byparts", body: "(id INT NOT NULL, at DATETIME NOT NULL, v VARBINARY(10), PRIMARY KEY (id, at)) PARTITION BY RANGE (TO_DAYS(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2" +
			" (PARTITION p0 VALUES LESS THAN (TO_DAYS('2026-01-15')), PARTITION p1 VALUES LESS THAN MAXVALUE)"},
		{name: "byhashloose", keyless: true, body: "(n INT, v VARCHAR(10)) PARTITION BY HASH (n) PARTITIONS 3"},
	},
	DDL: []kind{{"cut", cut, meaning | staying | setsBack, ""}},
}

func until(from, to int) string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, strconv.Itoa(i))
	}
	return strings.Join(list, ",")
}

func cut(d *ddl, n name, _ []column) []string {
	if !d.run.live.isPartitioned(n) {
		if !d.run.live.mayPart(n) && d.run.kind() != d.run.target() {
			return nil
		}
		return []string{"ALTER TABLE " + n.String() + " PARTITION BY KEY () PARTITIONS 2"}
	}
	return []string{"ALTER TABLE " + n.String() + " " + pick(d.r, "COALESCE PARTITION 1", "ADD PARTITION PARTITIONS 1", "REMOVE PARTITIONING", "TRUNCATE PARTITION ALL",
		"REBUILD PARTITION ALL", "PARTITION BY KEY () PARTITIONS 3")}
}
