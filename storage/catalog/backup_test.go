package catalog_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 678_999_999, time.FixedZone("", 3600))

func TestInstances(t *testing.T) {
	b, c := store(t)
	_, err := c.Instance(t.Context(), instance)
	wantFault(t, err, fault.CodeNotFound, fault.KindNotFound)
	names := []string{"a", "a-b", instance, strings.Repeat("ü", 100), "..", "README.md"}
	var all sync.WaitGroup
	for _, name := range names {
		for range 3 { // archive and backup race on it
			all.Go(func() {
				if err := c.EnsureInstance(t.Context(), catalog.Instance{Name: name, Flavor: "mysql", Created: 7}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	all.Wait()
	storagetest.Put(t, b, "stranger/file", "x")
	got, err := c.Instances(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		t.Errorf("instances: %q", got)
	}
	i, err := c.Instance(t.Context(), instance)
	if want := (catalog.Instance{Version: 1, Name: instance, Flavor: "mysql", Created: 7}); err != nil || i != want {
		t.Errorf("%+v, %v", i, err)
	}
	if readme := storagetest.Get(t, b, "README.md"); !strings.Contains(readme, "LOCAL") || !strings.Contains(readme, "zstd -dc") {
		t.Errorf("README.md: %s", readme)
	}
	wantFault(t, c.EnsureInstance(t.Context(), catalog.Instance{}), fault.CodeUsage, fault.KindUsage)

	// Somebody copied one instance's folder over another's.
	storagetest.Put(t, b, catalog.InstanceKey("a"), storagetest.Get(t, b, catalog.InstanceKey("a-b")))
	_, err = c.Instance(t.Context(), "a")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
}

func TestBackupIDs(t *testing.T) {
	id := catalog.NewBackupID(now)
	if !strings.HasPrefix(id, "20260102-020405-678-") || catalog.Escape(id) != id {
		t.Errorf("id %s", id)
	}
	if later := catalog.NewBackupID(now.Add(time.Millisecond)); later <= id {
		t.Errorf("%s does not sort behind %s", later, id)
	}
	_, c := withInstance(t)
	var mu sync.Mutex
	var ids []string
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			id, err := c.CreateIntent(t.Context(), catalog.Intent{Instance: instance, Program: "test"}, now)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, id)
		})
	}
	all.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != 50 {
		t.Errorf("%d ids of 50 backups of one millisecond", n)
	}
	unfinished, err := c.Unfinished(t.Context(), instance)
	if err != nil || !slices.Equal(unfinished, ids) {
		t.Errorf("unfinished: %q, %v", unfinished, err)
	}
}

func TestBackupExistsWithItsManifest(t *testing.T) {
	_, c := withInstance(t)
	intent := catalog.Intent{Instance: instance, Floor: binlog.Point{Position: binlog.Position{Timeline: timeline, File: "binlog.000001", Pos: 4}}}
	id, err := c.CreateIntent(t.Context(), intent, now)
	if err != nil {
		t.Fatal(err)
	}
	chunk := catalog.ChunkKey(schema.Name{Schema: "s", Name: "t"}, 1, "zstd")
	if err := c.PutChunk(t.Context(), instance, id, chunk, strings.NewReader(""), 0); err != nil {
		t.Fatal(err)
	}
	if ids, err := c.Backups(t.Context(), instance); err != nil || len(ids) != 0 {
		t.Errorf("before the manifest: %q, %v", ids, err)
	}
	_, err = c.Manifest(t.Context(), instance, id)
	wantFault(t, err, fault.CodeNotFound, fault.KindNotFound)

	intent.ID, intent.Renewed = id, 9
	if err := c.PutIntent(t.Context(), intent); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Intent(t.Context(), instance, id); err != nil || got.Renewed != 9 || got.Floor != intent.Floor {
		t.Errorf("intent: %+v, %v", got, err)
	}

	m := manifest(id)
	if err := c.PutManifest(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := c.PutManifest(t.Context(), m); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a manifest was replaced: %v", err)
	}
	got, err := c.Manifest(t.Context(), instance, id)
	m.Version = catalog.ManifestVersion
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("manifest came back as\n%+v, %v, want\n%+v", got, err, m)
	}
	if ids, err := c.Backups(t.Context(), instance); err != nil || !slices.Equal(ids, []string{id}) {
		t.Errorf("with the manifest: %q, %v", ids, err)
	}
	if ids, err := c.Unfinished(t.Context(), instance); err != nil || len(ids) != 0 {
		t.Errorf("unfinished with the manifest: %q, %v", ids, err)
	}
	_, err = c.Backups(t.Context(), "other")
	wantFault(t, err, fault.CodeNotFound, fault.KindNotFound)
	_, err = c.Manifest(t.Context(), "other", id)
	wantFault(t, err, fault.CodeNotFound, fault.KindNotFound)
}

func manifest(id string) *catalog.Manifest {
	at := func(pos uint64) binlog.Position {
		return binlog.Position{Timeline: timeline, File: "binlog.000002", Pos: pos}
	}
	window := binlog.Window{Low: at(4), High: at(900)}
	return &catalog.Manifest{
		ID: id, Instance: instance, Program: "test", Compression: "zstd", Started: 5, Finished: 6,
		Floor: binlog.Point{Position: at(4), GTIDSet: string(timeline) + ":1-7", Time: 3}, End: binlog.Point{Position: at(900)},
		Names: []catalog.NameBase{{
			Name: schema.Name{Schema: "s", Name: "t <&> \u2028 \x00"}, Base: catalog.BaseRead, Class: string(schema.Keyed),
			Statements: window, Definition: window, Rows: window, Columns: []string{"a"}, Load: "LOAD DATA", RowCount: 3,
			Chunks: []catalog.Chunk{{Key: "data/s/t/00000001.tsv.zst", Rows: 3, T0: at(4), T1: at(800), After: []string{"1"}, ZeroEnum: true}},
		}, {
			Name: schema.Name{Schema: "s", Name: "gone"}, Base: catalog.BaseTombstone, At: at(100), AtEnd: at(200), Statement: "DROP TABLE gone",
		}},
		Schemas: []catalog.SchemaBase{{Name: "s", Exists: true, Window: window}},
		Objects: []catalog.Object{{Name: schema.Name{Schema: "s", Name: "v"}, Kind: catalog.KindView, Create: "CREATE VIEW", Window: window}},
		OpenXA:  []catalog.OpenXA{{XID: "X'61'", Prepare: at(77)}},
	}
}
