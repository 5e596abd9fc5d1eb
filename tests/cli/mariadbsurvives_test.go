package cli

import (
	"syscall"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBBackupSurvives: a backup beside an archiver, both of which begin the archive, is killed and gone on with while
// the source is killed and started again: what is made at last comes back, statements of every kind in two phases among it.
func TestMariaDBBackupSurvives(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	everyTable(t, source)
	d := newDesk(t)
	archiver := d.start(d.source("archive", source)...)
	backup := d.source("backup", source, "--threads", "2", "--snapshot-tries", "200")
	killed := d.slowly("").start(backup...)
	mysqltest.Eventually(t, func() bool { return d.journal(`"done"`) || !killed.Running() }, "a table is read")
	if o := killed.Kill(); o.Code != -1 {
		t.Fatalf("the backup ended by itself: %s", o)
	}
	mysqltest.Exec(t, source, "SET GLOBAL binlog_alter_two_phase=ON")
	meanwhile(t, source)
	second := d.slowly("").start(append(backup, "--json")...)
	mysqltest.Eventually(t, func() bool { return d.journal("data/shop/made/") || !second.Running() }, "the second run reads")
	if err := source.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := source.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := second.Wait()
	var r adoptedResult
	if err := o.JSON(&r); err != nil || o.Code != 0 || r.Adopted == nil || r.Adopted.Chunks == 0 {
		t.Fatalf("adopted %+v, %v: %s", r.Adopted, err, o)
	}
	mysqltest.Exec(t, source, "INSERT INTO shop.a (v) VALUES ('behind the backup')", "SET SESSION gtid_domain_id=7", "DELETE FROM shop.log", "SET SESSION gtid_domain_id=0")
	if err := archiver.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if o := archiver.Wait(); o.Code != 130 {
		t.Errorf("the archiver did not outlive the source: %s", o)
	}
	d.works(d.source("archive", source, "--until-idle")...)
	d.works("verify", "--store", d.store(), "--instance", instance, "--deep")
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "the end")
}
