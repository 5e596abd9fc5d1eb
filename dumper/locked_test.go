package dumper

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// locked makes tables of engines without transactions, with n rows each.
func locked(n int) []string {
	statements := []string{"SET SESSION sql_mode='ALLOW_INVALID_DATES'", "CREATE DATABASE d", "CREATE TABLE d.days (d DATE NOT NULL, at DATETIME NOT NULL) ENGINE=CSV",
		"INSERT INTO d.days VALUES ('2026-02-31','2026-04-31 01:02:03'),('0000-00-00','2026-00-00 00:00:00')", "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(50), UNIQUE (v)) ENGINE=MyISAM",
		"CREATE TABLE d.hash (id INT PRIMARY KEY, v INT) ENGINE=MEMORY", "CREATE TABLE d.tree (id INT, v INT, PRIMARY KEY USING BTREE (id)) ENGINE=MEMORY",
		"CREATE TABLE d.csv (id INT NOT NULL) ENGINE=CSV", "CREATE TABLE d.plain (id INT) ENGINE=MyISAM",
		"CREATE TABLE d.part (a INT, n INT AUTO_INCREMENT, PRIMARY KEY (a,n)) ENGINE=MyISAM", "CREATE TABLE d.was (id INT PRIMARY KEY) ENGINE=MyISAM"}
	for i := range n {
		statements = append(statements, fmt.Sprintf("INSERT INTO d.t VALUES (%d, 'row %d')", i, i), fmt.Sprintf("INSERT INTO d.hash VALUES (%d,1)", i),
			fmt.Sprintf("INSERT INTO d.tree VALUES (%d,1)", i), fmt.Sprintf("INSERT INTO d.csv VALUES (%d)", i%3), fmt.Sprintf("INSERT INTO d.plain VALUES (%d)", i%3),
			fmt.Sprintf("INSERT INTO d.part (a) VALUES (%d)", i%3), fmt.Sprintf("INSERT INTO d.was VALUES (%d)", i))
	}
	return statements
}

// TestR5TablesWithoutTransactions: keyed ones are walked where their key can be, each is behind its
// barrier, and what the log does not hold, or takes another engine, has them read again. CSV parses its
// values anew for each reader: dates that no calendar has are no crash of the table.
func TestR5TablesWithoutTransactions(t *testing.T) {
	for _, gtid := range []bool{true, false} {
		t.Run(fmt.Sprintf("gtid=%v", gtid), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: gtid, Relaxed: true})
			target := mysqltest.Target(t)
			s.exec(locked(25)...)
			s.atChunk("d.t", 2, func() {
				s.exec("SET SESSION binlog_format=STATEMENT", "UPDATE d.t SET v=CONCAT(v,' changed')", "INSERT INTO d.csv VALUES (7)", "INSERT INTO d.plain VALUES (7)", "DELETE FROM d.hash WHERE id=3",
					"ALTER TABLE d.was ENGINE=InnoDB")
			})
			_, m := s.backUp(inChunks)
			for table, class := range map[string]string{"t": "non-transactional", "hash": "non-transactional", "tree": "non-transactional", "csv": "non-transactional", "days": "non-transactional",
				"plain": "non-transactional", "part": "non-transactional", "was": "keyed"} {
				n := baseOf(t, m, "d."+table)
				if n.Class != class || n.Rows.High.Before(n.Rows.Low) || n.Keyless != (table == "csv" || table == "days" || table == "plain") {
					t.Errorf("%+v", n)
				}
				if walked := len(n.Chunks) > 1; walked != (table == "t" || table == "tree" || table == "part" || table == "was") {
					t.Errorf("%s has %d chunks", n.Name, len(n.Chunks))
				}
			}
			s.checkAgain(m, "UPDATE d.t")
			s.load(target, m)
			s.replay(target, m)
			s.equal(target, "d")
		})
	}
}

// TestR5KeylessTableWithoutTransactions: one that is written to in each window is named in the end.
func TestR5KeylessTableWithoutTransactions(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(locked(3)...)
	mysqltest.FailpointCall(t, "dumper/inSnapshotWindow", func(n schema.Name) {
		if n.String() == "d.plain" {
			s.exec("INSERT INTO d.plain VALUES (7)")
		}
	})
	_, err := s.tryBackUp(t.Context(), func(c *Config) { c.SnapshotTries, c.Wait = 3, time.Minute })
	if f := fault.Of(err); f == nil || f.Kind != fault.KindKeyless || !strings.Contains(err.Error(), "d.plain") || strings.Contains(f.Hint, "gtid_mode") {
		t.Errorf("error %v", err)
	}
}

