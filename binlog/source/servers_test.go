package source_test

import (
	"flag"
	"fmt"
	"regexp"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// What the facts say of MySQL 5.6 and MariaDB, with few samples: make test PKG=./binlog/source
// TESTFLAGS='-args -hammer=1000 -every-verb' takes more.
var (
	samplesElsewhere = flag.Int("hammer", 60, "samples of each turn of the hammer on servers other than MySQL 9.7")
	everyVerb        = flag.Bool("every-verb", false, "try every verb of hard statements on servers other than MySQL 9.7")
)

// TestFact1_MarksElsewhere repeats facts 1.1, 1.2, 1.3b, 1.5, 1.9 and 1.10: the start of the file is a safe low
// mark on 5.6 with GTIDs too, whose gtid_executed is none; file:pos is a safe high mark everywhere.
func TestFact1_MarksElsewhere(t *testing.T) {
	for _, c := range []struct {
		kind   mysqltest.Kind
		gtid   bool
		safe   []string
		unsafe []string
	}{
		{mysqltest.MySQL56, false, []string{"low " + markFileStart, "high " + markFilePos}, []string{"low " + markFilePos}},
		{mysqltest.MySQL56, true, []string{"low " + markFileStart, "high " + markFilePos, "high " + markGTID}, []string{"low " + markFilePos, "low " + markGTID}},
		// On MariaDB the start of the file is wrong too (fact 1.10), too seldom to be asked for here.
		{
			mysqltest.MariaDB1011, false,
			[]string{"low " + markCheckpoint, "high " + markFilePos, "high " + markBinlogPos, "high " + markCurrentPos},
			[]string{"low " + markFilePos, "low " + markBinlogPos, "low " + markCurrentPos},
		},
	} {
		t.Run(fmt.Sprintf("%s,%s", c.kind, gtidName(c.gtid)), func(t *testing.T) {
			v := newHammerOn(t, c.kind, c.gtid).run(t, c.unsafe...)
			for _, name := range c.safe {
				if v.wrong[name] > 0 || v.samples[name] < *samplesElsewhere {
					t.Errorf("%s was wrong in %d of %d samples", name, v.wrong[name], v.samples[name])
				}
			}
			if v.notPrefix > 0 { // binlog_order_commits is ON; MariaDB has nothing else
				t.Errorf("%d of %d snapshots were no prefix of the log", v.notPrefix, v.shown)
			}
		})
	}
}

// TestFact15_2_RowBarrierElsewhere: LOCK IN SHARE MODE waits as FOR SHARE does.
func TestFact15_2_RowBarrierElsewhere(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) { newHammerOn(t, kind, false).barrier(t, max(*samplesElsewhere/2, 1)) })
	}
	// On 5.6 an XA transaction is logged as any other.
	t.Run(mysqltest.MariaDB1011.String()+", XA", func(t *testing.T) {
		h := newHammerOn(t, mysqltest.MariaDB1011, false)
		h.xa = true
		h.barrier(t, max(*samplesElsewhere/2, 1))
	})
}

// TestFact15_19_HardStatementsElsewhere repeats facts 1.15 and 15.19.
func TestFact15_19_HardStatementsElsewhere(t *testing.T) {
	names := []string{"ALTER TABLE", "RENAME", "DROP DATABASE"}
	if *everyVerb {
		names = nil
		for name := range verbs {
			names = append(names, name)
		}
	}
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		for _, name := range names {
			t.Run(kind.String()+", "+name, func(t *testing.T) { holdsMarks(t, kind, verbs[name]) })
		}
	}
	for name, v := range mariadbVerbs {
		t.Run(mysqltest.MariaDB1011.String()+", "+name, func(t *testing.T) { holdsMarks(t, mysqltest.MariaDB1011, v) })
	}
}

