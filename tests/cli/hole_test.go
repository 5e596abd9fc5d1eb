package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// What the source threw away before it was read is a hole: it is listed, no restore goes
// through it, and a new backup begins a new range.
func TestHole(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (10, 'held')")
	d.works(d.source("archive", source, "--until-idle")...)
	held := takeHere(t, source)

	mysqltest.Exec(t, source, "FLUSH BINARY LOGS", "INSERT INTO shop.t VALUES (11, 'lost')", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
	var last, a string
	if err := source.Root().QueryRowContext(t.Context(), "SHOW BINARY LOG STATUS").Scan(&last, &a, &a, &a, &a); err != nil {
		t.Fatal(err)
	}
	mysqltest.Purge(t, source, last)
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (12, 'behind')")
	d.works(d.source("archive", source, "--until-idle")...)
	behind := takeHere(t, source)

	var listed listResult
	d.must(&listed, "list", "--store", d.store())
	i := listed.Instances[0]
	if len(i.Holes) != 1 || i.Holes[0].Timeline == "" || i.Holes[0].Reason == "" || i.Holes[0].From == nil || i.Holes[0].To == nil {
		t.Fatalf("holes %+v, want one", i.Holes)
	}
	parseTime(t, i.Holes[0].Found)
	if len(i.Recoverable) != 1 || i.Recoverable[0].To.Pos != held.pos || i.Recoverable[0].To.File != held.file {
		t.Errorf("recoverable %+v, want one range up to %s", i.Recoverable, held.position())
	}
	through := refusal{code: 12, kind: "hole", says: []string{"binlog.00000"}, hint: []string{"backup"}}
	d.refused(through, d.restore(target, "--to-position", behind.position())...)
	d.refused(through, d.restore(target)...)
	d.works(d.restore(target, "--to-gtid", held.gtids)...)
	held.equals(t, target, "the end of the range before the hole")

	d.works(d.source("backup", source)...)
	d.must(&listed, "list", "--store", d.store())
	if i := listed.Instances[0]; len(i.Recoverable) != 2 || len(i.Backups) != 2 {
		t.Errorf("after a new backup: %d ranges, %d backups", len(i.Recoverable), len(i.Backups))
	}
	emptyTarget(t, target)
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "the range behind the hole")
}

func takeHere(t *testing.T, s *mysqltest.Server) moment {
	t.Helper()
	m, err := takeMoment(t.Context(), s.Root())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A source whose history began again is not appended to what is held, unless told so.
func TestHistoryBeganAgain(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (20, 'one')")
	d.works(d.source("archive", source, "--until-idle")...)
	before := takeHere(t, source)

	mysqltest.Exec(t, source, "RESET BINARY LOGS AND GTIDS", "INSERT INTO shop.t VALUES (21, 'two')")
	d.refused(refusal{code: 1, kind: "source", says: []string{"history"}, hint: []string{"--new-timeline"}}, d.source("archive", source, "--until-idle")...)
	// What is held stays good.
	d.works(d.restore(target)...)
	before.equals(t, target, "the old history")

	d.works(d.source("archive", source, "--until-idle", "--new-timeline")...)
	d.works(d.source("archive", source, "--until-idle")...)
	d.works(d.source("backup", source)...)
	after := takeHere(t, source)
	emptyTarget(t, target)
	d.works(d.restore(target)...)
	after.equals(t, target, "the new history")
	// Both histories have a file of this name.
	d.refused(refusal{code: 2, kind: "usage", says: []string{after.file, "timeline"}}, d.restore(target, "--to-position", after.position())...)
	emptyTarget(t, target)
	var listed listResult
	d.must(&listed, "list", "--store", d.store())
	old := listed.Instances[0].Recoverable[0].From.Timeline
	d.works(d.restore(target, "--to-position", old+"/"+before.position())...)
	before.equals(t, target, "a position in the old timeline")
}
