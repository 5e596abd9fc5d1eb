package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
)

// A damaged object ends a list with its exit code, and hides nothing but itself.
func TestListPrintsWhatIsNotDamaged(t *testing.T) {
	folder := t.TempDir()
	bucket, err := file.Open(folder, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New(bucket)
	var ids []string
	for i := range 2 {
		if err := c.EnsureInstance(t.Context(), catalog.Instance{Name: "shop"}); err != nil {
			t.Fatal(err)
		}
		m := &catalog.Manifest{Version: catalog.ManifestVersion, ID: catalog.NewBackupID(time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)), Instance: "shop"}
		if err := c.PutManifest(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	if err := c.EnsureInstance(t.Context(), catalog.Instance{Name: "other"}); err != nil {
		t.Fatal(err)
	}
	if err := bucket.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(folder, filepath.FromSlash(catalog.ManifestKey("shop", ids[1]))), 20); err != nil {
		t.Fatal(err)
	}
	code, out, _ := invoke(t, nil, "list", "--store", "file://"+folder, "--json")
	var doc struct {
		listResult
		Error errorDocument `json:"error"`
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != fault.CodeDifference || doc.Error.Kind != fault.KindIntegrity || !strings.Contains(doc.Error.Message, ids[1]) {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	if len(doc.Instances) != 2 || doc.Instances[0].Name != "other" || len(doc.Instances[1].Backups) != 1 || doc.Instances[1].Backups[0].ID != ids[0] {
		t.Errorf("the list is %s", out)
	}
	code, out, errs := invoke(t, nil, "list", "--store", "file://"+folder)
	if code != fault.CodeDifference || !strings.Contains(out, ids[0]) || !strings.Contains(errs, ids[1]) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
}

// Every instance whose archive is late, or not there, is named.
func TestListMaxLagNamesEveryInstance(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(ago time.Duration) binlog.Time { return binlog.TimeOf(now.Add(-ago)) }
	r := listResult{Instances: []listedInstance{
		{Name: "fresh", AsOf: at(59 * time.Second)}, {Name: "stale", AsOf: at(61 * time.Second)}, {Name: "ahead", AsOf: at(-time.Hour)}, {Name: "none"}, {Name: "old", AsOf: at(time.Hour)},
	}}
	err := r.late(time.Minute, now)
	if f := fault.Of(err); f == nil || f.Code != fault.CodeFailed || f.Hint == "" {
		t.Fatalf("%+v", f)
	}
	for name, late := range map[string]bool{"fresh": false, "stale": true, "ahead": false, "none": true, "old": true} {
		if strings.Contains(err.Error(), "instance "+name) != late {
			t.Errorf("%s: late %v, and the error is %v", name, late, err)
		}
	}
	r.Instances = r.Instances[:1]
	if err := r.late(time.Minute, now); err != nil {
		t.Errorf("%v", err)
	}
	if err := r.late(0, now); err == nil {
		t.Error("59 s are more than none")
	}
}
