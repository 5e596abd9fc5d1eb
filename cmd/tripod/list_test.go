package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
