package event

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// TestFact9_1_MariaDBXA: the prepare's group names the transaction in its GTID and ends with an XA_prepare event; its
// end, a group of its own, has the same name.
func TestFact9_1_MariaDBXA(t *testing.T) {
	c := mariadbSession(t)
	groups := mariadbGroups(t, c, "XA START 'ab','c',7", "INSERT INTO t VALUES (1, '')", "XA END 'ab','c',7", "XA PREPARE 'ab','c',7", "XA COMMIT 'ab','c',7")
	const xid = "X'6162',X'63',7"
	if len(groups) != 2 || groups[0].gtid.XID != xid || groups[0].XID != xid || groups[1].gtid.XID != xid || groups[1].XID != xid {
		t.Fatalf("groups %+v", groups)
	}
	if got := groups[0].kinds(); got != "Gtid Annotate_rows Table_map Write_rows_v1 Query XA_prepare" {
		t.Errorf("the prepare is %s", got)
	}
	if got := groups[1].kinds(); got != "Gtid Query" {
		t.Errorf("the commit is %s", got)
	}
}

// TestFact13_14_MariaDBAlterInTwoPhases: the statement's text is in both groups; the one that changes the table is
// the one that has it in its entry.
func TestFact13_14_MariaDBAlterInTwoPhases(t *testing.T) {
	c := mariadbSession(t)
	groups := mariadbGroups(t, c, "SET binlog_alter_two_phase=1", "ALTER TABLE t ADD COLUMN w INT", "INSERT INTO t VALUES (1, 'same', 1), (2, 'same', 1)")
	if len(groups) != 3 || groups[0].Alter != AlterStarted || groups[1].Alter != AlterCommitted || groups[2].Alter != AlterWhole {
		t.Fatalf("groups %+v", groups)
	}
	text := func(g group) string { return string(g.events[len(g.events)-1].(*Query).SQL) }
	if text(groups[0]) != text(groups[1]) || groups[0].gtid.Extra != MariaDBStartAlter || groups[1].gtid.Extra != MariaDBCommitAlter {
		t.Errorf("%q with %#x, %q with %#x", text(groups[0]), groups[0].gtid.Extra, text(groups[1]), groups[1].gtid.Extra)
	}
	if groups[1].gtid.StartSequence != groups[0].GTID.GNO {
		t.Errorf("the ALTER %s ends one that began at %d", groups[1].GTID, groups[1].gtid.StartSequence)
	}
	if groups[0].sql() != "" || groups[1].sql() != "ALTER TABLE t ADD COLUMN w INT" {
		t.Errorf("statements %q and %q", groups[0].sql(), groups[1].sql())
	}
	// One that fails is logged too, with its error.
	first := beginLog(t, c.server)
	if _, err := c.ExecContext(t.Context(), "ALTER TABLE t ADD UNIQUE KEY (w)"); err == nil {
		t.Fatal("the ALTER did not fail")
	}
	entries := assemble(t, NewAssembler("m1-1"), logSince(t, c.server, first))
	if len(entries) != 2 || entries[0].Alter != AlterStarted || entries[1].Alter != AlterRolledBack || len(entries[0].Queries)+len(entries[1].Queries) > 0 {
		t.Errorf("entries %+v", entries)
	}
}

