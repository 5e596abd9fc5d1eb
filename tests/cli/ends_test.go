package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// archiveEnds is what archive says of tables whose range ends.
type archiveEnds struct {
	Ends []struct {
		Schema, Name, Reason string
		Position             position
	} `json:"ends"`
}

// listEnds is what list says of them.
type listEnds struct {
	Instances []struct {
		Recoverable []struct{ From, To position } `json:"recoverable"`
		Ends        []struct {
			Schema, Name, Reason string
			Position             position
			Backups              []string
		} `json:"ends"`
	} `json:"instances"`
}

func (p position) argument() string { return fmt.Sprintf("%s/%s:%d", p.Timeline, p.File, p.Pos) }

// What a restore refuses ends the range of its tables: archive says so at once, list promises
// nothing behind it, and both name the entry that the restore names. Other tables can be had
// behind it, and all of them from a later backup.
func TestRangesEndWhereARestoreRefuses(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	for _, c := range []struct {
		name       string
		statements []string
		reason     string
	}{
		{"statement format", []string{"SET SESSION binlog_format = STATEMENT", "UPDATE shop.t SET v = 'text' WHERE id = 1"}, "UPDATE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mysqltest.Exec(t, source, "DROP DATABASE IF EXISTS shop", "FLUSH BINARY LOGS")
			emptyTarget(t, target)
			smallShop(t, source)
			mysqltest.Exec(t, source, "CREATE TABLE shop.other (id INT PRIMARY KEY)", "DROP TRIGGER shop.g")
			d := newDesk(t)
			d.works(d.source("backup", source)...)
			mysqltest.Exec(t, source, "INSERT INTO shop.other VALUES (1)")
			before := takeHere(t, source)
			mysqltest.Exec(t, source, c.statements...)
			mysqltest.Exec(t, source, "SET SESSION binlog_format = DEFAULT", "INSERT INTO shop.other VALUES (2)")
			behind := takeHere(t, source)

			var archived archiveEnds
			o := d.must(&archived, d.source("archive", source, "--until-idle")...)
			if len(archived.Ends) != 1 || archived.Ends[0].Schema+"."+archived.Ends[0].Name != "shop.t" || !strings.Contains(archived.Ends[0].Reason, c.reason) {
				t.Fatalf("archive says %+v, want an end of shop.t for %q", archived.Ends, c.reason)
			}
			if !strings.Contains(o.Stderr, "level=WARN") || !strings.Contains(o.Stderr, "shop.t") {
				t.Errorf("no warning about shop.t\n%s", o)
			}
			var listed listEnds
			d.must(&listed, "list", "--store", d.store())
			i := listed.Instances[0]
			if len(i.Ends) != 1 || i.Ends[0].Name != "t" || i.Ends[0].Reason != archived.Ends[0].Reason || len(i.Ends[0].Backups) != 1 ||
				i.Ends[0].Position.argument() != archived.Ends[0].Position.argument() {
				t.Fatalf("list says %+v, archive %+v", i.Ends, archived.Ends)
			}
			if len(i.Recoverable) != 1 {
				t.Fatalf("recoverable %+v, want one range", i.Recoverable)
			}
			to := i.Recoverable[0].To
			if to.argument() != i.Ends[0].Position.argument() {
				t.Errorf("recoverable to %s, the range ends at %s", to.argument(), i.Ends[0].Position.argument())
			}
			to.check(t, "to", "")
			if text := d.run("list", "--store", d.store()); text.Code != 0 || !strings.Contains(text.Stdout, "ENDS") || !strings.Contains(text.Stdout, "shop.t") {
				t.Errorf("list for people\n%s", text)
			}

			refused := refusal{code: 12, kind: "statement", says: []string{"shop.t", i.Ends[0].Position.argument()}, hint: []string{"--exclude shop.t", "backup"}}
			d.refused(refused, d.restore(target, "--dry-run")...)
			d.refused(refused, d.restore(target)...)
			if to.GTIDSet != before.gtids {
				t.Errorf("recoverable to %q, want %q", to.GTIDSet, before.gtids)
			}
			d.works(d.restore(target, "--to-position", to.argument())...)
			before.equals(t, target, "the end of the range")
			emptyTarget(t, target)
			d.works(d.restore(target, "--exclude", "shop.t")...)
			if n := count(t, target, "SELECT COUNT(*) FROM shop.other"); n != 2 {
				t.Errorf("the other table has %d rows", n)
			}

			d.works(d.source("backup", source)...)
			d.must(&listed, "list", "--store", d.store())
			if i := listed.Instances[0]; len(i.Recoverable) != 2 || len(i.Ends) != 1 || len(i.Ends[0].Backups) != 1 {
				t.Fatalf("behind a new backup: ranges %+v, ends %+v", i.Recoverable, i.Ends)
			}
			emptyTarget(t, target)
			d.works(d.restore(target)...)
			behind.equals(t, target, "a later backup")
		})
	}
}
