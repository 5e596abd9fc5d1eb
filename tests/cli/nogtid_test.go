package cli

import (
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Without GTIDs times and positions do, and a stop point by GTID is told to be nowhere.
func TestWithoutGTIDs(t *testing.T) {
	source, target := mysqltest.Take(t, mysqltest.Options{Relaxed: true}), targetServer(t)
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	smallShop(t, source)
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3, 'c')")
	first := takeHere(t, source)
	mysqltest.Exec(t, source, "FLUSH BINARY LOGS", "DELETE FROM shop.t WHERE id = 1", "CREATE TABLE shop.u LIKE shop.t")
	last := takeHere(t, source)
	var archived archiveResult
	d.must(&archived, d.source("archive", source, "--until-idle")...)
	if archived.End == nil || archived.End.GTIDSet != "" || archived.End.File != last.file || archived.End.Pos != last.pos {
		t.Errorf("the archive ends at %+v, want %s and no GTIDs", archived.End, last.position())
	}
	for _, c := range []struct {
		flag, value string
		want        moment
	}{
		{"--to-time", first.at(), first}, {"--to-position", first.position(), first},
		{"--to-position", last.position(), last}, {"--to-time", archived.AsOf, last},
	} {
		emptyTarget(t, target)
		d.works(d.restore(target, c.flag, c.value)...)
		c.want.equals(t, target, c.flag+" "+c.value)
	}
	emptyTarget(t, target)
	for _, flag := range []string{"--to-gtid", "--before-gtid", "--skip-gtid"} {
		d.refused(refusal{code: 12, kind: "range", says: []string{someGTID[:8]}}, d.restore(target, flag, someGTID)...)
	}
	d.works(d.restore(target)...)
	last.equals(t, target, "the end of the archive")
}
