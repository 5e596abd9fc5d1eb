package ddl

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// world is what a server holds: the oracle of what a statement touched.
type world struct {
	tables  map[schema.Name]tableState
	objects map[schema.Name]string // kind and definition of views, routines, triggers, events
}

type tableState struct{ create, rows string }

const ownSchemas = "NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"

// observe reads the world through a connection of its own (temporary tables would hide others).
func observe(t testing.TB, db *sql.DB) world {
	t.Helper()
	w := world{tables: map[schema.Name]tableState{}, objects: map[schema.Name]string{}}
	for _, r := range queryRows(t, db, "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type <> 'VIEW' AND table_schema "+ownSchemas) {
		n := schema.Name{Schema: r[0], Name: r[1]}
		w.tables[n] = tableState{show(t, db, n), checksum(t, db, n)}
	}
	for _, q := range []string{
		"SELECT table_schema, table_name, CONCAT('view ', view_definition) FROM information_schema.views WHERE table_schema " + ownSchemas,
		"SELECT routine_schema, CONCAT(routine_type, ' ', routine_name), CONCAT(routine_comment, security_type, routine_definition) FROM information_schema.routines WHERE routine_schema " + ownSchemas,
		"SELECT trigger_schema, CONCAT('TRIGGER ', trigger_name), CONCAT(event_object_table, action_statement) FROM information_schema.triggers WHERE trigger_schema " + ownSchemas,
		"SELECT event_schema, CONCAT('EVENT ', event_name), CONCAT(event_definition, status, event_comment) FROM information_schema.events WHERE event_schema " + ownSchemas,
	} {
		for _, r := range queryRows(t, db, q) {
			w.objects[schema.Name{Schema: r[0], Name: r[1]}] = r[2]
		}
	}
	return w
}

// checksum is the server's own over all rows; NULL for a table without its tablespace.
func checksum(t testing.TB, db *sql.DB, n schema.Name) string {
	t.Helper()
	return queryRows(t, db, "CHECKSUM TABLE "+n.Quoted()+" EXTENDED")[0][1]
}

