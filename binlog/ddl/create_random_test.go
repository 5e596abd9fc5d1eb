package ddl

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// tableMaker makes random CREATE TABLE statements that a 9.7 server accepts most of the time.
type tableMaker struct{ *rand.Rand }

func (m tableMaker) pick(list ...string) string { return list[m.IntN(len(list))] }
func (m tableMaker) one(in int) bool            { return m.IntN(in) == 0 }

// text makes a string literal of what is hard to read.
func (m tableMaker) text() string {
	var b strings.Builder
	for range m.IntN(8) {
		b.WriteString(m.pick("a", "B", "''", `\'`, `\\`, `"`, "`", "(", ")", ",", " ", "--", "/*", "*/", "#", ";", `\n`, "ä", "中", "key", "default"))
	}
	return "'" + b.String() + "'"
}

func (m tableMaker) identifier(n int) string {
	return schema.Quote(fmt.Sprintf("%s%d", m.pick("c", "key", "C", "a b", "x`y", "ä", "(", ",", "'", "primary"), n))
}

// columnType returns a type, and a default that suits it (or none).
func (m tableMaker) columnType() (columnType, value string) {
	switch m.IntN(14) {
	case 0:
		return m.pick("tinyint", "smallint", "mediumint", "int", "bigint", "int(5)") + m.pick("", " unsigned", " unsigned zerofill"), m.pick("5", "'7'", "0")
	case 1:
		return m.pick("decimal", "decimal(10)", "decimal(65,30)", "numeric(5,2) unsigned"), m.pick("1.50", "'0'")
	case 2:
		return m.pick("float", "double", "float(7,3)", "double(12,2) unsigned", "float unsigned"), m.pick("1e3", "0.5")
	case 3:
		return m.pick("char(5)", "varchar(20)", "char", "varchar(0)", "char(10) binary") + m.charset(), "''"
	case 4:
		return "varchar(40)" + m.charset(), m.pick("'x,y'", "'a'", "(concat('(', 'a'))", "'it''s'")
	case 5:
		return m.pick("tinytext", "text", "mediumtext", "longtext") + m.charset(), "('t')"
	case 6:
		return m.pick("binary(4)", "varbinary(9)"), m.pick("0x00ff", "x'61'", "'b'")
	case 7:
		return m.pick("tinyblob", "blob", "mediumblob", "longblob"), "(x'00')"
	case 8:
		return m.pick("date", "datetime", "datetime(3)", "time(6)", "year", "time"), ""
	case 9:
		return "timestamp(6) null", m.pick("current_timestamp(6)", "null", "now(6) on update now(6)", "'2020-01-01 00:00:00'")
	case 10:
		return m.pick("enum", "set") + "('x','it''s','q\\\\','(','k)'" + m.pick("", ",'中'", ",''") + ")", "'x'"
	case 11:
		return m.pick("bit", "bit(64)", "bit(7)"), m.pick("b'1'", "1", "b'0'")
	case 12:
		return m.pick("json", "geometry", "point", "point srid 4326", "polygon", "vector(5)", "multipoint srid 0"), ""
	}
	return "json", m.pick("(json_object('k)', 1))", "null")
}

func (m tableMaker) charset() string {
	return m.pick("", "", " charset latin1", " collate utf8mb4_bin", " charset gbk", " charset utf16 collate utf16_bin",
		" collate utf8mb4_0900_ai_ci", " charset utf8mb3", " charset utf8mb4", " charset ascii")
}

type madeColumn struct{ name, columnType string }

// columns makes columns; plain are those that a key may hold.
func (m tableMaker) columns() (defs []string, plain []madeColumn) {
	for i := range 1 + m.IntN(8) {
		c := madeColumn{name: m.identifier(i)}
		var value string
		c.columnType, value = m.columnType()
		def := c.name + " " + c.columnType
		generated := m.one(6) && strings.HasPrefix(c.columnType, "varchar(40)")
		switch {
		case generated:
			def += m.pick(" as (concat('a,', ')'))", " generated always as (lower('X'))") + m.pick("", " virtual", " stored")
		case m.one(3):
			def += " not null"
		}
		if value != "" && m.one(2) && !generated && (value != "null" || !strings.Contains(def, "not null")) {
			def += " default " + value
		}
		if m.one(4) {
			def += " comment " + m.text()
		}
		if m.one(9) && i > 0 {
			def += " invisible"
		}
		if m.one(12) {
			def += " check (1 < 2 or '),' = '(')"
		}
		defs = append(defs, def)
		if !strings.Contains(c.columnType, "json") && !generated {
			plain = append(plain, c)
		}
	}
	return defs, plain
}

