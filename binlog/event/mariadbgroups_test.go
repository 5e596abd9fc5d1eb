package event

import (
	"fmt"
	"strings"
	"testing"
)

// group is an entry of MariaDB's log with its events.
type group struct {
	*Entry
	gtid   *MariaDBGTID
	events []Event
}

// kinds lists the types of the group's events.
func (g group) kinds() string {
	var types []string
	for _, e := range g.events {
		types = append(types, e.Header().Type.String())
	}
	return strings.Join(types, " ")
}

func (g group) sql() string {
	var list []string
	for _, q := range g.Queries {
		list = append(list, string(q.SQL))
	}
	return strings.Join(list, "; ")
}

// mariadbGroups runs statements and returns what they log.
func mariadbGroups(t testing.TB, c *session, statements ...string) []group {
	t.Helper()
	first := beginLog(t, c.server)
	c.exec(t, statements...)
	raws := logSince(t, c.server, first)
	a, p := NewAssembler("m1-1"), NewParser()
	var groups []group
	var open group
	for _, r := range raws {
		entry, err := a.Add(r.file, r.start, r.raw)
		if err != nil {
			t.Fatal(err)
		}
		events, err := p.Parse(r.raw)
		if err != nil {
			t.Fatal(err)
		}
		if g, ok := events[0].(*GTID); ok {
			open = group{gtid: g.MariaDB}
		}
		open.events = append(open.events, events...)
		if entry != nil {
			open.Entry = entry
			groups = append(groups, open)
		}
	}
	return groups
}

// mariadbSession has a schema with tables of several engines.
func mariadbSession(t testing.TB) *session {
	t.Helper()
	c := newSession(t, takeMariaDB(t))
	c.exec(t, "CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)", "CREATE TABLE m (id INT) ENGINE=Aria", "CREATE SEQUENCE s")
	return c
}

// mariadbStep is what statements log: the GTID's flags, the kind of entry, and what else there is of it.
type mariadbStep struct {
	name       string
	statements []string
	want       []mariadbWant
}

type mariadbWant struct {
	flags  byte
	kind   EntryKind
	tables string
	sql    string
	rolled bool
}