// TestR5MemoryTableEmptiedByARestart: the look that finds it empty is what has that logged; the
// backup comes to its end all the same.
func TestR5MemoryTableEmptiedByARestart(t *testing.T) {
	s := newSite(t, mysqltest.Options{Relaxed: true})
	s.exec(locked(3)...)
	if err := s.source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, m := s.backUp()
	if n := baseOf(t, m, "d.hash"); n.RowCount != 0 || len(n.ReadAgain) > 2 {
		t.Errorf("%+v", n)
	}
	if n := baseOf(t, m, "d.plain"); n.RowCount != 3 {
		t.Errorf("%+v", n)
	}
}

// TestR5TablesOfAMergeTable: what is written through a MERGE table is logged under its name, so the
// tables that it is made of are refused, and the definition alone is backed up of itself. One that comes
// while a backup runs is no exception.
func TestR5TablesOfAMergeTable(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY) ENGINE=MyISAM", "CREATE TABLE d.b LIKE d.a", "CREATE TABLE d.z (id INT PRIMARY KEY)",
		"CREATE TABLE d.m (id INT PRIMARY KEY) ENGINE=MERGE UNION=(d.a) INSERT_METHOD=LAST", "INSERT INTO d.m VALUES (1)")
	refused := func(table, hint string, change func(*Config)) {
		t.Helper()
		_, err := s.tryBackUp(t.Context(), change)
		if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(err.Error(), table) || !strings.Contains(err.Error(), "d.m") || !strings.Contains(f.Hint, hint) {
			t.Errorf("error %v", err)
		}
	}
	refused("d.a", "--exclude d.a", func(*Config) {})
	refused("d.a", "--exclude d.a", func(c *Config) { c.Tables, c.Fresh = []string{"d.a"}, true })
	_, m := s.backUp(func(c *Config) { c.Exclude, c.Fresh = []string{"d.a"}, true })
	if n := baseOf(t, m, "d.m"); n.Class != "no rows" || len(n.Chunks) > 0 {
		t.Errorf("%+v", n)
	}
	s.atChunk("d.b", 1, func() { s.exec("ALTER TABLE d.m UNION=(d.a,d.b)", "UPDATE d.m SET id=7 WHERE id=5") })
	s.exec("INSERT INTO d.b VALUES (5)")
	refused("d.b", "--exclude d.b", func(c *Config) { c.Exclude, c.Fresh = []string{"d.a"}, true })
}

// TestTableThatCrashed: a table whose file is damaged is named, with what mends it and the way round.
func TestTableThatCrashed(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.csv (id INT NOT NULL) ENGINE=CSV", "INSERT INTO d.csv VALUES (1),(2)", "CREATE TABLE d.t (id INT PRIMARY KEY)", "FLUSH TABLES d.csv")
	if err := os.WriteFile(filepath.Join(s.source.DataDir(), "d", "csv.CSV"), []byte("\"1\n\"2"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.exec("FLUSH TABLES d.csv")
	_, err := s.tryBackUp(t.Context())
	if f := fault.Of(err); f == nil || f.Kind != fault.KindSource || !strings.Contains(f.Hint, "REPAIR TABLE `d`.`csv`") || !strings.Contains(f.Hint, "--exclude d.csv") || !strings.Contains(err.Error(), "d.csv") {
		t.Fatalf("error %v, %+v", err, f)
	}
	s.backUp(func(c *Config) { c.Exclude = []string{"d.csv"} })
}

// TestRowsWithoutColumnsInTheWindow: a row of which the log holds no column may stand for two in a table without transactions, which is
// read again.
func TestRowsWithoutColumnsInTheWindow(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY DEFAULT 0, v VARCHAR(50)) ENGINE=MyISAM", "INSERT INTO d.t (id) VALUES (1),(2),(3)")
	s.atChunk("d.t", 1, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "INSERT INTO d.t () VALUES ()") })
	_, m := s.backUp()
	n := baseOf(t, m, "d.t")
	if len(n.ReadAgain) == 0 || !strings.Contains(n.ReadAgain[0].Statement, "no column") {
		t.Errorf("d.t was read again because of %+v", n.ReadAgain)
	}
}

// TestRowsWithoutColumnsOfTransactions: a table whose engine takes back what the log does not hold is not read again for such rows, which
// may come all the time.
func TestRowsWithoutColumnsOfTransactions(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY DEFAULT 0)", "INSERT INTO d.a VALUES (1)", "CREATE TABLE d.b (id INT PRIMARY KEY)", "INSERT INTO d.b VALUES (1), (2), (3)")
	s.atChunk("d.b", 1, func() { s.exec("SET SESSION binlog_row_image=MINIMAL", "INSERT INTO d.a () VALUES ()") })
	_, m := s.backUp(func(c *Config) { c.Threads = 1 })
	if n := baseOf(t, m, "d.a"); len(n.ReadAgain) != 0 {
		t.Errorf("d.a was read again because of %+v", n.ReadAgain)
	}
}