// mariadbVerbs are hard statements that only MariaDB has.
var mariadbVerbs = map[string]verb{
	"CREATE OR REPLACE TABLE": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY) COMMENT='c0'"},
		step: func(k int) string {
			return fmt.Sprintf("CREATE OR REPLACE TABLE a.t (id INT PRIMARY KEY) COMMENT='c%d'", k)
		},
		state: func(k int) string { return fmt.Sprintf("%d ", k) },
		read:  show("a.t", `COMMENT='c(\d+)'`),
	},
	"CREATE OR REPLACE DATABASE": {
		setup: []string{"CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)"},
		step:  alternately("CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE OR REPLACE DATABASE d"),
		state: alternately("", "absent"),
		read:  verbs["DROP DATABASE"].read,
	},
	"ALTER TABLE in two phases": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY) COMMENT='c0'", "SET GLOBAL binlog_alter_two_phase=ON"},
		step:  verbs["ALTER TABLE"].step,
		state: verbs["ALTER TABLE"].state,
		read:  verbs["ALTER TABLE"].read,
	},
}

// shown reads a column of SHOW CREATE of an object.
func shown(statement string, column int, pattern string) func(*testing.T, *server.RawConn) string {
	find := regexp.MustCompile(pattern)
	return func(t *testing.T, c *server.RawConn) string {
		t.Helper()
		return observe(t, c, statement, func(rows [][]string) string { return find.FindStringSubmatch(rows[0][column])[1] })
	}
}

// charsets are enough states of a schema that a read tells in which it was.
var charsets = []string{"latin1", "cp1250", "cp1251", "latin2", "ascii", "greek", "hebrew", "gbk"}

// TestElsewhereObjectsAreSeenFromTheirPlaceInTheLogOn: on 5.6 and MariaDB, which keep definitions in files and change
// them before they log the statement, SHOW CREATE shows every statement that stood in the log when it was sent:
// t0.high begins the windows of schemas and objects there (dumper, showsWhatIsLogged). What is shown may
// be ahead of the log; a statement behind the window is then carried out on its own result, which
// changes nothing.
func TestElsewhereObjectsAreSeenFromTheirPlaceInTheLogOn(t *testing.T) {
	counted := func(k int) string { return fmt.Sprint(k) }
	verbs := map[string]verb{
		"database": {
			setup: []string{"CREATE DATABASE d CHARACTER SET latin1"},
			step:  func(k int) string { return "ALTER DATABASE d CHARACTER SET " + charsets[k%len(charsets)] },
			state: alternately(charsets...),
			read:  shown("SHOW CREATE DATABASE d", 1, "CHARACTER SET (\\w+)"),
		},
		"view": {
			setup: []string{"CREATE VIEW a.v AS SELECT 0 AS n"},
			step:  func(k int) string { return fmt.Sprintf("CREATE OR REPLACE VIEW a.v AS SELECT %d AS n", k) },
			state: counted,
			read:  shown("SHOW CREATE VIEW a.v", 1, "(?i)select (\\d+) as"),
		},
		"procedure": {
			setup: []string{"CREATE PROCEDURE a.p() COMMENT 'c0' SET @a=1"},
			step:  func(k int) string { return fmt.Sprintf("ALTER PROCEDURE a.p COMMENT 'c%d'", k) },
			state: counted,
			read:  shown("SHOW CREATE PROCEDURE a.p", 2, "COMMENT 'c(\\d+)'"),
			fresh: true,
		},
		"trigger": {
			setup: []string{"CREATE TABLE a.t (id INT)", "CREATE TRIGGER a.g BEFORE INSERT ON a.t FOR EACH ROW SET @a=0"},
			step: func(k int) string {
				if k%2 == 1 {
					return "DROP TRIGGER a.g"
				}
				return fmt.Sprintf("CREATE TRIGGER a.g BEFORE INSERT ON a.t FOR EACH ROW SET @a=%d", k)
			},
			state: func(k int) string {
				if k%2 == 1 {
					return "absent"
				}
				return fmt.Sprint(k)
			},
			read: shown("SHOW CREATE TRIGGER a.g", 2, "@a=(\\d+)"),
		},
		"event": {
			setup: []string{"CREATE EVENT a.e ON SCHEDULE EVERY 1 DAY DISABLE COMMENT 'c0' DO SET @a=1"},
			step:  func(k int) string { return fmt.Sprintf("ALTER EVENT a.e COMMENT 'c%d'", k) },
			state: counted,
			read:  shown("SHOW CREATE EVENT a.e", 3, "COMMENT 'c(\\d+)'"),
		},
	}
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		for name, v := range verbs {
			t.Run(kind.String()+", "+name, func(t *testing.T) {
				v.ahead = true
				holdsMarks(t, kind, v)
			})
		}
	}
}
