package catalog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// reads are the documents of a store, each with the call that reads it.
func reads(t *testing.T, c *catalog.Catalog) map[string]func(c *catalog.Catalog) error {
	t.Helper()
	at := binlog.Position{Timeline: timeline, File: "binlog.000001", Pos: 157}
	id, err := c.CreateIntent(t.Context(), catalog.Intent{Instance: instance}, now)
	for _, err := range []error{
		err,
		c.PutManifest(t.Context(), &catalog.Manifest{ID: id, Instance: instance}),
		c.PutHead(t.Context(), instance, catalog.Head{End: binlog.Point{Position: at}, Epoch: 1}),
		c.PutHole(t.Context(), instance, catalog.Hole{From: at, To: at}),
		c.PutLease(t.Context(), instance, catalog.Lease{Epoch: 1, Holder: "h"}),
		c.PutBeat(t.Context(), instance, catalog.Beat{Epoch: 1}),
		c.PutAsk(t.Context(), instance, catalog.Ask{Epoch: 1}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	lease := catalog.Escape(instance) + "/lease/00000000000000000001"
	ctx := t.Context()
	return map[string]func(c *catalog.Catalog) error{
		catalog.InstanceKey(instance):       func(c *catalog.Catalog) error { _, err := c.Instance(ctx, instance); return err },
		catalog.IntentKey(instance, id):     func(c *catalog.Catalog) error { _, err := c.Intent(ctx, instance, id); return err },
		catalog.ManifestKey(instance, id):   func(c *catalog.Catalog) error { _, err := c.Manifest(ctx, instance, id); return err },
		catalog.HeadKey(instance, timeline): func(c *catalog.Catalog) error { _, _, err := c.Head(ctx, instance, timeline); return err },
		catalog.HoleKey(instance, at):       func(c *catalog.Catalog) error { _, err := c.Holes(ctx, instance); return err },
		lease + ".json":                     func(c *catalog.Catalog) error { _, _, err := c.LatestLease(ctx, instance); return err },
		lease + ".beat":                     func(c *catalog.Catalog) error { _, _, err := c.Beat(ctx, instance, 1); return err },
		lease + ".ask":                      func(c *catalog.Catalog) error { _, _, err := c.Ask(ctx, instance, 1); return err },
	}
}

// TestDamagedDocuments: truncated anywhere, or with a bit of any byte turned, a document is
// never read as if it were whole.
func TestDamagedDocuments(t *testing.T) {
	b, c := withInstance(t)
	for key, read := range reads(t, c) {
		if err := read(c); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		whole := storagetest.Get(t, b, key)
		for n := range int64(len(whole)) {
			wantFault(t, read(catalog.New(storagetest.Truncate(b, key, n))), fault.CodeDifference, fault.KindIntegrity)
			err := read(catalog.New(storagetest.Flip(b, key, n)))
			// A version that looks newer is told as one.
			if f := fault.Of(err); f == nil || f.Kind != fault.KindIntegrity && f.Kind != fault.KindVersion || !strings.Contains(err.Error(), key) {
				t.Fatalf("%s: bit of byte %d (%q) turned: %v", key, n, whole[n], err)
			}
		}
		wantFault(t, read(catalog.New(storagetest.Append(b, key, "\n"))), fault.CodeDifference, fault.KindIntegrity)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	b, c := withInstance(t)
	for key, read := range reads(t, c) {
		whole := storagetest.Get(t, b, key)
		// As a newer program would write it, and as somebody who edits it.
		storagetest.Put(t, b, key, strings.Replace(whole, `"version": 1`, `"version": 2`, 1))
		err := read(c)
		wantFault(t, err, fault.CodeFailed, fault.KindVersion)
		if !errors.Is(err, catalog.ErrNewerVersion) || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestDefinitions(t *testing.T) {
	b, c := withInstance(t)
	below := catalog.SchemaKey(catalog.KindTable, schema.Name{Schema: "s", Name: "t"})
	for _, text := range []string{"", "CREATE TABLE `t` (\n  `a` int\n)", "x\n;;\n-- sha256 \n", "DELIMITER ;;\n\n;;\n"} {
		if err := c.PutSchemaObject(t.Context(), instance, "id", below, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := c.OpenSchemaObject(t.Context(), instance, "id", below)
		if err != nil || string(got) != text {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
		key := catalog.BackupKey(instance, "id", below)
		for n := range int64(len(storagetest.Get(t, b, key))) {
			for _, damaged := range []storage.Bucket{storagetest.Flip(b, key, n), storagetest.Truncate(b, key, n)} {
				_, err := catalog.New(damaged).OpenSchemaObject(t.Context(), instance, "id", below)
				wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
			}
		}
	}
	_, err := c.OpenSchemaObject(t.Context(), instance, "id", "schema/s/table.missing.sql")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
	if !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
}

// TestDefinitionsAreNeverReplaced: of two processes that take each other for dead either may have the manifest
// in the end; the definitions that it names are those that its process stored.
func TestDefinitionsAreNeverReplaced(t *testing.T) {
	for _, conditional := range []bool{true, false} {
		b, c := withInstance(t)
		if !conditional {
			c = catalog.New(unconditional{b})
		}
		long := strings.Repeat("ä", 64) // the longest name of an object: 384 bytes escaped
		name := schema.Name{Schema: long, Name: long}
		keys, texts := map[string]string{}, []string{"CREATE 1", "CREATE 2", "CREATE 1", "CREATE 3", "CREATE 2"}
		for i, text := range texts {
			below, err := c.AddSchemaObject(t.Context(), instance, "id", catalog.KindProcedure, name, text)
			if err != nil {
				t.Fatal(err)
			}
			if keys[text] != "" && keys[text] != below {
				t.Errorf("%q lies under %s and %s", text, keys[text], below)
			}
			keys[text] = below
			plain := catalog.SchemaKey(catalog.KindProcedure, name)
			want := strings.TrimSuffix(plain, ".sql") + "~" + catalog.TextSHA256(text)[:16] + ".sql"
			if text == texts[0] && conditional {
				want = plain
			}
			if below != want {
				t.Errorf("text %d lies under %s, want %s", i, below, want)
			}
			if err := storage.CheckKey(below); err != nil || len(below)-strings.LastIndex(below, "/")-1 > 255 {
				t.Errorf("key %s: %v", below, err)
			}
		}
		m := manifest("id")
		for text, below := range keys {
			o := catalog.SchemaObject{Key: below, SHA256: catalog.TextSHA256(text)}
			if got, err := c.OpenNamedSchemaObject(t.Context(), m, o); err != nil || string(got) != text {
				t.Errorf("%s holds %q, %v, want %q", below, got, err, text)
			}
		}
		if n := len(storagetest.Keys(t, b, catalog.BackupKey(instance, "id", "schema/"), "")); n != 3 {
			t.Errorf("%d objects for 3 texts", n)
		}
	}
}

// TestDefinitionUnderAnotherOnesKey: what lies under the key of a text and is another is neither taken nor replaced.
func TestDefinitionUnderAnotherOnesKey(t *testing.T) {
	b, c := withInstance(t)
	name := schema.Name{Schema: "s", Name: "t"}
	var below string
	for _, text := range []string{"first", "second"} {
		var err error
		if below, err = c.AddSchemaObject(t.Context(), instance, "id", catalog.KindTable, name, text); err != nil {
			t.Fatal(err)
		}
	}
	key := catalog.BackupKey(instance, "id", below)
	storagetest.Put(t, b, key, "altered")
	_, err := c.AddSchemaObject(t.Context(), instance, "id", catalog.KindTable, name, "second")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
	if storagetest.Get(t, b, key) != "altered" {
		t.Error("it was replaced")
	}
}

// TestDefinitionIsTheOneThatTheManifestNames: one that is whole, but another, is not given to anybody.
func TestDefinitionIsTheOneThatTheManifestNames(t *testing.T) {
	_, c := withInstance(t)
	m := manifest("id")
	n := catalog.NameBase{SchemaKey: "schema/s/table.t.sql", SchemaSHA256: catalog.TextSHA256("the one")}
	for text, same := range map[string]bool{"the one": true, "another": false} {
		if err := c.PutSchemaObject(t.Context(), instance, "id", n.SchemaKey, []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := c.OpenNamedSchemaObject(t.Context(), m, n.SchemaObject())
		if same && (err != nil || string(got) != text) {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
		if !same {
			wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
		}
		// A manifest of an earlier version has no hash.
		if got, err := c.OpenNamedSchemaObject(t.Context(), m, catalog.SchemaObject{Key: n.SchemaKey}); err != nil || string(got) != text {
			t.Errorf("%q came back as %q, %v", text, got, err)
		}
	}
	_, err := c.OpenNamedSchemaObject(t.Context(), m, catalog.SchemaObject{Key: "schema/s/table.missing.sql"})
	if wantFault(t, err, fault.CodeDifference, fault.KindIntegrity); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
}

// TestDefinitionOfASchema: a manifest of an earlier version does not name its object.
func TestDefinitionOfASchema(t *testing.T) {
	for _, c := range []struct{ named, want string }{
		{"", "schema/a%2Eb/database.a%2Eb.sql"},
		{"schema/a%2Eb/database.a%2Eb~0123456789abcdef.sql", "schema/a%2Eb/database.a%2Eb~0123456789abcdef.sql"},
	} {
		m := &catalog.Manifest{Schemas: []catalog.SchemaBase{{Name: "gone"}, {Name: "a.b", Exists: true, SchemaKey: c.named, Create: "CREATE"}}}
		if got := m.SchemaObjects(); len(got) != 1 || got[0] != (catalog.SchemaObject{Key: c.want, SHA256: catalog.TextSHA256("CREATE")}) {
			t.Errorf("%q: %+v", c.named, got)
		}
	}
}

func TestChunkObjects(t *testing.T) {
	_, c := withInstance(t)
	below := catalog.ChunkKey(schema.Name{Schema: "s", Name: "t"}, 1, "none")
	if err := c.PutChunk(t.Context(), instance, "id", below, strings.NewReader("1\n"), 2); err != nil {
		t.Fatal(err)
	}
	r, err := c.OpenChunk(t.Context(), instance, "id", below)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(text) != "1\n" {
		t.Errorf("%q, %v", text, err)
	}
	_, err = c.OpenChunk(t.Context(), instance, "id", "data/s/t/00000002.tsv")
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
}

// TestFaultsOfTheStore: what the operator can do next depends on what the store said.
func TestFaultsOfTheStore(t *testing.T) {
	b, _ := withInstance(t)
	for what, broken := range map[string]storage.Bucket{"not writable": storagetest.ReadOnly(b), "full": storagetest.Full(b, 0)} {
		err := catalog.New(broken).EnsureInstance(t.Context(), catalog.Instance{Name: "other"})
		wantFault(t, err, fault.CodeFailed, fault.KindStore)
		if !strings.Contains(fmt.Sprint(err), what) {
			t.Errorf("%q does not say %q", err, what)
		}
	}
	_, err := catalog.New(storagetest.FailOnce(b, storagetest.OpRead, "instance")).Instance(t.Context(), instance)
	wantFault(t, err, fault.CodeFailed, fault.KindStore)
	if !bytes.Contains([]byte(err.Error()), []byte(catalog.InstanceKey(instance))) {
		t.Errorf("%v does not name the object", err)
	}
}
