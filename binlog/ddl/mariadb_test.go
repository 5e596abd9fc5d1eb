package ddl

import "testing"

var mariadbSession = Session{Schema: "r", Flavor: "mariadb", Version: "10.11.18-MariaDB-log"}

// What MariaDB alone has and this version cannot replay ends the range of its tables; what only looks like
// it does not, and on MySQL the words mean nothing.
func TestMariaDBStatementsThatCannotBeReplayed(t *testing.T) {
	for text, reason := range map[string]string{
		"create table t (id int) with system versioning":                                     reasonVersioned,
		"create or replace table t (id int, x int with system versioning)":                   reasonVersioned,
		"create table t (a int, s timestamp(6) as row start, period for system_time (s, e))": reasonVersioned,
		"alter table t add system versioning":                                                reasonVersioned,
		"alter table t partition by system_time interval 1 day":                              reasonVersioned,
		"alter table t add column x int, add period for system_time (a, b)":                  reasonVersioned,
		"create sequence s": reasonSequence, "create or replace sequence if not exists s start 5": reasonSequence,
		"alter sequence s restart 3":                                          reasonSequence,
		"create table s (next_not_cached_value bigint(21)) sequence=1":        reasonSequence,
		"create table t (id int, unique (id, p without overlaps))":            reasonOverlaps,
		"alter table t add unique u (id, p without overlaps)":                 reasonOverlaps,
		"create table t (id uuid primary key)":                                reasonType,
		"create table t (id int, `x y` inet6 not null)":                       reasonType,
		"alter table t add column if not exists x inet4":                      reasonType,
		"alter table t add (a int, b uuid)":                                   reasonType,
		"alter table t modify column if exists x uuid not null first":         reasonType,
		"alter table t change column x uuid inet6":                            reasonType,
		"alter table t add x varchar(10) compressed, comment 'c'":             reasonCompress,
		"create table t (id int, b blob /*M!100301 COMPRESSED*/ default 'x')": reasonCompress,
		"alter table t convert partition p0 to table d.n":                     reasonConverted,
		"alter table t convert table n to partition p1 values less than (9)":  reasonConverted,

		"alter table t convert to character set utf8mb4":                                                                "",
		"create table t (uuid varchar(36) default uuid(), inet6 int, key (uuid), sequence int) row_format=compressed":   "",
		"create table t (id int, period for p (s, e))":                                                                  "",
		"create table t (system int, versioning int, x int without system versioning) comment 'with system versioning'": "",
		"alter table t drop system versioning":                                                                          "",
		"alter table t change uuid inet6 varchar(39), add uuid int, drop column inet6, modify uuid char(36)":            "",
		"alter table t row_format=compressed, add key (uuid), rename column a to uuid":                                  "",
		"drop sequence s": "",
	} {
		want := ""
		if reason != "" {
			want = reason + " cannot be replayed"
		}
		s := parseFor(t, text, mariadbSession)
		if (s.Kind == NotInLog) != (reason != "") || s.Reason != want {
			t.Errorf("%s: %s, %q", text, describe(s), s.Reason)
		}
		if s := parseFor(t, text, Session{Schema: "r", Flavor: "mysql", Version: "9.7.4"}); s.Kind == NotInLog {
			t.Errorf("on MySQL, %s: %s", text, describe(s))
		}
	}
}

// Defaults of new columns that are no function of the table, which MariaDB takes without parentheses.
func TestMariaDBDefaultsOfNewColumns(t *testing.T) {
	for text, want := range map[string]Kind{
		"alter table t add c varchar(36) default uuid()":                                NotInLog,
		"alter table t add c int default nextval(s)":                                    NotInLog,
		"alter table t add c int default (next value for s)":                            NotInLog,
		"alter table t add c double default rand()":                                     NotInLog,
		"alter table t add column if not exists c datetime default current_timestamp()": Meaning,
		"alter table t add c int default (a + 1)":                                       Meaning,
	} {
		if s := parseFor(t, text, mariadbSession); s.Kind != want {
			t.Errorf("%s: %s, want %s", text, describe(s), want)
		}
	}
}

// What is not known touches every table that it could mean (R1).
func TestMariaDBIgnoranceTouchesMore(t *testing.T) {
	for _, text := range []string{"CREATE CATALOG x", "ALTER TABLES t ADD x INT", "TRANSFORM o.t1 INTO r.t2", "CREATE OR REPLACE"} {
		if s := parseFor(t, text, mariadbSession); !s.Uncertain || len(s.UncertainSchemas) == 0 {
			t.Errorf("%s: %s", text, describe(s))
		}
	}
}
