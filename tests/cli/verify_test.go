package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// verifyResult is what scripts may rely on in the result of verify.
type verifyResult struct {
	OK       *bool   `json:"ok"`
	Objects  *uint64 `json:"objects"`
	Bytes    *uint64 `json:"bytes"`
	Problems []struct {
		Object string `json:"object"`
		Kind   string `json:"kind"`
		Detail string `json:"detail"`
	} `json:"problems"`
	Unowned        []string `json:"unowned"`
	UnownedObjects *uint64  `json:"unowned_objects"`
}

// verify renders the arguments of a verify of the whole store.
func (d *desk) verify(more ...string) []string {
	return append([]string{"verify", "--store", d.store()}, more...)
}

// sound wants a store of which nothing is missing, broken or left over.
func (d *desk) sound(args ...string) verifyResult {
	d.t.Helper()
	var r verifyResult
	o := d.must(&r, args...)
	if r.OK == nil || !*r.OK || r.Objects == nil || *r.Objects == 0 || r.Bytes == nil || *r.Bytes == 0 || r.Problems == nil || len(r.Problems) != 0 {
		d.t.Errorf("want ok, objects, bytes and problems []\n%s", o)
	}
	if !slices.Contains(args, "--backup") && (r.Unowned == nil || len(r.Unowned) != 0 || r.UnownedObjects == nil || *r.UnownedObjects != 0) {
		d.t.Errorf("objects belong to nobody\n%s", o)
	}
	return r
}

func TestVerify(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	files := 0
	if err := filepath.WalkDir(d.storeFolder(), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "README.md" && !strings.HasPrefix(e.Name(), ".") {
			files++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{d.verify(), d.verify("--deep"), d.verify("--instance", instance, "--deep")} {
		if r := d.sound(args...); *r.Objects != uint64(files) {
			t.Errorf("%v looked at %d objects, the store has %d", args, *r.Objects, files)
		}
	}
	d.sound(d.verify("--instance", instance, "--backup", story.backup)...)
	d.sound(d.verify("--instance", instance, "--backup", story.backup, "--deep")...)
	if text := d.run(d.verify("--deep")...); text.Code != 0 || !strings.Contains(text.Stdout, "all is well") {
		t.Errorf("verify for people\n%s", text)
	}

	missing := "file://" + filepath.Join(d.folder, "no-store")
	d.refused(refusal{code: 10, kind: "not_found", says: []string{"no-store"}}, "verify", "--store", missing)
	d.refused(refusal{code: 10, kind: "not_found", says: []string{"other"}}, d.verify("--instance", "other")...)
	d.refused(refusal{code: 10, kind: "not_found", says: []string{"20200101"}}, d.verify("--instance", instance, "--backup", "20200101-000000-000-00000000")...)
	d.refused(refusal{code: 2, kind: "usage", hint: []string{"--instance"}}, d.verify("--backup", story.backup)...)
}

// Each damage of a store is exit 13 and named, for people and for scripts; mended, all is well.
func TestVerifyFindsDamage(t *testing.T) {
	story := tell(t)
	d := newDesk(t)
	copyFolder(t, story.store, d.storeFolder())
	for _, c := range []struct {
		object  string
		damages []damage
	}{
		{"chunk", []damage{truncated, altered, removed, extended, emptied}},
		{"definition", []damage{truncated, altered, removed}},
		{"segment", []damage{truncated, altered, frontAltered, emptied, removed, newerVersion}},
		{"first segment", []damage{removed}},
		{"manifest", []damage{truncated, altered, emptied, newerVersion}},
		{"instance", []damage{altered, removed, newerVersion}},
		{"head", []damage{altered, removed, newerVersion}},
	} {
		for _, dmg := range c.damages {
			t.Run(c.object+" "+dmg.name, func(t *testing.T) {
				d := *d
				d.t = t
				path := story.object(t, d.storeFolder(), c.object)
				content := read(t, path)
				dmg.do(t, path, content)
				want := refusal{code: 13, kind: "integrity", says: []string{"problem"}}
				d.refusedText(want, d.verify("--deep")...)
				var r verifyResult
				if err := d.refusedJSON(want, d.verify("--deep")...).JSON(&r); err != nil || r.OK == nil || *r.OK {
					t.Fatalf("%v: %+v", err, r)
				}
				kind := map[string]string{removed.name: "missing", newerVersion.name: "version"}[dmg.name]
				if kind == "" {
					kind = "altered"
				}
				object := key(d.storeFolder(), path)
				named := false
				for _, p := range r.Problems {
					named = named || p.Object == object && p.Kind == kind && p.Detail != ""
				}
				if !named {
					t.Errorf("no problem %q of %s: %+v", kind, object, r.Problems)
				}
				if text := d.run(d.verify("--deep")...); !strings.Contains(text.Stdout, object) {
					t.Errorf("verify for people does not name %s\n%s", object, text)
				}
				write(t, path, content)
			})
		}
	}
	d.sound(d.verify("--deep")...)
	path := filepath.Join(d.storeFolder(), instance, "left over")
	write(t, path, nil) // no key of a store: nobody sees it
	write(t, filepath.Join(d.storeFolder(), instance, "left-over"), nil)
	var r verifyResult
	if d.must(&r, d.verify("--deep")...); *r.UnownedObjects != 1 || !slices.Equal(r.Unowned, []string{instance + "/left-over"}) {
		t.Errorf("what belongs to nobody: %+v", r)
	}
}

// Beside a live archiver and a backup, verify raises no alarm; what a killed backup leaves is owned.
func TestVerifyBesideOthers(t *testing.T) {
	source := sourceServer(t)
	bigShop(t, source)
	d := newDesk(t)
	archiver := d.startArchiver("a", source)
	var result struct {
		ID string `json:"backup_id"`
	}
	for i := range 3 {
		backup := d.start(d.source("backup", source, "--json")...)
		for backup.Running() {
			mysqltest.Exec(t, source, "INSERT INTO shop.big (v, n) VALUES ('x', 1)", "FLUSH BINARY LOGS")
			d.sound(d.verify("--deep")...)
		}
		if o := backup.Wait(); o.Code != 0 || o.JSON(&result) != nil {
			t.Fatalf("backup %d\n%s", i, o)
		}
	}
	begun := func() int {
		return len(find(t, d.storeFolder(), filepath.Join(instance, "backups", "*", "data", "*", "*")))
	}
	known := begun()
	killed := d.start(d.source("backup", source, "--fresh")...)
	mysqltest.Eventually(t, func() bool {
		return !killed.Running() || begun() > known
	}, "chunks of a backup to be killed")
	killed.Kill()
	d.sound(d.verify("--deep")...)
	archiver.Kill()
	d.sound(d.verify("--deep")...)
	d.sound(d.verify("--instance", instance, "--backup", result.ID, "--deep")...)
}
