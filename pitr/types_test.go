package pitr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/pitr/target"
)

// typedColumns is a column of every type, with two values each beside NULL.
var typedColumns = []struct{ name, definition, one, two string }{
	{"ti", "TINYINT", "-128", "127"}, {"tu", "TINYINT UNSIGNED", "0", "255"}, {"si", "SMALLINT", "-32768", "32767"},
	{"mi", "MEDIUMINT UNSIGNED", "0", "16777215"}, {"i", "INT", "-2147483648", "2147483647"},
	{"bi", "BIGINT", "-9223372036854775808", "9223372036854775807"}, {"bu", "BIGINT UNSIGNED", "0", "18446744073709551615"},
	{"de", "DECIMAL(65,30)", "-12345678901234567890123456789012345.123456789012345678901234567891", "0.000000000000000000000000000001"},
	{"fl", "FLOAT", "1.6777216e7", "-1e-45"}, {"fd", "FLOAT(7,3)", "1.101", "-99.5"}, {"db", "DOUBLE", "-0e0", "1.7976931348623157e308"},
	{"bt", "BIT(64)", "b'0'", "18446744073709551615"}, {"b5", "BIT(5)", "b'10101'", "b'1'"}, {"ye", "YEAR", "0", "2155"},
	{"da", "DATE", "'0000-00-00'", "'2026-02-31'"}, {"tm", "TIME(6)", "'-838:59:59'", "'-00:00:00.500000'"},
	{"dt", "DATETIME(3)", "'0000-00-00 00:00:00'", "'9999-12-31 23:59:59.999'"}, {"ts", "TIMESTAMP(6) NULL", "'1970-01-01 00:00:01'", "'2026-10-25 01:30:00.123456'"},
	{"ch", "CHAR(10) CHARACTER SET latin1", "x'e9'", "'a'"}, {"vc", "VARCHAR(40)", "'tab\\tline\\nslash\\\\ quote'' zero\\0'", "'é😀 '"},
	{"u16", "VARCHAR(10) CHARACTER SET utf16", "x'd83dde00'", "x'0061'"}, {"gb", "TEXT CHARACTER SET gbk", "x'd6d0'", "'\\\\N'"},
	{"bn", "BINARY(6)", "'a'", "x'00ff5c270a09'"}, {"vb", "VARBINARY(20)", "''", "x'00ff5c270a095c'"}, {"bl", "LONGBLOB", "x'0d0a1a5c4e'", "REPEAT(x'00ff',5000)"},
	{"en", "ENUM('b','2','1','ä')", "2", "4"}, {"se", "SET('x','2','1')", "0", "5"},
	{"js", "JSON", `'{"b": [1, 1.0, 1e19, "\\\\ \\" é"], "a": null}'`, `'"x"'`},
	{"ge", "GEOMETRY", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('LINESTRING(1 2,3 4)',4326)"},
	{"ve", "VECTOR(2)", "x'0000803f00000040'", "x'0000008000000000'"},
	{"inv", "INT INVISIBLE", "1", "2"},
	{"cu", "DATETIME(2) DEFAULT CURRENT_TIMESTAMP(2) ON UPDATE CURRENT_TIMESTAMP(2)", "'2001-01-01 00:00:00.25'", "'1999-01-01 00:00:00'"}, {"ex", "VARCHAR(36) DEFAULT (UUID())", "'x'", "''"},
}

// fill makes a table of every type, with a key or without, and rows in it.
func fill(name, key string) []string {
	var columns, names, ones, twos, nulls []string
	for _, c := range typedColumns {
		columns = append(columns, c.name+" "+c.definition)
		names = append(names, c.name)
		ones, twos, nulls = append(ones, c.one), append(twos, c.two), append(nulls, "NULL")
	}
	list := strings.Join(names, ",")
	values := func(id int, v []string) string { return fmt.Sprintf("(%d,%s)", id, strings.Join(v, ",")) }
	return []string{
		"CREATE TABLE " + name + " (id INT, " + strings.Join(columns, ",") + ", g1 INT AS (id+1), g2 VARCHAR(50) AS (CONCAT(vc,'!')) STORED" + key + ")",
		"INSERT INTO " + name + " (id," + list + ") VALUES " + values(1, ones) + "," + values(2, twos) + "," + values(3, nulls),
	}
}

// changes touches every column of every row.
func changes(name string) []string {
	list := []string{"INSERT INTO " + name + " SELECT * FROM (SELECT 1) x WHERE 0"}
	list = list[:0]
	var names []string
	for _, c := range typedColumns {
		names = append(names, c.name)
		list = append(list, "UPDATE "+name+" SET "+c.name+"="+c.two+" WHERE id=1", "UPDATE "+name+" SET "+c.name+"=NULL WHERE id=2", "UPDATE "+name+" SET "+c.name+"="+c.one+" WHERE id=3")
	}
	columns := strings.Join(names, ",")
	return append(list, "INSERT INTO "+name+" (id,"+columns+") SELECT id+10,"+columns+" FROM "+name, "UPDATE "+name+" SET id=id+100 WHERE id<10", "DELETE FROM "+name+" WHERE id=102")
}

const laxMode = "SET SESSION sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00'"

// TestRestoreOfEveryType loads and replays every column type, in a keyed and in a keyless table,
// by LOAD DATA LOCAL and without it.
func TestRestoreOfEveryType(t *testing.T) {
	for _, local := range []bool{true, false} {
		t.Run(fmt.Sprintf("local_infile=%v", local), func(t *testing.T) {
			s := newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: local, TrustFunctionCreators: true}, "d")
			s.on("CREATE DATABASE d")
			s.on(append([]string{laxMode}, append(fill("d.keyed", ", PRIMARY KEY (id)"), fill("d.keyless", "")...)...)...)
			b := s.begin()
			b.schema("d")
			b.table("d.keyed", "(id<2)")
			b.table("d.keyless", "")
			s.on(append([]string{laxMode}, append(changes("d.keyed"), changes("d.keyless")...)...)...)
			b.end()
			plan, result, err := s.restore(Wish{Verify: VerifyChunks})
			s.must(err)
			s.same("d")
			if plan.Load.Local != local || result.RowsLoaded != 6 || *result.RowsVerified != 6 {
				t.Errorf("local %v, %d rows, %d read back", plan.Load.Local, result.RowsLoaded, *result.RowsVerified)
			}
		})
	}
}

