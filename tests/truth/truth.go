package truth

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Truth is all that a server holds in some schemas, in a form that two servers can be compared
// by: definitions as the server prints them, rows byte by byte.
type Truth struct {
	objects map[string]string   // "kind schema.name" -> definition
	rows    map[string][]string // "schema.table" -> rows, sorted; each the values' bytes
	// collations are the character set and collation of each column, "schema.table": a definition may leave out, or spell,
	// what they inherit.
	collations map[string]string
	// invalid are the views that the server cannot open, and the triggers that it cannot run: what they refer to is gone. No server
	// lets anybody create such.
	invalid map[string]bool
	columns map[string]map[string]bool // by "schema.table"
	// What a restore may not keep is no part of the objects and is compared by rules of its own:
	// the account that defines an object (the restoring user may not set another's), and the next
	// AUTO_INCREMENT, which rolled-back inserts move without a trace in the log.
	definers map[string]string  // "kind schema.name" -> user@host, with the schema as the server calls it
	called   map[string]string  // schemas: what the server calls them, which may fold names
	counters map[string]Counter // "schema.table"
}

// rowColumn is a column of the row that a trigger is for.
var rowColumn = regexp.MustCompile("\\b(?:NEW|OLD)\\.`([^`]+)`")

// invalidView is ER_VIEW_INVALID.
const invalidView = 1356

var autoIncrementText = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

func newTruth() *Truth {
	return &Truth{
		objects: map[string]string{}, rows: map[string][]string{}, collations: map[string]string{}, invalid: map[string]bool{}, definers: map[string]string{}, called: map[string]string{},
		columns: map[string]map[string]bool{}, counters: map[string]Counter{},
	}
}

// Take reads the schemas of a server. The caller has stopped all writes. A schema that does
// not exist is part of the truth, too.
func Take(ctx context.Context, db *sql.DB, schemas ...string) (*Truth, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for the truth: %w", err)
	}
	defer conn.Close()
	t := newTruth()
	// Views are printed without the schema's name where that is the session's default schema. CSV tables with
	// dates that no calendar has can be read in a mode that allows them only.
	for _, set := range []string{"USE information_schema", "SET NAMES utf8mb4, time_zone='+00:00', sql_mode='ALLOW_INVALID_DATES', sql_quote_show_create=1"} {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return nil, fmt.Errorf("set the session for the truth: %w", err)
		}
	}
	for _, s := range schemas {
		if err := t.schema(ctx, conn, s); err != nil {
			return nil, fmt.Errorf("take the truth of %s: %w", s, err)
		}
	}
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, time_zone=DEFAULT, sql_mode=DEFAULT"); err != nil {
		return nil, fmt.Errorf("reset the session: %w", err)
	}
	return t, nil
}

