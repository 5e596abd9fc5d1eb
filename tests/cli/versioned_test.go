package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// What stands in a versioned comment of a logged statement is on the target what it was on the source: code or nothing.
func TestVersionedComments(t *testing.T) {
	for _, c := range []struct {
		from, to   mysqltest.Kind
		statements []string
		want       string // columns of t, with defaults, then of u
	}{
		{mysqltest.MySQL56, mysqltest.MySQL97, []string{"ALTER TABLE shop.t ADD COLUMN b VARCHAR(36) /*!80013 DEFAULT (uuid()) */", "CREATE TABLE shop.u (a INT PRIMARY KEY /*!80000 , b INT */)"}, "id b|a"},
		{mysqltest.MariaDB1011, mysqltest.MySQL97, []string{
			"ALTER TABLE shop.t /*M! ADD COLUMN b INT, */ COMMENT 'x'", "ALTER TABLE shop.t ADD COLUMN c VARCHAR(36) /*!80013 DEFAULT (uuid()) */ /*!100100 , ADD COLUMN d INT */",
			"CREATE TABLE shop.u (a INT PRIMARY KEY /*!80000 , b INT */)",
		}, "id b c d|a"},
		{mysqltest.MySQL97, mysqltest.MariaDB1011, []string{
			"ALTER TABLE shop.t /*!80000 ADD COLUMN b INT, */ COMMENT 'x'", "ALTER TABLE shop.t ADD COLUMN c INT /*!100100 , ADD COLUMN d INT */ /*M! , ADD COLUMN e INT */",
			"CREATE TABLE shop.u (a INT PRIMARY KEY /*!80000 , b INT */)",
		}, "id b c|a b"},
	} {
		t.Run(c.from.String()+" "+c.to.String(), func(t *testing.T) {
			source, _ := serversOf(t, c.from)
			_, target := serversOf(t, c.to)
			mysqltest.Exec(t, source, "CREATE DATABASE shop CHARACTER SET latin1", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)")
			d := newDesk(t)
			d.works(d.source("backup", source)...)
			mysqltest.Exec(t, source, append(c.statements, "INSERT INTO shop.t (id) VALUES (2)", "INSERT INTO shop.u (a) VALUES (1)")...)
			d.works(d.source("archive", source, "--until-idle")...)
			for _, more := range [][]string{nil, {"--tables", "shop.*"}} {
				emptyTarget(t, target)
				d.works(d.restore(target, more...)...)
				for _, s := range []*mysqltest.Server{source, target} {
					got := onlyValue(t, s, "SELECT GROUP_CONCAT(list ORDER BY name SEPARATOR '|') FROM (SELECT TABLE_NAME name, GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION SEPARATOR ' ') list FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='shop' GROUP BY TABLE_NAME) x")
					if defaults := onlyValue(t, s, "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='shop' AND COLUMN_DEFAULT IS NOT NULL AND COLUMN_DEFAULT <> 'NULL'"); got != c.want || defaults != "0" {
						t.Errorf("%s: columns %s, %s defaults, want %s", s.Install().Kind, got, defaults, c.want)
					}
				}
			}
		})
	}
}