// TestZeroEnums: values of index 0 in chunks and in the log, more of them than the server keeps
// texts of warnings.
func TestZeroEnums(t *testing.T) {
	for _, local := range []bool{true, false} {
		t.Run(fmt.Sprintf("local_infile=%v", local), func(t *testing.T) {
			s := newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: local}, "d")
			s.on("CREATE DATABASE d", laxMode, "CREATE TABLE d.t (id INT PRIMARY KEY, e ENUM('a','0'), v VARCHAR(3), f ENUM('x'))",
				"INSERT INTO d.t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300) SELECT i, i%3, '0', 0 FROM n")
			b := s.begin()
			b.schema("d")
			if base := b.table("d.t", ""); !base.Chunks[0].ZeroEnum {
				t.Fatal("the chunk's ENUM of index 0 was not noted")
			}
			s.on(laxMode, "UPDATE d.t SET e=0, f=1 WHERE id<50", "UPDATE d.t SET e=1 WHERE id>250", "INSERT INTO d.t VALUES (1000,0,'x',0),(1001,1,'x',NULL)")
			b.end()
			_, result, err := s.restore(Wish{Verify: VerifyChunks})
			s.must(err)
			s.same("d")
			if *result.RowsVerified != 300 {
				t.Errorf("%d rows read back", *result.RowsVerified)
			}
		})
	}
}

// TestWarningsAboutEngines: what a server warns of the engines that a session writes to is about no value, and ends no replay of an
// ENUM of index 0.
func TestWarningsAboutEngines(t *testing.T) {
	s := newStory(t, "d")
	mysqltest.Exec(t, s.dest, "CREATE DATABASE d", "CREATE TABLE d.isam (id INT PRIMARY KEY, e ENUM('a')) ENGINE=MyISAM", "CREATE TABLE d.heap (id INT PRIMARY KEY) ENGINE=MEMORY")
	session, err := target.Connect(t.Context(), s.into)
	s.must(err)
	defer session.Close()
	for _, q := range []string{"SET SESSION sql_mode=" + target.LenientMode, "START TRANSACTION", "INSERT INTO d.heap VALUES (1)", "INSERT INTO d.isam VALUES (1, 0)"} {
		s.must(session.Exec(t.Context(), q))
	}
	told, err := session.QueryRows(t.Context(), "SHOW WARNINGS")
	s.must(err)
	if len(told) != 2 || told[0][1] != "6414" && told[1][1] != "6414" {
		t.Fatalf("the target warns %v", told)
	}
	s.must(target.CheckWarnings(t.Context(), session, target.Allowed{Enums: []string{"e"}, Uncounted: true}))
	s.must(target.CheckWarnings(t.Context(), session, target.Allowed{Enums: []string{"e"}, Zeros: 1}))
	if err := target.CheckWarnings(t.Context(), session, target.Allowed{Uncounted: true}); err == nil {
		t.Error("a value that was cut passes")
	}
	s.must(session.Exec(t.Context(), "ROLLBACK"))
}

// TestFloatsBeyondTheirDigits: what the server rounds to more than the digits of a FLOAT(p,s) or DOUBLE(p,s) is found again, in a key
// and in a table without one.
func TestFloatsBeyondTheirDigits(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.plain (f FLOAT(4,1), g FLOAT(10,3), h DOUBLE(5,2), n INT)", "CREATE TABLE d.keyed (f FLOAT(4,1), g FLOAT(10,3), n INT, PRIMARY KEY (f,g))",
		"CREATE TABLE d.one (f FLOAT(4,1) PRIMARY KEY, n INT)")
	b := s.begin()
	b.schema("d")
	for _, name := range []string{"d.plain", "d.keyed", "d.one"} {
		b.table(name, "")
	}
	b.end()
	s.on("INSERT INTO d.plain VALUES (999.9,9999999.999,999.99,1),(-999.9,-9999999.999,-999.99,2),(999.8,1.001,999.98,3),(12.3,NULL,0.01,4),(999.9,0,0,5)",
		"INSERT INTO d.keyed VALUES (999.9,9999999.999,1),(-999.9,-9999999.999,2),(999.8,1.001,3),(12.3,5,4),(999.9,1,5)", "INSERT INTO d.one VALUES (999.9,1),(-999.9,2),(999.8,3),(12.3,4)")
	s.archive()
	s.on("UPDATE d.plain SET n=n+10", "DELETE FROM d.plain WHERE n IN (11,13)", "UPDATE d.keyed SET n=n+10", "DELETE FROM d.keyed WHERE n IN (11,13)", "UPDATE d.keyed SET f=-f WHERE n=15",
		"UPDATE d.one SET n=n+10", "UPDATE d.one SET f=1 WHERE n=11", "DELETE FROM d.one WHERE n=12")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