func (t *Truth) schema(ctx context.Context, conn *sql.Conn, s string) error {
	found, err := list(ctx, conn, "SELECT CONCAT(DEFAULT_CHARACTER_SET_NAME, ' ', DEFAULT_COLLATION_NAME), SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", s)
	if err != nil || len(found) == 0 {
		return err
	}
	t.objects["schema "+s], t.called[s] = found[0][0], found[0][1]
	tables, err := list(ctx, conn, "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY 1", s)
	if err != nil {
		return err
	}
	for _, r := range tables {
		if r[1] != "BASE TABLE" {
			_, err := t.show(ctx, conn, "view", "SHOW CREATE VIEW ", s, r[0], "View", "Create View", "character_set_client", "collation_connection")
			var refused *mysql.MySQLError
			if errors.As(err, &refused) && refused.Number == invalidView { // MySQL 5.6 shows nothing of it, nor of a view on it that it opens
				t.objects["view "+s+"."+r[0]], t.invalid["view "+s+"."+r[0]], err = "which the server does not show", true, nil
			}
			if err != nil {
				return err
			}
			if _, err := conn.ExecContext(ctx, "EXPLAIN FORMAT=TRADITIONAL SELECT * FROM "+quoteName(s, r[0])); err != nil {
				t.invalid["view "+s+"."+r[0]] = true
			}
			continue
		}
		shown, err := t.show(ctx, conn, "table", "SHOW CREATE TABLE ", s, r[0], "Table", "Create Table")
		if err != nil {
			return err
		}
		if err := t.counter(ctx, conn, s, r[0], shown); err != nil {
			return err
		}
		if err := t.table(ctx, conn, s, r[0]); err != nil {
			return err
		}
	}
	routines, err := list(ctx, conn, "SELECT ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ? ORDER BY 2, 1", s)
	if err != nil {
		return err
	}
	for _, r := range routines {
		kind := strings.ToLower(r[1])
		title := strings.ToUpper(kind[:1]) + kind[1:]
		if _, err := t.show(ctx, conn, kind, "SHOW CREATE "+r[1]+" ", s, r[0], title, "Create "+title, "sql_mode", "character_set_client", "collation_connection", "Database Collation"); err != nil {
			return err
		}
	}
	triggers, err := list(ctx, conn, "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ? ORDER BY 1", s)
	if err != nil {
		return err
	}
	for _, r := range triggers {
		if _, err := t.show(ctx, conn, "trigger", "SHOW CREATE TRIGGER ", s, r[0], "Trigger", "SQL Original Statement", "sql_mode", "character_set_client", "collation_connection", "Database Collation"); err != nil {
			return err
		}
		key := "trigger " + s + "." + r[0]
		t.objects[key] += "\non " + r[1] + " order " + r[2]
		for _, column := range rowColumn.FindAllStringSubmatch(t.objects[key], -1) {
			if !t.columns[s+"."+r[1]][column[1]] {
				t.invalid[key] = true
			}
		}
	}
	events, err := list(ctx, conn, `SELECT EVENT_NAME, STATUS, ON_COMPLETION, IFNULL(STARTS,''), IFNULL(ENDS,''), EVENT_COMMENT FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY 1`, s)
	if err != nil {
		return err
	}
	for _, r := range events {
		if _, err := t.show(ctx, conn, "event", "SHOW CREATE EVENT ", s, r[0], "Event", "Create Event", "sql_mode", "time_zone", "character_set_client", "collation_connection", "Database Collation"); err != nil {
			return err
		}
		t.objects["event "+s+"."+r[0]] += "\n" + strings.Join(r[1:], "|")
	}
	return nil
}

// show stores the wanted columns of a SHOW CREATE statement, and returns them as shown.
func (t *Truth) show(ctx context.Context, conn *sql.Conn, kind, statement, schema, object, title string, columns ...string) (string, error) {
	rows, err := conn.QueryContext(ctx, statement+quoteName(schema, object))
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", statement, object, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", fmt.Errorf("%s%s: %w", statement, object, err)
	}
	values := make([]sql.NullString, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	var text []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", fmt.Errorf("%s%s: %w", statement, object, err)
		}
		for i, n := range names {
			if slices.Contains(columns, n) {
				text = append(text, values[i].String)
			}
		}
	}
	if len(text) != len(columns) {
		return "", fmt.Errorf("%s%s: columns %q lack some of %q (%s)", statement, object, names, columns, title)
	}
	shown, key := strings.Join(text, "\n"), kind+" "+schema+"."+object
	if kind != "table" {
		t.definer(kind+" "+t.called[schema]+"."+object, shown)
	}
	definition := definerText.ReplaceAllString(shown, "")
	if kind == "trigger" { // as they were given before 5.7
		definition = triggerNames.ReplaceAllString(definition, "CREATE TRIGGER `$1$2` $3 ON `$4$5` FOR")
	}
	t.objects[key] = autoIncrementText.ReplaceAllString(definition, "")
	return shown, rows.Err()
}

// table stores every row as the exact bytes of every column, generated and invisible ones included.
func (t *Truth) table(ctx context.Context, conn *sql.Conn, schema, table string) error {
	columns, err := list(ctx, conn, "SELECT COLUMN_NAME, DATA_TYPE, IFNULL(CONCAT(COLUMN_NAME, ' ', CHARACTER_SET_NAME, ' ', COLLATION_NAME), '') FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION", schema, table)
	if err != nil {
		return err
	}
	exprs := make([]string, len(columns))
	for i, c := range columns {
		if t.columns[schema+"."+table] == nil {
			t.columns[schema+"."+table] = map[string]bool{}
		}
		t.columns[schema+"."+table][c[0]] = true
		if c[2] != "" {
			t.collations[schema+"."+table] += c[2] + "\n"
		}
		q := quote(c[0])
		switch c[1] {
		case "float": // six digits are printed without it (fact 7.1)
			q += "*1e0"
		case "enum", "set":
			q = "CAST(" + q + " AS UNSIGNED)"
		case "json":
			q = "CAST(" + q + " AS CHAR CHARACTER SET utf8mb4)"
		case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
			q = "CAST(" + q + " AS BINARY)" // the bytes, in the column's own character set
		}
		exprs[i] = q
	}
	rows, err := conn.QueryContext(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM "+quoteName(schema, table))
	if err != nil {
		return fmt.Errorf("read %s.%s: %w", schema, table, err)
	}
	defer rows.Close()
	values := make([]sql.RawBytes, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var out []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("read %s.%s: %w", schema, table, err)
		}
		var b strings.Builder
		for i, v := range values {
			if i > 0 {
				b.WriteByte('|')
			}
			b.WriteString(columns[i][0])
			b.WriteByte('=')
			b.WriteString(printable(v))
		}
		out = append(out, b.String())
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s.%s: %w", schema, table, err)
	}
	sort.Strings(out)
	t.rows[schema+"."+table] = out
	return nil
}

