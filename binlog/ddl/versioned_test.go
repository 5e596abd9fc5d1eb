package ddl

import (
	"strings"
	"testing"
)

// What of a statement with versioned comments another server gets to read is what the source executed.
func TestVersionedEdits(t *testing.T) {
	type server struct{ flavor, version string }
	old, mysql, mariadb := server{"mysql", "5.6.24-log"}, server{"mysql", "9.7.4"}, server{"mariadb", "10.11.18-MariaDB-log"}
	for _, c := range []struct {
		from, to  server
		sql, want string // "" for the same
	}{
		{old, mysql, "ALTER TABLE t ADD b VARCHAR(36) /*!80013 DEFAULT (uuid()) */, COMMENT 'x'", "ALTER TABLE t ADD b VARCHAR(36)  , COMMENT 'x'"},
		{old, mysql, "CREATE TABLE t (a INT) /*!50100 PARTITION BY HASH (a) */", ""},
		{old, mariadb, "CREATE TABLE t (a INT) /*!50600 COMMENT 'x' */", ""},
		{mariadb, mysql, "ALTER TABLE t ADD b INT /*!80023 INVISIBLE */", "ALTER TABLE t ADD b INT  "},
		{mariadb, mysql, "ALTER TABLE t /*M! ADD COLUMN b INT, */ COMMENT '/*M! x */'", "ALTER TABLE t   ADD COLUMN b INT,   COMMENT '/*M! x */'"},
		{mariadb, mysql, "ALTER TABLE t /*M!100100 ADD b INT, *//*!100200 ADD c INT,*/ ADD d INT /* /*!1 */", "ALTER TABLE t   ADD b INT,    ADD c INT,  ADD d INT /* /*!1 */"},
		{mariadb, old, "ALTER TABLE t /*!100100 ADD b INT */", "ALTER TABLE t   ADD b INT  "},
		{mariadb, mysql, "CREATE TABLE t (a INT) /*!50100 COMMENT 'x' */ /*!999999 nothing */", ""},
		{mysql, mariadb, "ALTER TABLE t /*!80000 ADD b INT, */ COMMENT 'x' /*!100100 PAGE_CHECKSUM=1 */ /*M! ENGINE=Aria */", "ALTER TABLE t   ADD b INT,   COMMENT 'x'    "},
		{mysql, old, "ALTER TABLE t ADD b INT /*!80023 INVISIBLE */", "ALTER TABLE t ADD b INT   INVISIBLE  "}, // which it refuses
		{mysql, mysql, "ALTER TABLE t ADD b INT /*!80023 INVISIBLE */ /*M! x */ /*!100000 y */", ""},
		{mysql, server{}, "ALTER TABLE t ADD b INT /*!80023 INVISIBLE */", ""},
	} {
		st := parseText(c.sql, Session{Flavor: c.from.flavor, Version: c.from.version})
		want := c.want
		if want == "" {
			want = c.sql
		}
		if got := st.Edited(st.VersionedEdits(c.to.flavor, c.to.version)...); got != want {
			t.Errorf("%v to %v, %s:\n got %s\nwant %s", c.from, c.to, c.sql, got, strings.TrimSpace(want))
		}
	}
}