// TestFact8_14_MariaDBGroups: a GTID without the flag standalone opens a transaction, which ends with XID or COMMIT;
// nothing says BEGIN. The flags of facts 8.2, 8.14, 9.1 and 9.3, and what else is logged in a way of its own.
func TestFact8_14_MariaDBGroups(t *testing.T) {
	c := mariadbSession(t)
	const (
		ddl      = MariaDBStandalone | MariaDBAllowParallel | MariaDBDDL
		rows     = MariaDBTransactional | MariaDBAllowParallel
		mixed    = MariaDBAllowParallel
		prepared = MariaDBPreparedXA | MariaDBTransactional | MariaDBAllowParallel
		ended    = MariaDBCompletedXA | MariaDBTransactional | MariaDBAllowParallel | MariaDBStandalone
		ctas     = MariaDBAllowParallel | MariaDBDDL
	)
	if ddl != 0x29 || rows != 0x0c || mixed != 0x08 || prepared != 0x4c || ended != 0x8d || ctas != 0x28 {
		t.Fatal("the flags are not those of the facts")
	}
	for _, step := range []mariadbStep{
		{"autocommit", []string{"INSERT INTO t VALUES (1, 'a'), (2, 'b')"}, []mariadbWant{{rows, Transaction, "d.t=2", "", false}}},
		{"DDL", []string{"CREATE TABLE x (a INT)"}, []mariadbWant{{ddl, Statement, "", "CREATE TABLE x (a INT)", false}}},
		{"another engine", []string{"INSERT INTO m VALUES (1)"}, []mariadbWant{{mixed, Transaction, "d.m=1", "", false}}},
		{
			"engines in a transaction", []string{"BEGIN", "INSERT INTO t VALUES (3, '')", "INSERT INTO m VALUES (2)", "COMMIT"},
			[]mariadbWant{{mixed, Transaction, "d.m=1", "", false}, {mixed, Transaction, "d.t=1", "", false}},
		},
		{"engines rolled back", []string{"BEGIN", "INSERT INTO t VALUES (4, '')", "INSERT INTO m VALUES (2)", "ROLLBACK"}, []mariadbWant{{mixed, Transaction, "d.m=1", "", false}}},
		{
			"savepoint", []string{"BEGIN", "INSERT INTO t VALUES (5, '')", "SAVEPOINT a", "INSERT INTO t VALUES (6, '')", "ROLLBACK TO a", "COMMIT"},
			[]mariadbWant{{rows, Transaction, "d.t=1", "", false}},
		},
		{"create table select", []string{"CREATE TABLE y AS SELECT * FROM t"}, []mariadbWant{{ctas, Transaction, "d.y=4", "CREATE TABLE `y`", false}}},
		{"replaced by it", []string{"CREATE OR REPLACE TABLE y AS SELECT * FROM t"}, []mariadbWant{{ctas, Transaction, "d.y=4", "CREATE OR REPLACE TABLE `y`", false}}},
		{"of no rows", []string{"CREATE OR REPLACE TABLE y AS SELECT * FROM t WHERE id < 0"}, []mariadbWant{{ctas, Transaction, "", "CREATE OR REPLACE TABLE `y`", false}}},
		{"like temporary", []string{"CREATE TEMPORARY TABLE tmp (a INT UNSIGNED)", "INSERT INTO tmp VALUES (1)", "CREATE TABLE z LIKE tmp", "DROP TEMPORARY TABLE tmp"}, []mariadbWant{
			{ddl, Statement, "", "CREATE TABLE `z` (\n  `a` int(10) unsigned DEFAULT NULL\n)", false},
		}},
		{"sequence", []string{"DO SETVAL(s, 100)"}, []mariadbWant{{mixed, Transaction, "d.s=1", "", false}}},
		{
			"statement format", []string{"SET binlog_format=STATEMENT", "UPDATE t SET v = RAND() WHERE id = @a", "SET binlog_format=ROW"},
			[]mariadbWant{{rows, Transaction, "", "UPDATE t SET v = RAND() WHERE id = @a", false}},
		},
		{"truncate", []string{"TRUNCATE x"}, []mariadbWant{{ddl, Statement, "", "TRUNCATE x", false}}},
		{"XA", []string{"XA START 'g','b',2147483647", "INSERT INTO t VALUES (20, '')", "XA END 'g','b',2147483647", "XA PREPARE 'g','b',2147483647", "XA COMMIT 'g','b',2147483647"}, []mariadbWant{
			{prepared, XAPrepared, "d.t=1", "", false}, {ended, XACommit, "", "", false},
		}},
		{"XA rolled back", []string{"XA START 'g'", "INSERT INTO t VALUES (21, '')", "XA END 'g'", "XA PREPARE 'g'", "XA ROLLBACK 'g'"}, []mariadbWant{
			{prepared, XAPrepared, "d.t=1", "", false}, {ended, XARollback, "", "", false},
		}},
		{"XA in one phase", []string{"XA START 'g'", "INSERT INTO t VALUES (22, '')", "XA END 'g'", "XA COMMIT 'g' ONE PHASE"}, []mariadbWant{{rows, Transaction, "d.t=1", "", false}}},
		{"XA of nothing", []string{"XA START 'g'", "XA END 'g'", "XA PREPARE 'g'", "XA COMMIT 'g'"}, nil},
		// Beside a change that cannot be undone the rows are logged, and a ROLLBACK.
		{"XA of two engines", []string{"XA START 'g'", "INSERT INTO m VALUES (7)", "INSERT INTO t VALUES (23, '')", "XA END 'g'", "XA ROLLBACK 'g'"}, []mariadbWant{
			{mixed, Transaction, "d.m=1", "", false}, {mixed, Transaction, "d.t=1", "", true},
		}},
	} {
		t.Run(step.name, func(t *testing.T) {
			groups := mariadbGroups(t, c, step.statements...)
			if len(groups) != len(step.want) {
				t.Fatalf("%d groups: %v", len(groups), groups)
			}
			for i, g := range groups {
				want := step.want[i]
				var tables []string
				for _, touch := range g.Tables {
					tables = append(tables, fmt.Sprintf("%s=%d", touch.Name, touch.Rows))
				}
				got := strings.Join(tables, " ")
				// On a busy machine any of them may have waited for another session (the server's own, too).
				if g.gtid.Flags&^MariaDBWaited != want.flags || g.Kind != want.kind || got != want.tables ||
					!strings.HasPrefix(g.sql(), want.sql) || (want.sql == "") != (g.sql() == "") || g.RolledBack != want.rolled {
					t.Errorf("group %d: flags %#x, %s, tables %s, %q, rolled back %v; want %+v", i, g.gtid.Flags, g.Kind, got, g.sql(), g.RolledBack, want)
				}
				if strings.Contains(g.kinds(), "BEGIN") || g.GTID.Origin.Server != uint32(c.server.Port()) || g.GTID.GNO == 0 {
					t.Errorf("group %d: %s, GTID %s", i, g.kinds(), g.GTID)
				}
			}
		})
	}
}