// changed lists the keys whose values differ.
func changed[K comparable, V comparable](before, after map[K]V) []K {
	var keys []K
	for k := range before {
		if v, ok := after[k]; !ok || v != before[k] {
			keys = append(keys, k)
		}
	}
	for k := range after {
		if _, ok := before[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// testSteps are the statements of a file of testdata. Only procedures have semicolons
// inside, never at the end of a line.
func testSteps(t testing.TB, file string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, s := range strings.Split(string(text), ";\n") {
		if strings.TrimSpace(s) != "" {
			steps = append(steps, s)
		}
	}
	return steps
}

// historyTest runs statements, reads what the server logged for each, and compares what
// changed with what Parse says; and it sends each of them, rewritten to other schemas, again.
type historyTest struct {
	*testing.T
	observer *sql.DB
	source   *sql.Conn
	copy     *sql.Conn
	log      *logReader
	before   world
}

// followers change their definition without being named: the children of a parent that is
// renamed (their foreign keys follow it).
var dml = regexp.MustCompile("^(insert|update|delete) ")

var followers = regexp.MustCompile("REFERENCES")

func TestStatementsAgainstServer(t *testing.T) {
	server := mysqltest.Take(t, mysqltest.Options{Relaxed: true, TrustFunctionCreators: true, ExtraArgs: []string{"--sql-require-primary-key=OFF"}})
	runHistory(t, server, testSteps(t, "statements.sql"))
}

// TestStatementsAgainstMariaDB: the statements and clauses that only MariaDB has, also those that say what
// they say in its comments, in its Oracle mode, and in two phases.
func TestStatementsAgainstMariaDB(t *testing.T) {
	server := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, TrustFunctionCreators: true})
	runHistory(t, server, testSteps(t, "mariadb_statements.sql"))
}

func runHistory(t *testing.T, server *mysqltest.Server, steps []string) {
	t.Helper()
	h := &historyTest{T: t, observer: server.Root(), log: &logReader{server: server}}
	for _, c := range []**sql.Conn{&h.source, &h.copy} {
		conn, err := server.Root().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		*c = conn
	}
	for _, s := range []string{"CREATE DATABASE r", "CREATE DATABASE o", "CREATE DATABASE r2", "CREATE DATABASE o2", "USE r"} {
		h.exec(h.source, s)
	}
	h.exec(h.copy, "SET sql_log_bin = 0, foreign_key_checks = 0, session sql_mode = ''")
	h.log.next(t)
	h.before = observe(t, h.observer)
	for _, step := range steps {
		h.step(step)
		if t.Failed() {
			t.Fatalf("at %s", step)
		}
	}
}

func (h *historyTest) exec(c *sql.Conn, text string) {
	h.Helper()
	if _, err := c.ExecContext(context.Background(), text); err != nil {
		h.Fatalf("%s: %v", text, err)
	}
}

func (h *historyTest) step(step string) {
	h.Helper()
	h.exec(h.source, step)
	var statements []*Statement
	for _, e := range h.log.next(h) {
		s, err := Parse(e.sql, e.session)
		if err != nil {
			h.Fatal(err)
		}
		if s.Uncertain {
			h.Errorf("%s is uncertain: %s", s.Text, s.Reason)
		}
		statements = append(statements, s)
		h.again(s)
	}
	after := observe(h, h.observer)
	rowsLogged := strings.Contains(step, "select") || dml.MatchString(step)
	for _, n := range changed(h.before.tables, after.tables) {
		if strings.HasSuffix(n.Schema, "2") && n.Schema != "s2" {
			continue // the copy
		}
		was, is := h.before.tables[n], after.tables[n]
		h.checkTouched(statements, n, was, is, rowsLogged)
		h.checkCopy(n, is, after)
	}
	for _, n := range changed(h.before.objects, after.objects) {
		if !strings.HasSuffix(n.Schema, "2") {
			h.checkObject(statements, n)
		}
	}
	h.before = after
}

// checkTouched demands that some statement names the changed table in a changing role, and
// that none called definition only changed rows.
func (h *historyTest) checkTouched(statements []*Statement, n schema.Name, was, is tableState, rowsLogged bool) {
	h.Helper()
	if rowsLogged && was.rows != is.rows && withoutCounter(was.create) == withoutCounter(is.create) {
		return
	}
	renames := false
	for _, s := range statements {
		for _, ref := range s.Touches(n) {
			if !ref.Role.Changes() || s.Kind == None || s.Kind == TransactionControl || s.Kind == Account {
				continue
			}
			if s.Kind == DefinitionOnly && was.rows != is.rows {
				h.Errorf("%s is called definition only and changed rows of %s", s.Text, n)
			}
			return
		}
		renames = renames || len(s.Renames) > 0
	}
	if renames && was.rows == is.rows && followers.MatchString(is.create) {
		return
	}
	h.Errorf("%s changed\nfrom %s\nto %s\nand no statement of %d says so", n, was.create, is.create, len(statements))
	for _, s := range statements {
		h.Logf("%s: %s", s.Text, describe(s))
	}
}

var counter = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

func withoutCounter(create string) string { return counter.ReplaceAllString(create, "") }

func (h *historyTest) checkObject(statements []*Statement, n schema.Name) {
	h.Helper()
	_, name, isNamed := strings.Cut(strings.Replace(n.Name, "PACKAGE BODY ", "PACKAGE ", 1), " ")
	if !isNamed {
		name = n.Name // a view
	}
	for _, s := range statements {
		if len(s.Touches(schema.Name{Schema: n.Schema, Name: name})) > 0 {
			return
		}
		for _, o := range s.Objects {
			if o.Name.Schema == n.Schema && o.Name.Name == name || o.RenamedTo.Name == name {
				return
			}
		}
		if strings.HasPrefix(n.Name, "TRIGGER") && len(s.Tables) > 0 {
			return // triggers go with their table
		}
	}
	h.Errorf("%s changed and no statement says so", n)
}

// other is where a name of the source lies in the copy.
func other(n schema.Name) schema.Name {
	return schema.Name{Schema: otherSchema(n.Schema), Name: n.Name}
}

func otherSchema(name string) string {
	if name == "s2" {
		return "s22"
	}
	if name == "" {
		return ""
	}
	return name + "2"
}

// again sends a logged statement to the copy: names and definer replaced, the server's notes
// dropped, and nothing else.
func (h *historyTest) again(s *Statement) {
	h.Helper()
	switch s.Kind {
	case None, TransactionControl, Account:
		return
	case OtherObject:
		if s.Objects[0].Kind >= Server {
			return
		}
	default:
	}
	edits := slices.Concat(s.NameEdits(other), s.ServerNoteEdits(), s.DefinerEdits("`root`@`localhost`"))
	if s.Schema != "" {
		edits = append(edits, s.SchemaEdits(otherSchema(s.Schema))...)
	}
	text := s.Edited(edits...)
	if strings.Contains(text, "generated by server") || strings.HasSuffix(text, "START TRANSACTION") {
		h.Errorf("a note of the server stays in %s", text)
	}
	if use := otherSchema(s.session.Schema); use != "" && s.Kind != Schema {
		h.exec(h.copy, "USE "+schema.Quote(use))
	}
	h.exec(h.copy, fmt.Sprintf("SET sql_mode = %d", s.session.SQLMode))
	h.exec(h.copy, text)
}

var references = regexp.MustCompile("(REFERENCES |nextval\\()`(\\w+)`\\.`")

// checkCopy compares a definition with its counterpart, row by row of its text.
func (h *historyTest) checkCopy(n schema.Name, is tableState, after world) {
	h.Helper()
	want := references.ReplaceAllString(is.create, "${1}`${2}2`.`")
	got := after.tables[other(n)].create
	if withoutCounter(got) != withoutCounter(want) {
		h.Errorf("the copy of %s is\n%s\nwant\n%s\nof %v", n, got, want, slices.Collect(maps.Keys(after.tables)))
	}
}