// printable renders bytes so that every difference shows and nothing is ambiguous.
func printable(v []byte) string {
	if v == nil {
		return "NULL"
	}
	for _, c := range v {
		if c < 0x20 || c > 0x7e || c == '|' || c == '\\' {
			return "x" + hex.EncodeToString(v)
		}
	}
	return "'" + string(v) + "'"
}

func list(ctx context.Context, conn *sql.Conn, query string, args ...any) ([][]string, error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var out [][]string
	for rows.Next() {
		r := make([]string, len(names))
		into := make([]any, len(names))
		for i := range r {
			into[i] = &r[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Differences lists how restored differs from the source's truth, the first few of each kind.
func (t *Truth) Differences(restored *Truth) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, k := range union(t.objects, restored.objects) {
		want, is := t.objects[k]
		got, there := restored.objects[k]
		switch {
		case !is:
			add("%s: restored, but not on the source:\n    %s", k, got)
		case !there && t.invalid[k]:
		case !there:
			add("%s: missing", k)
		case preparedChecks(want) != preparedChecks(got):
			add("%s differs:\n    source   %q\n    restored %q", k, want, got)
		}
	}
	for _, k := range union(t.collations, restored.collations) {
		if want, got := t.collations[k], restored.collations[k]; want != got && t.objects["table "+k] == restored.objects["table "+k] {
			add("collations of %s differ:\n    source   %q\n    restored %q", k, want, got)
		}
	}
	for _, k := range union(t.rows, restored.rows) {
		missing, extra := minus(t.rows[k], restored.rows[k]), minus(restored.rows[k], t.rows[k])
		if len(missing)+len(extra) == 0 {
			continue
		}
		add("rows of %s: %d on the source, %d restored, %d missing, %d too many", k, len(t.rows[k]), len(restored.rows[k]), len(missing), len(extra))
		for i, r := range missing[:min(3, len(missing))] {
			add("    missing %d: %.600s", i, r)
		}
		for i, r := range extra[:min(3, len(extra))] {
			add("    extra   %d: %.600s", i, r)
		}
	}
	return out
}

func union[V any](a, b map[string]V) []string {
	var keys []string
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

// minus returns what the sorted multiset a has more than the sorted multiset b.
func minus(a, b []string) []string {
	var out []string
	j := 0
	for _, v := range a {
		for j < len(b) && b[j] < v {
			j++
		}
		if j < len(b) && b[j] == v {
			j++
			continue
		}
		out = append(out, v)
	}
	return out
}

// Table is one table's contents in short.
type Table struct {
	Name   string // schema.table
	Rows   int
	SHA256 string // of the definition and of all rows in byte order
}

// Size counts what was compared where a truth was: tables, their rows, and all definitions, those of tables among them.
func (t *Truth) Size() (tables, rows, definitions int) {
	for _, r := range t.rows {
		rows += len(r)
	}
	return len(t.rows), rows, len(t.objects)
}

// Tables lists every table of the truth in short, sorted by name.
func (t *Truth) Tables() []Table {
	var out []Table
	for _, k := range union(t.rows, nil) {
		h := sha256.New()
		for _, r := range append([]string{t.objects["table "+k]}, t.rows[k]...) {
			fmt.Fprintf(h, "%d:%s,", len(r), r) // a hash takes every write
		}
		out = append(out, Table{Name: k, Rows: len(t.rows[k]), SHA256: hex.EncodeToString(h.Sum(nil))})
	}
	return out
}

func quote(identifier string) string {
	return "`" + strings.ReplaceAll(identifier, "`", "``") + "`"
}

func quoteName(schema, table string) string { return quote(schema) + "." + quote(table) }
