package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestUnknownNames(t *testing.T) {
	story, target := tell(t), targetServer(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	notFound := func(says ...string) refusal { return refusal{code: 10, kind: "not_found", says: says} }
	missing := "file://" + filepath.Join(d.folder, "no-store")

	d.refused(notFound(filepath.Join(d.folder, "no-store")), "list", "--store", missing)
	d.refused(notFound("no-store"), "restore", "--store", missing, "--instance", instance, "--target", target.URL(mysqltest.RestoreUser))
	d.refused(notFound("other"), "list", "--store", d.store(), "--instance", "other")
	d.refused(notFound("other"), "restore", "--store", d.store(), "--instance", "other", "--target", target.URL(mysqltest.RestoreUser))
	d.refused(notFound("20200101-000000-000-00000000"), d.restore(target, "--backup", "20200101-000000-000-00000000")...)
	d.refused(notFound("../shop"), d.restore(target, "--backup", "../shop")...)
	if exists(d.folder, "no-store") {
		t.Error("looking for a store has made it")
	}

	d.works("list", "--store", d.store(), "--instance", instance)
	d.works(d.restore(target, "--backup", story.backup)...)
	story.moments["end"].equals(t, target, "restore of a named backup")
}

// An empty folder is a store that holds nothing yet.
func TestEmptyStore(t *testing.T) {
	d := newDesk(t)
	if err := os.Mkdir(d.storeFolder(), 0o700); err != nil {
		t.Fatal(err)
	}
	var result struct{ Instances []any }
	d.must(&result, "list", "--store", d.store())
	if result.Instances == nil || len(result.Instances) != 0 {
		t.Errorf("instances of an empty store: %v, want []", result.Instances)
	}
	// What should be mounted there may not be: that is not all well.
	d.refused(refusal{code: 10, kind: "not_found"}, "list", "--store", d.store(), "--max-lag", "60s")
	d.refused(refusal{code: 10, kind: "not_found"}, "verify", "--store", d.store())
	write(t, d.storeFolder()+"/file", nil)
	for _, path := range []string{"/file", "/file/below"} {
		d.refused(refusal{code: 10, kind: "not_found", says: []string{path}}, "list", "--store", d.store()+path)
	}
}

// TestLostInstanceDocument: a store whose instance.json is gone shows what it holds, and says what is missing; the next run of the
// archiver makes it again.
func TestLostInstanceDocument(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	path := story.object(t, d.storeFolder(), "instance")
	for _, damage := range []damage{removed, emptied} {
		damage.do(t, path, nil)
		for _, args := range [][]string{{"list", "--store", d.store()}, {"list", "--store", d.store(), "--instance", instance}} {
			o := d.run(append(args, "--json")...)
			var l struct {
				listResult
				Error struct{ Code int }
			}
			if err := json.Unmarshal([]byte(o.Stdout), &l); err != nil || o.Code != 13 || l.Error.Code != 13 || !strings.Contains(o.Stdout, "instance.json") {
				t.Fatalf("%s: %v\n%s", damage.name, err, o)
			}
			l.check(t, instance)
		}
	}
}

// An archive without a backup can be listed, and says what a restore lacks.
func TestNoBackupYet(t *testing.T) {
	source, target := sourceServer(t), targetServer(t)
	smallShop(t, source)
	d := newDesk(t)
	d.works(d.source("archive", source, "--until-idle")...)
	d.works("list", "--store", d.store())
	d.refused(refusal{code: 10, kind: "not_found", says: []string{instance}}, d.restore(target)...)
	d.works(d.source("backup", source)...)
	d.works(d.restore(target)...)
}

// unprivileged is a user who owns nothing: permissions do not bind the root user that tests
// may run as.
const unprivileged = 65534

func TestStoreNotWritable(t *testing.T) {
	source := sourceServer(t)
	smallShop(t, source)
	d := newDesk(t)
	// The user has to pass through the folders above, and to write below one of them.
	for path := d.folder; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	store := d.storeFolder()
	for _, folder := range []string{store, filepath.Join(d.folder, "spool"), filepath.Join(d.folder, "home")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		d.UID = unprivileged
	}
	lock := func(mode os.FileMode, folders ...string) {
		for _, folder := range folders {
			if err := os.Chmod(folder, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := refusal{code: 1, kind: "store", says: []string{"not writable"}, hint: []string{"store"}}

	lock(0o555, store)
	for _, command := range []string{"backup", "archive"} {
		d.refused(want, d.source(command, source, onlyOf(command, "archive", "--until-idle")...)...)
	}
	lock(0o777, store)
	d.works(d.source("backup", source)...)

	// The same once there is something in it.
	inside := []string{filepath.Join(store, instance, "backups"), filepath.Join(store, instance, "lease")}
	lock(0o555, inside...)
	for _, command := range []string{"backup", "archive"} {
		d.refused(want, d.source(command, source, onlyOf(command, "archive", "--until-idle")...)...)
	}
	lock(0o755, inside...)
	d.works(d.source("backup", source)...)
	d.works(d.source("archive", source, "--until-idle")...)

	// A file where the store should be, and a spool that cannot be written.
	file := filepath.Join(d.folder, "file")
	write(t, file, nil)
	d.refused(refusal{code: 1, kind: "store", says: []string{file}}, "backup", "--source", source.URL(mysqltest.BackupUser), "--store", "file://"+file, "--instance", instance, "--spool", filepath.Join(d.folder, "spool"))
	lock(0o555, filepath.Join(d.folder, "home"))
	d.refused(refusal{code: 1, kind: "store", says: []string{"spool"}, hint: []string{"--spool"}}, "archive", "--source", source.URL(mysqltest.BackupUser), "--store", d.store(), "--instance", instance)
}
