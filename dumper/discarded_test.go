package dumper

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/progress"
)

// TestDiscardedTablespace: between DISCARD and IMPORT TABLESPACE nobody can read a table's rows. A backup waits for them; where they
// do not come, it ends and names the table, and what would help.
func TestDiscardedTablespace(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{Kind: kind, Relaxed: true})
			s.exec("CREATE DATABASE d", "CREATE TABLE d.keyed (a INT PRIMARY KEY, b INT) ENGINE=InnoDB", "INSERT INTO d.keyed VALUES (1,1),(2,2)",
				"CREATE TABLE d.loose (a INT) ENGINE=InnoDB", "INSERT INTO d.loose VALUES (7)")
			importKeyed, importLoose := s.discard("keyed"), s.discard("loose")
			for table, other := range map[string]string{"d.keyed": "d.loose", "d.loose": "d.keyed"} {
				_, err := s.tryBackUp(t.Context(), func(c *Config) { c.Wait, c.Fresh, c.Exclude = 2*time.Second, true, []string{other} })
				f := fault.Of(err)
				if f == nil || f.Kind != fault.KindTimeout || !strings.Contains(err.Error(), table) || !strings.Contains(f.Hint, "--exclude "+table) || !strings.Contains(f.Hint, "IMPORT TABLESPACE") {
					t.Errorf("error %v: want one that names %s", err, table)
				}
			}
			phases, imported := progress.NewBoard(time.Now), make(chan struct{})
			go func() {
				defer close(imported)
				for _, next := range []func(){importKeyed, importLoose} {
					waits := func(p progress.Snapshot) bool { return strings.Contains(p.Waiting, "tablespace") }
					mysqltest.Eventually(t, func() bool { return slices.ContainsFunc(phases.Snapshot(), waits) }, "the backup waits for a tablespace")
					next()
				}
			}()
			_, m := s.backUp(func(c *Config) { c.Fresh, c.Progress = true, phases })
			<-imported
			for table, want := range map[string]int{"d.keyed": 2, "d.loose": 1} {
				if rows := s.lines(m, table); len(rows) != want {
					t.Errorf("%s: %q", table, rows)
				}
			}
		})
	}
}

// discard discards a table's tablespace. What it returns brings the same one back.
func (s *site) discard(table string) func() {
	s.t.Helper()
	conn, err := s.source.Root().Conn(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	run := func(statement string) {
		s.t.Helper()
		if _, err := conn.ExecContext(s.t.Context(), statement); err != nil {
			s.t.Fatalf("%s: %v", statement, err)
		}
	}
	run("FLUSH TABLES d." + table + " FOR EXPORT")
	files := map[string][]byte{}
	for _, ending := range []string{".ibd", ".cfg"} {
		path := filepath.Join(s.source.DataDir(), "d", table+ending)
		if files[path], err = os.ReadFile(path); err != nil {
			s.t.Fatal(err)
		}
	}
	run("UNLOCK TABLES")
	run("ALTER TABLE d." + table + " DISCARD TABLESPACE")
	return func() {
		for path, content := range files {
			if err := os.WriteFile(path, content, 0o640); err != nil {
				s.t.Error(err)
			}
		}
		s.exec("ALTER TABLE d." + table + " IMPORT TABLESPACE")
	}
}
