package ddl

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// testTables are the statements of testdata/tables.sql: every shape of definition.
func testTables(t testing.TB) []string {
	t.Helper()
	return testFile(t, "tables.sql")
}

func testFile(t testing.TB, name string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range strings.Split(string(text), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func TestParseCreateTableAgainstServer(t *testing.T) {
	server := mysqltest.Target(t)
	db := server.Root()
	db.SetMaxOpenConns(1)
	mysqltest.Exec(t, server, "CREATE DATABASE r", "CREATE DATABASE `o``1`")
	mysqltest.Exec(t, server, append([]string{"USE r"}, testTables(t)...)...)
	names := queryRows(t, db, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('r', 'o`1')")
	if len(names) < 20 {
		t.Fatalf("only %d tables", len(names))
	}
	for _, n := range names {
		table := checkAgainstServer(t, db, schema.Name{Schema: n[0], Name: n[1]})
		if table != nil && table.Name.Name != "parent" && table.Name.Name != "p 1" { // which have children
			checkElementsAgainstServer(t, db, table)
		}
	}
}

// TestParseCreateTableAgainstMariaDB reads what MariaDB shows: of the same statements those that it takes, and
// of what only it has.
func TestParseCreateTableAgainstMariaDB(t *testing.T) {
	server := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	db := server.Root()
	db.SetMaxOpenConns(1)
	mysqltest.Exec(t, server, "CREATE DATABASE r", "CREATE DATABASE `o``1`", "USE r")
	mysqltest.Exec(t, server, testFile(t, "mariadb_tables.sql")...)
	own := 0
	for _, text := range testTables(t) {
		// MariaDB shows a backtick in the name of a foreign key as it is: nobody can read that.
		text = strings.ReplaceAll(text, "fk \"1\" ``x", "fk \"1\" x")
		if _, err := db.ExecContext(t.Context(), text); err == nil {
			own++
		}
	}
	names := queryRows(t, db, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('r', 'o`1')")
	if own < 15 || len(names) < own+10 {
		t.Fatalf("%d of the statements were taken, %d tables", own, len(names))
	}
	for _, n := range names {
		name := schema.Name{Schema: n[0], Name: n[1]}
		want, refused := unsupportedTables[name.Name]
		if !refused {
			checkAgainstServer(t, db, name)
		}
		table, err := ParseCreateTable(show(t, db, name), name.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if table.Unsupported != want {
			t.Errorf("%s: unsupported %q, want %q", name, table.Unsupported, want)
		}
		// The statement that the server shows is judged as the table is.
		s := parseFor(t, table.Create, Session{Schema: "r", Flavor: "mariadb", Version: "10.11.18-MariaDB"})
		if (s.Kind == NotInLog) != refused {
			t.Errorf("%s: %s", table.Create, describe(s))
		}
	}
}

// unsupportedTables are those of mariadb_tables.sql that are refused.
var unsupportedTables = map[string]string{
	"m_types": reasonType, "m_compressed": reasonCompress, "m_sq": reasonSequence, "m_period": reasonOverlaps,
	"m_versioned": reasonVersioned, "m_versioned2": reasonVersioned,
}

// inDialect puts in a query what information_schema of MariaDB calls otherwise, or does not have.
func inDialect(t testing.TB, db *sql.DB, query string) string {
	t.Helper()
	if !strings.Contains(queryRows(t, db, "SELECT VERSION()")[0][0], "MariaDB") {
		return query
	}
	return strings.NewReplacer("srs_id", "NULL", "generation_expression", "COALESCE(generation_expression, '')", "is_visible", "IF(ignored = 'YES', 'NO', 'YES')", "index_comment, expression", "index_comment, NULL",
		"column_default, extra", "column_default, CONCAT(extra, IF(column_default LIKE '(%', ' DEFAULT_GENERATED', ''))").Replace(query)
}

// show reads a definition as the dumper does.
func show(t testing.TB, db *sql.DB, n schema.Name) string {
	t.Helper()
	return queryRows(t, db, "SHOW CREATE TABLE "+n.Quoted())[0][1]
}

// checkAgainstServer compares what we read from SHOW CREATE TABLE with information_schema.
func checkAgainstServer(t *testing.T, db *sql.DB, n schema.Name) *schema.Table {
	t.Helper()
	text := show(t, db, n)
	table, err := ParseCreateTable(text, n.Schema)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
		return nil
	}
	if table.Name != n {
		t.Errorf("name %v, want %v", table.Name, n)
	}
	same(t, text, "table", tableFacts(table), serverTable(t, db, n))
	same(t, text, "columns", columnFacts(table), serverColumns(t, db, n))
	same(t, text, "keys", keyFacts(table), serverKeys(t, db, n))
	same(t, text, "foreign keys", foreignKeyFacts(table), serverForeignKeys(t, db, n))
	return table
}

func same(t *testing.T, text, what string, got, want []string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("%s differ\n got\n%s\nwant\n%s\nin %s", what, g, w, text)
	}
}

func tableFacts(t *schema.Table) []string {
	return []string{fmt.Sprintf("%s %s %s %q partitioned=%v checks=%d", strings.ToUpper(t.Engine), t.Charset, t.Collation, t.Comment, t.Partitioned, t.Checks)}
}

func serverTable(t testing.TB, db *sql.DB, n schema.Name) []string {
	row := queryRows(t, db, `SELECT engine, table_collation, table_comment, create_options LIKE '%partitioned%',
		(SELECT COUNT(*) FROM information_schema.table_constraints c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name
			AND constraint_type = 'CHECK')
		FROM information_schema.tables t WHERE table_schema = ? AND table_name = ?`, n.Schema, n.Name)[0]
	c, known := schema.CollationByName(row[1])
	if !known { // MariaDB's own
		c.Charset, _, _ = strings.Cut(row[1], "_")
	}
	return []string{fmt.Sprintf("%s %s %s %q partitioned=%v checks=%s", strings.ToUpper(row[0]), c.Charset, row[1], row[2], row[3] == "1", row[4])}
}

// columnFacts prints what information_schema.COLUMNS tells too.
func columnFacts(t *schema.Table) []string {
	var out []string
	for i := range t.Columns {
		c := &t.Columns[i]
		extra := []string{}
		if strings.HasPrefix(c.Default, "(") || strings.HasPrefix(c.Default, "CURRENT_TIMESTAMP") {
			extra = append(extra, "DEFAULT_GENERATED")
		}
		if c.AutoInc {
			extra = append(extra, "auto_increment")
		}
		if c.OnUpdate {
			extra = append(extra, "on update")
		}
		switch c.Generated {
		case schema.Virtual:
			extra = append(extra, "VIRTUAL GENERATED")
		case schema.Stored:
			extra = append(extra, "STORED GENERATED")
		case schema.NotGenerated:
		}
		if c.Invisible {
			extra = append(extra, "INVISIBLE")
		}
		srid := "NULL"
		if c.SRID >= 0 {
			srid = fmt.Sprint(c.SRID)
		}
		hasDefault := c.Default != "" && c.Default != "NULL"
		out = append(out, fmt.Sprintf("%q %s length=%s charset=%s/%s nullable=%v unsigned=%v zerofill=%v default=%v extra=%v srid=%s comment=%q expression=%q",
			c.Name, c.Type, lengthFact(c), c.Charset, c.Collation, c.Nullable, c.Unsigned, c.ZeroFill, hasDefault, extra, srid, c.Comment, squeezed(c.Expression)))
	}
	return out
}

// lengthFact prints the numbers that COLUMNS has for the type.
func lengthFact(c *schema.Column) string {
	switch c.Type {
	case "char", "varchar", "binary", "varbinary", "bit", "vector":
		return fmt.Sprint(c.Length)
	case "decimal":
		return fmt.Sprintf("%d,%d", c.Length, c.Decimals)
	case "float", "double":
		if c.Length >= 0 {
			return fmt.Sprintf("%d,%d", c.Length, c.Decimals)
		}
	case "time", "datetime", "timestamp":
		return fmt.Sprint(max(c.Length, 0))
	case "enum", "set":
		return fmt.Sprintf("%q", c.Members)
	}
	return ""
}

// squeezed makes an expression comparable with information_schema, which escapes its quotes and
// encodes non-ASCII names twice.
func squeezed(expression string) string {
	if strings.ContainsFunc(expression, func(r rune) bool { return r > '~' }) || strings.Contains(expression, `\0`) {
		return "not comparable"
	}
	return strings.ReplaceAll(strings.ReplaceAll(expression, `\'`, `'`), `''`, `'`)
}

func serverColumns(t testing.TB, db *sql.DB, n schema.Name) []string {
	rows := queryRows(t, db, inDialect(t, db, `SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, datetime_precision,
		character_set_name, collation_name, is_nullable, column_type, column_default, extra, srs_id, column_comment, generation_expression
		FROM information_schema.columns WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`), n.Schema, n.Name)
	var out []string
	for _, r := range rows {
		name, dataType, nullable, columnType := r[0], r[1], r[8], r[9]
		extra := []string{}
		for _, e := range []string{"DEFAULT_GENERATED", "auto_increment", "on update", "VIRTUAL GENERATED", "STORED GENERATED", "INVISIBLE"} {
			if strings.Contains(r[11], e) {
				extra = append(extra, e)
			}
		}
		charset, collation := r[6], r[7]
		if dataType == "geometrycollection" {
			dataType = "geomcollection" // MariaDB
		}
		if charset == "NULL" || dataType == "json" {
			charset, collation = "", ""
		}
		if (dataType == "enum" || dataType == "set") && charset == "" {
			charset, collation = "binary", "binary"
		}
		length := serverLength(dataType, columnType, r)
		// A literal default of BINARY(n) may be unreadable as text there; that it is there is not.
		hasDefault := r[10] != "NULL"
		out = append(out, fmt.Sprintf("%q %s length=%s charset=%s/%s nullable=%v unsigned=%v zerofill=%v default=%v extra=%v srid=%s comment=%q expression=%q",
			name, dataType, length, charset, collation, nullable == "YES", strings.Contains(columnType, "unsigned") && !strings.Contains(columnType, "'"),
			strings.Contains(columnType, "zerofill") && !strings.Contains(columnType, "'"), hasDefault, extra, r[12], r[13], squeezed(r[14])))
	}
	return out
}

// serverLength reads the numbers of a type from COLUMNS. Members of ENUM and SET stand in
// COLUMN_TYPE alone, so they are read by the same lexer; that they are right is seen by
// TestEnumMembersAgainstServer.
func serverLength(dataType, columnType string, r []string) string {
	switch dataType {
	case "char", "varchar", "binary", "varbinary":
		return r[2]
	case "bit":
		return r[3]
	case "vector":
		return strings.Trim(columnType, "vector()")
	case "decimal":
		return r[3] + "," + r[4]
	case "float", "double":
		if strings.Contains(columnType, "(") {
			return r[3] + "," + r[4]
		}
	case "time", "datetime", "timestamp":
		return r[5]
	case "enum", "set":
		l := lex(columnType, Session{})
		var members []string
		for i, tok := range l.tokens {
			if tok.kind == stringLit {
				members = append(members, unescape(l.text[l.tokens[i].start:l.tokens[i].end]))
			}
		}
		return fmt.Sprintf("%q", members)
	}
	return ""
}

func keyFacts(t *schema.Table) []string {
	var out []string
	for _, k := range t.Keys {
		for n, p := range k.Parts {
			kind := map[schema.KeyKind]string{schema.Ordinary: "", schema.Fulltext: "FULLTEXT", schema.Spatial: "SPATIAL"}[k.Kind]
			out = append(out, fmt.Sprintf("%q unique=%v %d column=%q prefix=%d desc=%v invisible=%v %s comment=%q expression=%q",
				k.Name, k.Unique, n+1, p.Column, p.Prefix, p.Descending, k.Invisible, kind, k.Comment, squeezed(p.Expression)))
		}
	}
	return sorted(out)
}

func serverKeys(t testing.TB, db *sql.DB, n schema.Name) []string {
	rows := queryRows(t, db, inDialect(t, db, `SELECT index_name, non_unique, seq_in_index, column_name, sub_part, collation, is_visible, index_type, index_comment, expression
		FROM information_schema.statistics WHERE table_schema = ? AND table_name = ?`), n.Schema, n.Name)
	var out []string
	for _, r := range rows {
		column, prefix, kind := r[3], r[4], r[7]
		if column == "NULL" {
			column = ""
		}
		if prefix == "NULL" || kind == "SPATIAL" {
			prefix = "0"
		}
		if kind == "BTREE" || kind == "HASH" {
			kind = ""
		}
		expression := r[9]
		if expression == "NULL" {
			expression = ""
		}
		out = append(out, fmt.Sprintf("%q unique=%v %s column=%q prefix=%s desc=%v invisible=%v %s comment=%q expression=%q",
			r[0], r[1] == "0", r[2], column, prefix, r[5] == "D", r[6] == "NO", kind, r[8], squeezed(expression)))
	}
	return sorted(out)
}

func foreignKeyFacts(t *schema.Table) []string {
	var out []string
	for _, f := range t.ForeignKeys {
		out = append(out, fmt.Sprintf("%q %q -> %q %q on delete %v on update %v", f.Name, f.Columns, f.Parent, f.References, f.OnDelete, f.OnUpdate))
	}
	return sorted(out)
}

func serverForeignKeys(t testing.TB, db *sql.DB, n schema.Name) []string {
	rules := queryRows(t, db, `SELECT constraint_name, unique_constraint_schema, referenced_table_name, delete_rule, update_rule
		FROM information_schema.referential_constraints WHERE constraint_schema = ? AND table_name = ?`, n.Schema, n.Name)
	actions := map[string]schema.Reference{"RESTRICT": schema.Restrict, "NO ACTION": schema.Restrict, "CASCADE": schema.Cascade,
		"SET NULL": schema.SetNull, "SET DEFAULT": schema.SetDefault}
	var out []string
	for _, r := range rules {
		f := schema.ForeignKey{Name: r[0], Parent: schema.Name{Schema: r[1], Name: r[2]}, OnDelete: actions[r[3]], OnUpdate: actions[r[4]]}
		for _, c := range queryRows(t, db, `SELECT column_name, referenced_column_name FROM information_schema.key_column_usage
			WHERE constraint_schema = ? AND table_name = ? AND constraint_name = ? ORDER BY ordinal_position`, n.Schema, n.Name, r[0]) {
			f.Columns = append(f.Columns, c[0])
			f.References = append(f.References, c[1])
		}
		out = append(out, foreignKeyFacts(&schema.Table{ForeignKeys: []schema.ForeignKey{f}})...)
	}
	return sorted(out)
}