// TestFact13_14_MariaDBCompressedEvents: what log_bin_compress writes is read as what is not compressed.
func TestFact13_14_MariaDBCompressedEvents(t *testing.T) {
	c := mariadbSession(t)
	run := func() (kinds []string, rows []string, sql string) {
		for _, g := range mariadbGroups(t, c, "INSERT INTO t VALUES (1, REPEAT('a', 1000)), (2, REPEAT('b', 70000))", "UPDATE t SET v = REPEAT('c', 300)", "DELETE FROM t",
			"CREATE TABLE x (a INT COMMENT 'a comment that is long enough')", "DROP TABLE x") {
			kinds = append(kinds, g.kinds())
			sql += g.sql()
			for _, e := range g.events {
				if r, ok := e.(*Rows); ok {
					err := r.Each(func(before, after Image) error {
						rows = append(rows, string(before.Bytes())+"|"+string(after.Bytes()))
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		return kinds, rows, sql
	}
	_, plainRows, plainSQL := run()
	c.exec(t, "SET GLOBAL log_bin_compress=ON", "SET GLOBAL log_bin_compress_min_len=10")
	kinds, rows, sql := run()
	all := strings.Join(kinds, " ")
	for _, want := range []string{"Write_rows_compressed_v1", "Update_rows_compressed_v1", "Delete_rows_compressed_v1", "Query_compressed"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
	if len(rows) != 6 || !slices.Equal(rows, plainRows) || sql != plainSQL {
		t.Errorf("%d rows, %q, and uncompressed %d rows, %q", len(rows), sql, len(plainRows), plainSQL)
	}
}

// TestFact8_15_MariaDBSystemVersioning: the image has two columns that nobody declared, and a DELETE is an UPDATE of these.
func TestFact8_15_MariaDBSystemVersioning(t *testing.T) {
	c := mariadbSession(t)
	groups := mariadbGroups(t, c, "CREATE TABLE v (a INT, b INT) WITH SYSTEM VERSIONING", "INSERT INTO v VALUES (1, 2)", "DELETE FROM v")
	var actions []Action
	for _, g := range groups[1:] {
		for _, e := range g.events {
			if r, ok := e.(*Rows); ok {
				actions = append(actions, r.Action)
				if len(r.Table.Columns) != 4 {
					t.Errorf("%d columns", len(r.Table.Columns))
				}
			}
		}
	}
	if !slices.Equal(actions, []Action{Insert, Update}) {
		t.Errorf("actions %v", actions)
	}
}

// TestFact13_15_MariaDBSigns: whether a number is unsigned is logged unless binlog_row_metadata is NO_LOG, which it is
// by default; the column's definition tells it all the same.
func TestFact13_15_MariaDBSigns(t *testing.T) {
	c := mariadbSession(t)
	if got := c.value(t, "SELECT @@global.binlog_row_metadata"); got != "NO_LOG" {
		t.Errorf("binlog_row_metadata is %s", got)
	}
	c.exec(t, "CREATE TABLE n (a BIGINT UNSIGNED, b MEDIUMINT UNSIGNED, c TINYINT)")
	for metadata, known := range map[string]bool{"NO_LOG": false, "MINIMAL": true, "FULL": true} {
		c.exec(t, "SET GLOBAL binlog_row_metadata="+metadata)
		for _, e := range mariadbGroups(t, c, "INSERT INTO n VALUES (18446744073709551615, 16777215, -1)")[0].events {
			r, ok := e.(*Rows)
			if !ok {
				continue
			}
			for i, column := range r.Table.Columns {
				if column.SignKnown != known || column.Unsigned != (known && i < 2) || r.Table.HasNames != (metadata == "FULL") {
					t.Errorf("%s: column %d: %+v", metadata, i, column)
				}
			}
			err := r.Each(func(_, after Image) error {
				for i, want := range []string{"18446744073709551615", "16777215", "-1"} {
					got, err := AppendLiteral(nil, &schema.Column{Unsigned: i < 2}, &r.Table.Columns[i], after, i)
					if err != nil || string(got) != want {
						t.Errorf("%s: column %d is %s: %v", metadata, i, got, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestFact4_2_MariaDBCascadesAreNotLogged: of the child there is a table map and no row, and no flag says more.
func TestFact4_2_MariaDBCascadesAreNotLogged(t *testing.T) {
	c := mariadbSession(t)
	c.exec(t, "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE ch (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
		"INSERT INTO p VALUES (1)", "INSERT INTO ch VALUES (1, 1), (2, 1)")
	g := mariadbGroups(t, c, "DELETE FROM p")[0]
	maps := 0
	for _, e := range g.events {
		if m, ok := e.(*TableMap); ok && m.Name.Name == "ch" {
			maps++
		}
	}
	if maps != 1 || len(g.Tables) != 1 || g.Tables[0].Name.Name != "p" || g.Tables[0].Flags&RowsCascadesLogged != 0 || c.value(t, "SELECT COUNT(*) FROM ch") != "0" {
		t.Errorf("%d table maps of the child, tables %+v", maps, g.Tables)
	}
}

// TestFact5_1_MariaDBTriggersAreRows: what a trigger does stands among the rows of its statement.
func TestFact5_1_MariaDBTriggersAreRows(t *testing.T) {
	c := mariadbSession(t)
	c.exec(t, "CREATE TABLE l (id INT)", "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO l VALUES (NEW.id)")
	g := mariadbGroups(t, c, "INSERT INTO t VALUES (1, ''), (2, '')")[0]
	var ends []bool
	for _, e := range g.events {
		if r, ok := e.(*Rows); ok {
			ends = append(ends, r.Flags&RowsStatementEnd != 0)
		}
	}
	if len(g.Tables) != 2 || g.Tables[0].Rows+g.Tables[1].Rows != 4 || len(ends) < 2 || slices.Index(ends, true) != len(ends)-1 {
		t.Errorf("tables %+v, ends of statements %v", g.Tables, ends)
	}
}

// TestFact7_6_MariaDBNegativeZero: the sign is lost when it is written.
func TestFact7_6_MariaDBNegativeZero(t *testing.T) {
	c := mariadbSession(t)
	c.exec(t, "CREATE TABLE f (a DOUBLE)")
	for _, e := range mariadbGroups(t, c, "INSERT INTO f VALUES (-0e0)")[0].events {
		if r, ok := e.(*Rows); ok {
			err := r.Each(func(_, after Image) error {
				if got := string(after.Raw(0)); got != strings.Repeat("\x00", 8) {
					t.Errorf("-0e0 is %x", got)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestFact8_8_MariaDBLogsPasswords: as they were typed.
func TestFact8_8_MariaDBLogsPasswords(t *testing.T) {
	c := mariadbSession(t)
	if g := mariadbGroups(t, c, "CREATE USER secretive IDENTIFIED BY 'open secret'")[0]; !strings.Contains(g.sql(), "open secret") {
		t.Errorf("%q", g.sql())
	}
}

// TestFact8_11_MariaDBStatusVariables: those of its own are known, none ends the reading.
func TestFact8_11_MariaDBStatusVariables(t *testing.T) {
	c := mariadbSession(t)
	groups := mariadbGroups(t, c, "SET time_zone='+03:00', timestamp=1600000000.123456, auto_increment_increment=3, binlog_alter_two_phase=1, lc_time_names='de_DE'",
		"CREATE TABLE x (a INT PRIMARY KEY, ts TIMESTAMP(6) DEFAULT NOW(6))", "ALTER TABLE x ADD COLUMN b INT", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1",
		"CREATE VIEW w AS SELECT NOW(6)", "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1", "SET binlog_format=STATEMENT", "INSERT INTO x (a) VALUES (1)", "CREATE TABLE y AS SELECT NOW(6) AS n")
	seen := map[string]bool{}
	for _, g := range groups {
		for _, e := range g.events {
			q, ok := e.(*Query)
			if !ok {
				continue
			}
			x := q.Context
			if x.Incomplete || x.SQLMode == nil || x.Flags2 == nil || x.ClientCharset == 0 {
				t.Errorf("%q: %+v", q.SQL, x)
			}
			seen["microseconds"] = seen["microseconds"] || x.Micros != nil && *x.Micros == 123456
			seen["XID"] = seen["XID"] || x.DDLXID != nil
			seen["time_zone"] = seen["time_zone"] || x.TimeZone == "+03:00"
			seen["auto_increment"] = seen["auto_increment"] || x.AutoIncrement != nil && *x.AutoIncrement == 3
			seen["lc_time_names"] = seen["lc_time_names"] || x.LCTimeNames != nil
			seen["invoker"] = seen["invoker"] || x.Invoker != nil
		}
	}
	for _, name := range []string{"microseconds", "XID", "time_zone", "auto_increment", "lc_time_names"} {
		if !seen[name] {
			t.Errorf("no %s in %v", name, seen)
		}
	}
	t.Log(seen)
}

// TestFact5_2_MariaDBDefiners: what has a definer is logged with it, whoever wrote the statement.
func TestFact5_2_MariaDBDefiners(t *testing.T) {
	c := mariadbSession(t)
	for _, g := range mariadbGroups(t, c, "CREATE VIEW w AS SELECT 1 AS a", "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @x = 1",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1", "CREATE PROCEDURE p() SELECT 1") {
		if !strings.Contains(g.sql(), "DEFINER=`root`@`localhost`") {
			t.Errorf("%q", g.sql())
		}
	}
}

// With binlog_row_image MINIMAL and NOBLOB an image lacks columns, in compressed events too.
func TestMariaDBPartialImages(t *testing.T) {
	c := mariadbSession(t)
	c.exec(t, "CREATE TABLE x (id INT PRIMARY KEY, a INT, b TEXT)", "INSERT INTO x VALUES (1, 2, REPEAT('b', 100))", "SET GLOBAL log_bin_compress_min_len=10")
	for _, compress := range []string{"OFF", "ON"} {
		c.exec(t, "SET GLOBAL log_bin_compress="+compress)
		for image, want := range map[string]string{"FULL": "111 111", "NOBLOB": "110 110", "MINIMAL": "100 010"} {
			got := ""
			for _, e := range mariadbGroups(t, c, "SET binlog_row_image="+image, "UPDATE x SET a = a + 1")[0].events {
				r, ok := e.(*Rows)
				if !ok {
					continue
				}
				if r.PartialImage() != (image != "FULL") {
					t.Errorf("%s: partial image: %v", image, r.PartialImage())
				}
				err := r.Each(func(before, after Image) error {
					for _, im := range []Image{before, after} {
						for i := range im.NumColumns() {
							got += map[bool]string{true: "1", false: "0"}[im.Present(i)]
						}
						got += " "
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			if got != want+" " {
				t.Errorf("%s, compressed %s: columns %s, want %s", image, compress, got, want)
			}
		}
	}
}

// TestFact8_14_MariaDBSequences: a sequence is logged as the one row of a table of eight columns.
func TestFact8_14_MariaDBSequences(t *testing.T) {
	c := mariadbSession(t)
	for _, statement := range []string{"DO NEXTVAL(s)", "DO SETVAL(s, 5000)"} {
		rows := 0
		groups := mariadbGroups(t, c, statement)
		if len(groups) != 1 {
			t.Fatalf("%s: %d groups", statement, len(groups))
		}
		for _, e := range groups[0].events {
			if r, ok := e.(*Rows); ok {
				rows++
				if n, err := r.Count(); r.Action != Insert || len(r.Table.Columns) != 8 || n != 1 || err != nil {
					t.Errorf("%s: %s of %d rows of %d columns: %v", statement, r.Action, n, len(r.Table.Columns), err)
				}
			}
		}
		if rows != 1 {
			t.Errorf("%s: %d rows events", statement, rows)
		}
	}
}
