package source_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// verb is a loop of one kind of hard statement. Step k, from 1 on, is one entry of the log and
// leaves state(k); read observes a state under the table's metadata lock. Steps that change rows
// are no hard statements: file:pos runs ahead of them.
type verb struct {
	setup []string
	step  func(k int) string
	state func(k int) string
	rows  func(k int) bool // nil for none
	// ahead: the effect of a statement may be seen before the statement is in the log.
	ahead bool
	// fresh: each read has a connection of its own.
	fresh bool
	read  func(t *testing.T, c *server.RawConn) string
}

// show returns what of SHOW CREATE TABLE a pattern finds, "" without a match, "absent" without
// the table.
func show(table, pattern string) func(*testing.T, *server.RawConn) string {
	find := regexp.MustCompile(pattern)
	return func(t *testing.T, c *server.RawConn) string {
		t.Helper()
		return observe(t, c, "SHOW CREATE TABLE "+table, func(rows [][]string) string {
			out := ""
			for _, m := range find.FindAllStringSubmatch(rows[0][1], -1) {
				out += m[1] + " "
			}
			return out
		})
	}
}

// again stands for a read that was the victim of a metadata deadlock or lock wait: it says nothing (fact 15.20).
const again = "again"

const (
	errNoTrigger = 1360
	// A trigger of 5.6 or MariaDB went between the look for its file and the read of it.
	errCannotStat, errNoFile = 13, 29
)

func observe(t *testing.T, c *server.RawConn, query string, see func([][]string) string) string {
	t.Helper()
	rows, err := c.Rows(t.Context(), query)
	switch number := server.ErrorNumber(err); {
	case err == nil:
		return see(rows)
	case number == server.ErrDeadlock, number == server.ErrLockWaitTimeout, number == server.ErrTableChanged:
		return again
	case number == errCannotStat, number == errNoFile:
		return again
	case number == server.ErrNoSuchTable, number == server.ErrUnknownSchema, number == errNoTrigger:
		return "absent"
	}
	t.Fatalf("%s: %v", query, err)
	return ""
}

// contents returns the values of a column in order.
func contents(query string) func(*testing.T, *server.RawConn) string {
	return func(t *testing.T, c *server.RawConn) string {
		t.Helper()
		return observe(t, c, query, func(rows [][]string) string {
			out := ""
			for _, r := range rows {
				out += r[0] + " "
			}
			return out
		})
	}
}

// alternately returns one of several texts in turn.
func alternately(texts ...string) func(int) string {
	return func(k int) string { return texts[k%len(texts)] }
}

