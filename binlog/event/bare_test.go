package event

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestRowsWithoutColumns: of a row of nothing but defaults a MINIMAL image holds no column. A server that ends a statement with
// several behind the first (error 1534) keeps more in a table without transactions than its log holds: the entry says so.
func TestRowsWithoutColumns(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			s := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true})
			c := newSession(t, s)
			c.exec(t, "CREATE DATABASE d", "USE d", "CREATE TABLE isam (a INT, b INT) ENGINE=MyISAM", "CREATE TABLE heap (a INT, b INT) ENGINE=MEMORY",
				"CREATE TABLE inno (a INT, b INT) ENGINE=InnoDB", "CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=MyISAM", "SET SESSION binlog_row_image=MINIMAL")
			first := beginLog(t, s)
			for _, table := range []string{"isam", "heap", "inno"} {
				c.exec(t, "INSERT INTO "+table+" () VALUES ()")
				if _, err := c.ExecContext(t.Context(), "INSERT INTO "+table+" () VALUES (), (), ()"); err != nil {
					t.Logf("%s: %v", table, err)
				}
			}
			c.exec(t, "INSERT INTO counted () VALUES (), ()", "INSERT INTO isam (a) VALUES (1), (2)")
			logged, bare := map[string]int{}, map[schema.Name]bool{}
			a := NewAssembler("m1-1")
			a.OnRows(func(_ *Entry, r *Rows) error {
				n, err := r.Count()
				logged[r.Table.Name.Name] += n
				return err
			})
			for _, r := range logSince(t, s, first) {
				entry, err := a.Add(r.file, r.start, r.raw)
				if err != nil {
					t.Fatal(err)
				}
				for i := 0; entry != nil && i < len(entry.Tables); i++ {
					bare[entry.Tables[i].Name] = bare[entry.Tables[i].Name] || entry.Tables[i].Bare
				}
			}
			for _, table := range []string{"isam", "heap", "inno", "counted"} {
				held, err := strconv.Atoi(c.value(t, "SELECT COUNT(*) FROM "+table))
				if err != nil {
					t.Fatal(err)
				}
				told := bare[schema.Name{Schema: "d", Name: table}]
				t.Logf("%s holds %d rows, %d are logged, without columns: %v", table, held, logged[table], told)
				if held != logged[table] && !told || table == "inno" && held != logged[table] || table == "counted" && told {
					t.Errorf("%s holds %d rows, %d are logged, without columns: %v", table, held, logged[table], told)
				}
			}
		})
	}
}
