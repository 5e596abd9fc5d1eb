package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBLongDecimals: a MariaDB's DECIMAL has up to 38 digits behind the point, in keys too; a MySQL, which has 30, is told
// before anything is done.
func TestMariaDBLongDecimals(t *testing.T) {
	source, target := mariaSchemas(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop",
		"CREATE TABLE wide (id INT PRIMARY KEY, d DECIMAL(65,38) NOT NULL, e DECIMAL(38,38) DEFAULT 0.1, UNIQUE KEY (d))", "CREATE TABLE keyed (k DECIMAL(40,31) PRIMARY KEY)",
		"CREATE TABLE keyless (k DECIMAL(38,37))", "INSERT INTO wide VALUES (1, -999999999999999999999999999.99999999999999999999999999999999999999, 0.00000000000000000000000000000000000001), (2, 0, NULL)",
		"INSERT INTO keyed VALUES (1.0000000000000000000000000000001), (1.0000000000000000000000000000002)", "INSERT INTO keyless VALUES (0.5), (0.0000000000000000000000000000000000001)")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "USE shop", "UPDATE wide SET d = -d, e = e + 0.00000000000000000000000000000000000001", "DELETE FROM keyed WHERE k = 1.0000000000000000000000000000001", "DELETE FROM keyless WHERE k = 0.5",
		"SET SESSION binlog_row_image = MINIMAL", "UPDATE keyed SET k = k - 1", "SET SESSION binlog_row_image = FULL", "ALTER TABLE keyed ADD more DECIMAL(65,31) NOT NULL DEFAULT 7.0000000000000000000000000000001")
	d.works(d.source("archive", source, "--until-idle")...)
	d.works(d.restore(target, "--verify", "chunks")...)
	takeHere(t, source).equals(t, target, "long decimals")

	mysql := targetServer(t)
	d.refused(refusal{code: 1, kind: "target", says: []string{"shop.wide", "DECIMAL(65,38) column d", "shop.keyed", "shop.keyless"}, hint: []string{"--exclude"}}, d.restore(mysql)...)
}