var verbs = map[string]verb{
	"ALTER TABLE": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY) COMMENT='c0'"},
		step: func(k int) string {
			return fmt.Sprintf("ALTER TABLE a.t COMMENT='c%d'%s", k, []string{"", ", FORCE", ", ALGORITHM=COPY"}[k%3])
		},
		state: func(k int) string { return fmt.Sprintf("%d ", k) },
		read:  show("a.t", `COMMENT='c(\d+)'`),
	},
	"CREATE and DROP INDEX": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY, v INT)", "CREATE INDEX i0 ON a.t (v)"},
		step: func(k int) string {
			if k%2 == 1 {
				return fmt.Sprintf("CREATE INDEX i%d ON a.t (v)", k/2+1)
			}
			return fmt.Sprintf("DROP INDEX i%d ON a.t", k/2-1)
		},
		state: func(k int) string {
			if k%2 == 1 {
				return fmt.Sprintf("%d %d ", k/2, k/2+1)
			}
			return fmt.Sprintf("%d ", k/2)
		},
		read: show("a.t", "KEY `i([0-9]+)`"),
	},
	"TRUNCATE": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY)"},
		step:  alternately("TRUNCATE a.t", "INSERT INTO a.t VALUES (1)", "TRUNCATE a.t", "TRUNCATE a.t"),
		rows:  func(k int) bool { return k%4 == 1 },
		state: alternately("", "1 ", "", ""),
		read:  contents("SELECT id FROM a.t"),
	},
	"RENAME": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY) COMMENT='c1'", "CREATE TABLE a.u (id INT PRIMARY KEY) COMMENT='c2'",
			"CREATE TABLE a.v (id INT PRIMARY KEY) COMMENT='c3'"},
		step:  func(int) string { return "RENAME TABLE a.t TO a.w, a.u TO a.t, a.v TO a.u, a.w TO a.v" },
		state: alternately("1 ", "2 ", "3 "),
		read:  show("a.t", `COMMENT='c(\d+)'`),
	},
	"CREATE and DROP TABLE": {
		setup: []string{"CREATE TABLE a.t (id INT PRIMARY KEY)"},
		step:  alternately("CREATE TABLE a.t (id INT PRIMARY KEY)", "DROP TABLE a.t"),
		state: alternately("", "absent"),
		read:  show("a.t", `COMMENT='c(\d+)'`),
	},
	"CREATE TABLE LIKE and SELECT": {
		setup: []string{"CREATE TABLE a.l (id INT PRIMARY KEY) COMMENT='c1'", "CREATE TABLE a.t LIKE a.l"},
		step:  alternately("CREATE TABLE a.t LIKE a.l", "DROP TABLE a.t", "CREATE TABLE a.t COMMENT='c2' AS SELECT 1 AS id", "DROP TABLE a.t"),
		state: alternately("1 ", "absent", "2 ", "absent"),
		read:  show("a.t", `COMMENT='c(\d+)'`),
	},
	"DROP DATABASE": {
		setup: []string{"CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)"},
		step:  alternately("CREATE TABLE d.t (id INT PRIMARY KEY)", "DROP DATABASE d", "CREATE DATABASE d"),
		state: alternately("", "absent", "absent"),
		read:  show("d.t", `COMMENT='c(\d+)'`),
	},
	"EXCHANGE PARTITION": {
		setup: []string{"CREATE TABLE a.t (id INT) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (100))", "INSERT INTO a.t VALUES (1)",
			"CREATE TABLE a.u (id INT)", "INSERT INTO a.u VALUES (2)"},
		step:  func(int) string { return "ALTER TABLE a.t EXCHANGE PARTITION p WITH TABLE a.u" },
		state: alternately("1 ", "2 "),
		read:  contents("SELECT id FROM a.t"),
	},
	"EXCHANGE PARTITION, the table": {
		setup: []string{"CREATE TABLE a.t (id INT) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (100))", "INSERT INTO a.t VALUES (1)",
			"CREATE TABLE a.u (id INT)", "INSERT INTO a.u VALUES (2)"},
		step:  func(int) string { return "ALTER TABLE a.t EXCHANGE PARTITION p WITH TABLE a.u" },
		state: alternately("2 ", "1 "),
		read:  contents("SELECT id FROM a.u"),
	},
	"partition management": {
		setup: []string{"CREATE TABLE a.t (id INT) PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (10), PARTITION p2 VALUES LESS THAN (20))",
			"INSERT INTO a.t VALUES (1), (11)"},
		step: alternately("INSERT INTO a.t VALUES (11)", "ALTER TABLE a.t TRUNCATE PARTITION p2", "ALTER TABLE a.t DROP PARTITION p2",
			"ALTER TABLE a.t ADD PARTITION (PARTITION p2 VALUES LESS THAN (20))"),
		state: alternately("1 11 ", "1 ", "1 ", "1 "),
		rows:  func(k int) bool { return k%4 == 0 },
		read:  contents("SELECT id FROM a.t ORDER BY id"),
	},
}

// readOn reads on the sampler's connection, or on one that has read nothing before.
func (v verb) readOn(t *testing.T, srv *server.Server, c *server.RawConn) string {
	t.Helper()
	if !v.fresh {
		return v.read(t, c)
	}
	fresh, err := srv.RawConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close() //nolint:errcheck // is never anything but nil
	return v.read(t, fresh)
}

// ddlSample is one read between two looks at the log.
type ddlSample struct {
	before, after binlog.Position
	seen          string
}

const (
	ddlSamples = 150
	ddlSteps   = 24
)

// sampleStatements runs a verb's loop beside committers and a reader.
func sampleStatements(t *testing.T, h *hammer, v verb) []ddlSample {
	t.Helper()
	c := rawConn(t, h.srv)
	looper := session(t, h.server, "a")
	var samples []ddlSample
	var stop atomic.Bool
	var steps atomic.Int64
	var wg sync.WaitGroup
	h.underLoad(t, func() {
		defer wg.Wait()
		defer stop.Store(true)
		wg.Go(func() {
			for k := 1; !stop.Load(); k++ {
				if _, err := looper.ExecContext(t.Context(), v.step(k)); err != nil {
					t.Errorf("step %d: %v", k, err)
					return
				}
				steps.Add(1)
			}
		})
		count := ddlSamples
		if h.server.Install().Kind != mysqltest.MySQL97 {
			count = *samplesElsewhere
		}
		for (len(samples) < count || steps.Load() < ddlSteps) && !t.Failed() {
			s := ddlSample{before: filePos(t, rows(t, c, h.srv.Facts().BinlogStatus())[0])}
			s.seen = v.readOn(t, h.srv, c)
			s.after = filePos(t, rows(t, c, h.srv.Facts().BinlogStatus())[0])
			samples = append(samples, s)
		}
	})
	return samples
}

