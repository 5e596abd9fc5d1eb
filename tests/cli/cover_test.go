package cli

import (
	"path/filepath"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// W4: while the archiver gets nothing from the source, a backup beside it cannot be complete:
// it fails by saying what it waited for, and leaves no manifest.
func TestW4NoManifestBeforeTheArchiveHoldsItsEnd(t *testing.T) {
	t.Parallel() // it waits more than it works
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	proxy := mysqltest.Through(t, source)
	args := d.archiveIn("a", source)
	args[2] = proxy.URL(mysqltest.BackupUser)
	archiver := d.start(args...)
	mysqltest.Eventually(t, func() bool {
		return !archiver.Running() || len(find(t, d.storeFolder(), filepath.Join(instance, "binlog", "*", "head.json"))) > 0
	}, "the archiver's head")
	proxy.Stall()
	mysqltest.Exec(t, source, "INSERT INTO shop.t VALUES (3, 'late')")
	d.refusedText(refusal{code: 1, kind: "timeout", says: []string{"archive"}, hint: []string{"--wait"}}, d.source("backup", source, "--wait", "3s")...)
	if found := d.manifests(); len(found) != 0 {
		t.Errorf("a backup exists although the archive does not hold its end: %v", found)
	}
	proxy.Resume()
	d.works(d.source("backup", source)...)
	if !archiver.Running() {
		t.Errorf("the archiver ended beside the backup\n%s", archiver.Wait())
	}
	d.works(d.restore(target)...)
	takeHere(t, source).equals(t, target, "a backup beside an archiver that was late")
}

func (d *desk) manifests() []string {
	return find(d.t, d.storeFolder(), filepath.Join(instance, "backups", "*", "manifest.json"))
}
