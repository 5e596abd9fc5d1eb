package cli

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// TestGeometriesOfNoBytes: without a strict sql_mode MySQL 5.6 and MariaDB fill a NOT NULL geometry that an INSERT does not name with
// no bytes. 5.6 takes them back as a literal; MariaDB and later servers do not, and the row is told.
func TestGeometriesOfNoBytes(t *testing.T) {
	for _, from := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MariaDB1011} {
		for _, to := range []mysqltest.Kind{mysqltest.MySQL56, mysqltest.MySQL97, mysqltest.MariaDB1011} {
			if from == mysqltest.MariaDB1011 && to == mysqltest.MySQL56 {
				continue
			}
			for _, in := range []string{"chunk", "FULL", "MINIMAL"} {
				t.Run(from.String()+" into "+to.String()+", "+in, func(t *testing.T) { restoreNoBytes(t, from, to, in) })
			}
		}
	}
}

func restoreNoBytes(t *testing.T, from, to mysqltest.Kind, in string) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: from, GTID: from != mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop CHARACTER SET latin1", "CREATE TABLE shop.shapes (id INT PRIMARY KEY, q POINT NOT NULL)")
	insert := []string{"SET SESSION sql_mode='', binlog_row_image=FULL", "INSERT INTO shop.shapes (id) VALUES (1), (2)"}
	d := newDesk(t)
	switch in {
	case "chunk":
		mysqltest.Exec(t, source, insert...)
		d.works(d.source("backup", source)...)
	default:
		d.works(d.source("backup", source)...)
		insert[0] = strings.Replace(insert[0], "FULL", in, 1)
		mysqltest.Exec(t, source, insert...)
	}
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: to, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	o := d.run(d.restore(target)...)
	if to != mysqltest.MySQL56 {
		if said := o.String(); o.Code != 1 || !strings.Contains(said, "shop.shapes") || !strings.Contains(said, "1416") {
			t.Error(o)
		}
		return
	}
	if o.Code != 0 {
		t.Fatal(o)
	}
	want, err := truth.Take(t.Context(), source.Root(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	got, err := truth.Take(t.Context(), target.Root(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if list := want.Differences(got); len(list) > 0 {
		t.Errorf("the target differs from the source:\n%s", strings.Join(list, "\n"))
	}
}