// keys makes keys over the plain columns.
func (m tableMaker) keys(plain []madeColumn) (keys []string) {
	if len(plain) == 0 {
		return nil
	}
	for i := range m.IntN(4) {
		c := plain[m.IntN(len(plain))]
		part := c.name
		switch {
		case strings.Contains(c.columnType, "text") || strings.Contains(c.columnType, "blob"):
			part += "(3)"
		case strings.Contains(c.columnType, "point") || strings.Contains(c.columnType, "geom") || strings.Contains(c.columnType, "poly") || strings.Contains(c.columnType, "vector"):
			continue
		case strings.HasPrefix(c.columnType, "varchar(40)") && m.one(2):
			part = m.pick("(lower("+c.name+"))", "(concat("+c.name+", '),('))", c.name+"(4)")
		}
		part += m.pick("", "", " desc", " asc")
		options := m.pick("", "", " comment "+m.text(), " invisible", " using btree")
		keys = append(keys, fmt.Sprintf("%s %s (%s)%s", m.pick("key", "unique key", "index", "key"), schema.Quote(fmt.Sprint("k,(", i)), part, options))
	}
	return keys
}

func (m tableMaker) table(name schema.Name) string {
	defs, plain := m.columns()
	if m.one(2) {
		defs = append([]string{m.pick("id int auto_increment primary key", "id bigint unsigned not null, `i,d` char(3) not null, primary key (id desc, `i,d`(2))")}, defs...)
	}
	defs = append(defs, m.keys(plain)...)
	if m.one(4) {
		defs = append(defs, "constraint "+schema.Quote("ck"+name.Name)+" check ('(' <> ')')"+m.pick("", " not enforced"))
	}
	options := m.pick("", " charset latin1", " collate utf8mb4_general_ci", " charset utf8mb4 collate utf8mb4_bin", " charset gbk")
	if m.one(2) {
		options += " comment=" + m.text()
	}
	options += m.pick("", "", " auto_increment=77", " row_format=dynamic", " stats_persistent=1", " engine=myisam")
	return "CREATE TABLE " + name.Quoted() + " (" + strings.Join(defs, ", ") + ")" + options
}

// seed returns a new seed and prints it, so that a failure can be run again.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	t.Logf("seed %d", s)
	return s
}

func TestParseCreateTableRandom(t *testing.T) {
	server := mysqltest.Target(t)
	db := server.Root()
	db.SetMaxOpenConns(1)
	mysqltest.Exec(t, server, "CREATE DATABASE r")
	s := seed(t)
	m := tableMaker{rand.New(rand.NewPCG(s, 1))}
	made := 0
	const wanted = 120
	for i := 0; made < wanted && i < 4*wanted; i++ {
		n := schema.Name{Schema: "r", Name: fmt.Sprint("t", i)}
		text := m.table(n)
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			continue // the maker does not know every rule of the server
		}
		made++
		table := checkAgainstServer(t, db, n)
		if t.Failed() {
			t.Fatalf("made by %s", text)
		}
		if invisibleUnique(table) {
			continue // in front of its other keys it may be the first one of whole columns that are NOT NULL, and be refused (error 3522)
		}
		checkElementsAgainstServer(t, db, table)
	}
	if made < wanted {
		t.Fatalf("only %d tables were accepted", made)
	}
}

// invisibleUnique tells of a table without a primary key and with a unique index that is invisible.
func invisibleUnique(table *schema.Table) bool {
	return !slices.ContainsFunc(table.Keys, func(k schema.Key) bool { return k.Primary }) && slices.ContainsFunc(table.Keys, func(k schema.Key) bool { return k.Unique && k.Invisible })
}

// checkElementsAgainstServer takes the secondary indexes and foreign keys out of the
// definition, makes the table without them, puts them back, and expects the same table.
func checkElementsAgainstServer(t *testing.T, db *sql.DB, table *schema.Table) {
	t.Helper()
	exec := func(text string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v\nfrom %s", text, err, table.Create)
		}
	}
	exec("USE " + schema.Quote(table.Name.Schema))
	exec("SET foreign_key_checks=0")
	bare, clauses := withoutElements(t, table.Create)
	exec("DROP TABLE " + table.Name.Quoted())
	exec(bare)
	left, err := ParseCreateTable(show(t, db, table.Name), table.Name.Schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range left.Keys {
		if !k.Primary && !serves(k, autoIncrementColumn(left)) {
			t.Errorf("key %s stayed in %s", k.Name, bare)
		}
	}
	if len(left.ForeignKeys) > 0 {
		t.Errorf("foreign keys stayed in %s", bare)
	}
	for _, c := range clauses {
		exec("ALTER TABLE " + table.Name.Quoted() + " " + c)
	}
	again, err := ParseCreateTable(show(t, db, table.Name), table.Name.Schema)
	if err != nil {
		t.Fatal(err)
	}
	same(t, bare, "keys put back", keyFacts(again), keyFacts(table))
	same(t, bare, "columns put back", columnFacts(again), columnFacts(table))
	same(t, bare, "foreign keys put back", foreignKeyFacts(again), foreignKeyFacts(table))
}

func autoIncrementColumn(t *schema.Table) string {
	for _, c := range t.Columns {
		if c.AutoInc {
			return c.Name
		}
	}
	return "none"
}

func withoutElements(t *testing.T, create string) (string, []string) {
	t.Helper()
	s := parseFor(t, create, Session{Schema: "r"})
	edits, out, err := s.ElementEdits(Elements{ForeignKeys: true, Index: func(schema.Key) bool { return true }})
	if err != nil {
		t.Fatalf("%v\n%s", err, create)
	}
	return s.Edited(edits...), append(out.Indexes, out.ForeignKeys...)
}