// stepAt returns the last step that ends at or before pos, 0 for none.
func stepAt(ends []binlog.Position, pos binlog.Position) int {
	n, _ := slices.BinarySearchFunc(ends, pos, func(end, pos binlog.Position) int {
		if end.AtOrBefore(pos) {
			return -1
		}
		return 1
	})
	return n
}

// marker stands in the log between the setup and the first step.
const marker = "CREATE DATABASE marker"

// locateSteps returns the ends of the steps in the log, step k at k-1: every entry behind the
// marker that is none of the committers'.
func locateSteps(t *testing.T, s *mysqltest.Server) []binlog.Position {
	t.Helper()
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	var ends []binlog.Position
	marked, begun, committer, started := false, false, false, false
	for _, path := range files {
		err := parserOf(s).ParseFile(path, 0, func(e *replication.BinlogEvent) error {
			switch body := e.Event.(type) {
			case *replication.GTIDEvent:
				begun, committer = false, false
				return nil
			case *replication.MariadbGTIDEvent:
				begun, committer, started = !body.IsStandalone(), false, startsAlter(e.RawData)
				return nil
			case *replication.RowsEvent:
				committer = committer || string(body.Table.Table) == "h"
				return nil
			case *replication.QueryEvent:
				text := string(body.Query)
				if text == marker {
					marked = true
					return nil
				}
				begun = begun || text == "BEGIN"
				if begun {
					return nil // the entry ends with its XID, CREATE .. SELECT too
				}
			case *replication.XIDEvent:
				defer func() { begun, committer = false, false }() // without GTIDs the next one begins here
			default:
				return nil
			}
			if marked && !committer && !started {
				ends = append(ends, binlog.Position{Timeline: timeline, File: filepath.Base(path), Pos: uint64(e.Header.LogPos)})
			}
			return nil
		})
		if err != nil {
			t.Fatalf("read %s: %v", path, err)
		}
	}
	return ends
}

// startsAlter tells the first part of an ALTER in two phases, of a GTID event of MariaDB: nothing has changed yet (fact 13.14).
func startsAlter(raw []byte) bool {
	const flags, groupCommit, startAlter = 19 + 8 + 4, 0x02, 0x02
	further := flags + 1
	if raw[flags]&groupCommit != 0 {
		further += 8
	}
	return raw[further]&startAlter != 0
}

// Fact 15.1: of a file:pos taken before a read, the last hard statement on the table at or
// before it is a safe low mark for the table's rows, which file:pos itself is not.
func TestFact15_1_TheLastStatementIsASafeLowForRows(t *testing.T) {
	for _, ordered := range []string{"ON", "OFF"} {
		t.Run("order_commits="+ordered, func(t *testing.T) {
			h := newHammer(t, false)
			h.inFlight = map[int64]bool{}
			setGlobal(t, h.server, "binlog_order_commits", ordered)
			mysqltest.Exec(t, h.server, "SET GLOBAL binlog_group_commit_sync_delay=5000", marker)
			c, looper := rawConn(t, h.srv), session(t, h.server, "a")
			var samples []sample
			var stop atomic.Bool
			var wg sync.WaitGroup
			h.underLoad(t, func() {
				defer wg.Wait()
				defer stop.Store(true)
				wg.Go(func() {
					for n := 0; !stop.Load(); n++ {
						if _, err := looper.ExecContext(t.Context(), fmt.Sprintf("ALTER TABLE h COMMENT='%d'", n)); err != nil {
							t.Errorf("ALTER: %v", err)
							return
						}
					}
				})
				for range samplesWanted {
					samples = append(samples, h.look(t, c, false))
				}
			})
			statements := locateSteps(t, h.server)
			const markStatement = "last statement"
			for _, s := range samples {
				if n := stepAt(statements, s.pos); n > 0 {
					s.low[markStatement] = endsBy(statements[n-1])
				}
			}
			v := verdict{samples: map[string]int{}, wrong: map[string]int{}}
			v.judge(t, samples, locate(t, h.server))
			t.Log(v, len(statements), "statements")
			if v.wrong["low "+markStatement] > 0 || v.samples["low "+markStatement] < samplesWanted/2 || len(statements) < 10 {
				t.Errorf("the last of %d statements was wrong in %d of %d samples", len(statements), v.wrong["low "+markStatement], v.samples["low "+markStatement])
			}
			if v.wrong["low "+markFilePos] == 0 {
				t.Error("file:pos was never wrong: the fact did not show")
			}
		})
	}
}
