package verify_test

import (
	"bytes"
	"context"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
	"github.com/tripod-db/tripod/storage/verify"
)

func TestIntactStore(t *testing.T) {
	s := newSite(t)
	for _, c := range []verify.Config{{}, {Deep: true}, {Instance: instance}, {Instance: instance, Deep: true}, {Instance: instance, Backup: s.backup, Deep: true}} {
		r := s.verify(c)
		if !r.OK || r.Objects == 0 || r.Bytes == 0 || len(r.Unowned) > 0 {
			t.Errorf("%+v: %+v", c, r)
		}
		if c.Backup == "" && *r.UnownedObjects != 0 {
			t.Errorf("%+v: %d objects belong to nobody", c, *r.UnownedObjects)
		}
	}
	r := s.verify(verify.Config{Deep: true})
	if all := len(s.objects()) - 1; r.Objects != uint64(all) { // README.md
		t.Errorf("%d objects were looked at, the store has %d", r.Objects, all)
	}
}

// damage is what is done to an object, and whether the run sees it that does not read everything.
type damage struct {
	name string
	do   func(s *site, key string)
	kind verify.Kind
	// deep tells objects at which only Deep looks.
	deep func(key string) bool
}

func isChunk(key string) bool   { return strings.HasSuffix(key, ".tsv.zst") }
func isSegment(key string) bool { return strings.HasSuffix(key, ".seg") }
func body(key string) bool      { return isChunk(key) || isSegment(key) }
func never(string) bool         { return false }

// flip turns one bit of the byte at that part of the object.
func flip(numerator int) func(s *site, key string) {
	return func(s *site, key string) {
		data := s.get(key)
		data[(len(data)-1)*numerator/8] ^= 2
		s.put(key, data)
	}
}

var damages = []damage{
	{"truncated", func(s *site, key string) { data := s.get(key); s.put(key, data[:len(data)-3]) }, verify.Altered, never},
	{"emptied", func(s *site, key string) { s.put(key, nil) }, verify.Altered, never},
	{"flipped at its start", flip(1), verify.Altered, isChunk},
	{"flipped in its middle", flip(4), verify.Altered, body},
	{"flipped at its end", flip(8), verify.Altered, body},
	{"extended", func(s *site, key string) { s.put(key, append(s.get(key), '\n')) }, verify.Altered, never},
	{"removed", func(s *site, key string) { s.remove(key) }, verify.Missing, never},
}

// Each damage of each kind of object is found, and named by the key of the object.
func TestEveryDamageOfEveryObject(t *testing.T) {
	model := newSite(t)
	for _, key := range model.objects() {
		below := strings.TrimPrefix(key, catalog.Escape(instance)+"/")
		switch {
		case key == "README.md", strings.Contains(key, model.killed) && path.Base(key) != "intent.json":
			continue // nothing says what they have to be
		}
		name := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(below, model.backup, "ID"), model.killed, "KILLED"), "/", " ")
		t.Run(name, func(t *testing.T) {
			content := model.get(key)
			for _, d := range damages {
				if d.kind == verify.Missing && !named(below) {
					continue
				}
				d.do(model, key)
				wants(t, model.verify(verify.Config{Deep: true}), key, d.kind)
				if !d.deep(key) {
					wants(t, model.verify(verify.Config{}), key, d.kind)
				}
				model.put(key, content)
				if t.Failed() {
					t.Fatalf("%s was not found", d.name)
				}
			}
		})
	}
	if r := model.verify(verify.Config{Deep: true}); !r.OK {
		t.Errorf("after all is mended: %v", r.Problems)
	}
}

// named tells what something else in the store names: leases and the intent of a backup
// may go, and a backup without a manifest is none.
func named(below string) bool {
	return !strings.HasPrefix(below, "lease/") && path.Base(below) != "intent.json" && path.Base(below) != "manifest.json"
}

func TestNewerVersions(t *testing.T) {
	for _, of := range []func(s *site) string{
		func(*site) string { return catalog.InstanceKey(instance) },
		func(s *site) string { return catalog.ManifestKey(instance, s.backup) },
		func(s *site) string { return catalog.IntentKey(instance, s.killed) },
		func(*site) string { return catalog.HeadKey(instance, timeline) },
		func(*site) string { return catalog.LimitsKey(instance, timeline, "binlog.000001", 1) },
		func(*site) string { return catalog.SegmentKey(instance, timeline, "binlog.000002", 0, 300) },
	} {
		s := newSite(t)
		key := of(s)
		data := s.get(key)
		data = bytes.Replace(data, []byte(`"version": 1,`), []byte(`"version": 9,`), 1)
		s.put(key, bytes.Replace(data, []byte(`"version":1,`), []byte(`"version":9,`), 1))
		r := s.verify(verify.Config{})
		wants(t, r, key, verify.Version)
		if f := fault.Of(r.Problem()); f.Code != fault.CodeDifference || f.Hint == "" {
			t.Errorf("%+v", f)
		}
	}
}

// What is whole in itself and lies in another's place is found too.
func TestSwappedObjects(t *testing.T) {
	orders, visits := schema.Name{Schema: "shop", Name: "orders"}, schema.Name{Schema: "shop", Name: "visits"}
	for _, c := range []struct {
		name string
		keys func(s *site) [2]string
		deep bool
	}{
		{"chunks of a table", func(s *site) [2]string {
			return [2]string{catalog.BackupKey(instance, s.backup, catalog.ChunkKey(orders, 1, "zstd")), catalog.BackupKey(instance, s.backup, catalog.ChunkKey(orders, 2, "zstd"))}
		}, true},
		{"chunks of two tables", func(s *site) [2]string {
			return [2]string{catalog.BackupKey(instance, s.backup, catalog.ChunkKey(orders, 1, "zstd")), catalog.BackupKey(instance, s.backup, catalog.ChunkKey(visits, 1, "zstd"))}
		}, true},
		{"definitions", func(s *site) [2]string {
			return [2]string{catalog.BackupKey(instance, s.backup, catalog.SchemaKey(catalog.KindTable, orders)), catalog.BackupKey(instance, s.backup, catalog.SchemaKey(catalog.KindTable, visits))}
		}, false},
		{"view and schema", func(s *site) [2]string {
			return [2]string{catalog.BackupKey(instance, s.backup, catalog.SchemaKey(catalog.KindView, schema.Name{Schema: "shop", Name: "v"})),
				catalog.BackupKey(instance, s.backup, catalog.SchemaKey(catalog.KindDatabase, schema.Name{Schema: "shop", Name: "shop"}))}
		}, false},
		{"segments of a file", func(*site) [2]string {
			return [2]string{catalog.SegmentKey(instance, timeline, "binlog.000001", 0, 300), catalog.SegmentKey(instance, timeline, "binlog.000001", 300, 600)}
		}, false},
		{"segments of two files", func(*site) [2]string {
			return [2]string{catalog.SegmentKey(instance, timeline, "binlog.000001", 300, 600), catalog.SegmentKey(instance, timeline, "binlog.000002", 300, 600)}
		}, false},
		{"intents", func(s *site) [2]string {
			return [2]string{catalog.IntentKey(instance, s.backup), catalog.IntentKey(instance, s.killed)}
		}, false},
		{"manifest and intent", func(s *site) [2]string {
			return [2]string{catalog.ManifestKey(instance, s.backup), catalog.IntentKey(instance, s.killed)}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			keys := c.keys(s)
			a, b := s.get(keys[0]), s.get(keys[1])
			s.put(keys[0], b)
			s.put(keys[1], a)
			r := s.verify(verify.Config{Deep: c.deep})
			for _, key := range keys {
				wants(t, r, key, verify.Altered)
			}
		})
	}
}

// A segment that is whole, but of another history, does not join.
func TestAnotherHistory(t *testing.T) {
	s := newSite(t)
	other := bytes.Clone(s.files["binlog.000002"])
	other[100] ^= 1
	key := catalog.SegmentKey(instance, timeline, "binlog.000002", 300, 600)
	s.put(key, s.encode("binlog.000002", other, 300, 600, nil))
	wants(t, s.verify(verify.Config{}), key, verify.Chain)

	// A whole file: the one behind it knows its hash.
	s = newSite(t)
	other = bytes.Clone(s.files["binlog.000001"])
	other[899] ^= 1
	s.put(catalog.SegmentKey(instance, timeline, "binlog.000001", 600, 900), s.encode("binlog.000001", other, 600, 900, nil))
	wants(t, s.verify(verify.Config{}), catalog.SegmentKey(instance, timeline, "binlog.000002", 0, 300), verify.Chain)
}

// W4: a backup whose log is not there cannot be restored, whatever else is whole.
func TestW4_WindowsOutsideOfTheArchive(t *testing.T) {
	s := newSite(t)
	manifest := catalog.ManifestKey(instance, s.backup)
	s.remove(catalog.SegmentKey(instance, timeline, "binlog.000002", 300, 600))
	wants(t, s.verify(verify.Config{}), manifest, verify.Window)
	wants(t, s.verify(verify.Config{Instance: instance, Backup: s.backup}), manifest, verify.Window)

	// Before the floor nothing is needed.
	s = newSite(t)
	s.remove(catalog.SegmentKey(instance, timeline, "binlog.000001", 0, 300))
	for _, p := range s.verify(verify.Config{}).Problems {
		if p.Kind == verify.Window {
			t.Errorf("what lies before the floor is not needed: %s", p)
		}
	}

	// A hole that was written down is no missing object, but it is one too many for the backup.
	s = newSite(t)
	for _, start := range []uint64{0, 300, 600} {
		s.remove(catalog.SegmentKey(instance, timeline, "binlog.000002", start, start+300))
		s.remove(catalog.SegmentKey(instance, timeline, "binlog.000003", start, start+300))
	}
	for start := uint64(0); start < fileSize; start += 300 {
		s.putSegment("binlog.000003", start, start+300, nil)
	}
	s.must(s.cat.PutHole(t.Context(), instance, catalog.Hole{From: s.at("binlog.000001", 900), To: s.at("binlog.000003", 0), Reason: "purged"}))
	r := s.verify(verify.Config{})
	wants(t, r, catalog.ManifestKey(instance, s.backup), verify.Window)
	if len(r.Problems) != 1 {
		t.Errorf("a hole that is written down is no other problem: %v", r.Problems)
	}
}

// A manifest may be sealed and say what is not so.
func TestManifestsThatAreWrong(t *testing.T) {
	orders := schema.Name{Schema: "shop", Name: "orders"}
	for _, c := range []struct {
		name   string
		change func(s *site, m *catalog.Manifest)
		object func(id string) string
		kind   verify.Kind
	}{
		{"rows", func(_ *site, m *catalog.Manifest) { m.Names[0].Chunks[1].Rows++ },
			func(id string) string { return catalog.BackupKey(instance, id, catalog.ChunkKey(orders, 2, "zstd")) }, verify.Altered},
		{"bytes of text", func(_ *site, m *catalog.Manifest) { m.Names[0].Chunks[0].Bytes-- },
			func(id string) string { return catalog.BackupKey(instance, id, catalog.ChunkKey(orders, 1, "zstd")) }, verify.Altered},
		{"recoverable before floor", func(s *site, m *catalog.Manifest) { m.RecoverableFrom.Position = s.at("binlog.000001", 4) },
			func(id string) string { return catalog.ManifestKey(instance, id) }, verify.Window},
		{"end before floor", func(s *site, m *catalog.Manifest) {
			m.End.Position = s.at("binlog.000001", 4)
			m.Names[0].Rows, m.Names[1].Rows = binlog.Window{}, binlog.Window{}
		}, func(id string) string { return catalog.ManifestKey(instance, id) }, verify.Window},
		{"no floor", func(_ *site, m *catalog.Manifest) { m.Floor = binlog.Point{} },
			func(id string) string { return catalog.ManifestKey(instance, id) }, verify.Window},
		{"a high behind the archive", func(s *site, m *catalog.Manifest) { m.Names[1].Rows.High = s.at("binlog.000003", 901) },
			func(id string) string { return catalog.ManifestKey(instance, id) }, verify.Window},
		{"a prepare before the archive", func(s *site, m *catalog.Manifest) {
			m.OpenXA = []catalog.OpenXA{{XID: "x", Prepare: s.at("binlog.000000", 4)}}
		}, func(id string) string { return catalog.ManifestKey(instance, id) }, verify.Window},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			id := s.takeBackup(func(m *catalog.Manifest) { c.change(s, m) })
			r := s.verify(verify.Config{Deep: true})
			wants(t, r, c.object(id), c.kind)
			if len(r.Problems) != 1 {
				t.Errorf("%v", r.Problems)
			}
		})
	}
}

// What is in front of a hole is held, and a break without a hole is told.
func TestHoles(t *testing.T) {
	s := newSite(t)
	s.must(s.cat.PutHole(t.Context(), instance, catalog.Hole{From: s.at("binlog.000003", 900), To: binlog.Position{Timeline: "other", File: "binlog.000001"}, Reason: "reset"}))
	if r := s.verify(verify.Config{}); !r.OK {
		t.Errorf("a hole behind everything: %v", r.Problems)
	}
	s.remove(catalog.SegmentKey(instance, timeline, "binlog.000003", 600, 900))
	wants(t, s.verify(verify.Config{}), catalog.SegmentKey(instance, timeline, "binlog.000003", 600, 900), verify.Missing)
	for _, start := range []uint64{0, 300} { // all of the file
		s.remove(catalog.SegmentKey(instance, timeline, "binlog.000003", start, start+300))
	}
	wants(t, s.verify(verify.Config{}), catalog.SegmentKey(instance, timeline, "binlog.000003", 0, 900), verify.Missing)

	s = newSite(t)
	for start := uint64(0); start < fileSize; start += 300 {
		s.remove(catalog.SegmentKey(instance, timeline, "binlog.000003", start, start+300))
		s.putSegment("binlog.000003", start, start+300, nil)
	}
	wants(t, s.verify(verify.Config{}), catalog.HoleKey(instance, s.at("binlog.000002", 900)), verify.Missing)
}

// Different writers cut differently, compaction puts large segments beside small ones.
func TestOverlappingSegments(t *testing.T) {
	s := newSite(t)
	s.putSegment("binlog.000002", 300, 900, nil)
	if r := s.verify(verify.Config{Deep: true}); !r.OK || len(r.Unowned) > 0 {
		t.Fatalf("%+v", r)
	}
	s.remove(catalog.SegmentKey(instance, timeline, "binlog.000002", 600, 900))
	s.remove(catalog.SegmentKey(instance, timeline, "binlog.000002", 300, 600))
	if r := s.verify(verify.Config{Deep: true}); !r.OK || len(r.Unowned) > 0 {
		t.Errorf("%+v", r)
	}
}

// What nobody owns is counted and is no damage.
func TestUnownedObjects(t *testing.T) {
	s := newSite(t)
	prefix := catalog.Escape(instance) + "/"
	left := []string{
		prefix + "what", prefix + "backups/x", prefix + "binlog/" + string(timeline) + "/head.json.old", prefix + "lease/x",
		catalog.BackupKey(instance, s.backup, "data/shop/orders/00000009.tsv.zst"), catalog.BackupKey(instance, "20200101-000000-000-00000000", "data/a/b/00000001.tsv.zst"),
		"elsewhere/file", "file",
	}
	for _, key := range left {
		s.put(key, []byte("abc"))
	}
	r := s.verify(verify.Config{Deep: true})
	if !r.OK || *r.UnownedObjects != uint64(len(left)) || r.UnownedBytes != 3*uint64(len(left)) {
		t.Errorf("%+v, %d", r, *r.UnownedObjects)
	}
	for _, key := range left {
		if !strings.Contains(strings.Join(r.Unowned, "\n"), key) {
			t.Errorf("%s is not among %v", key, r.Unowned)
		}
	}
}

// The journal of a backup belongs to its intent; in a killed run it is proved.
func TestJournals(t *testing.T) {
	s := newSite(t)
	document := s.get(catalog.IntentKey(instance, s.killed)) // any document will do
	for _, id := range []string{s.backup, s.killed} {
		s.put(catalog.JournalKey(instance, id, 1, 0), document)
		// A backup that was killed behind its manifest has not removed yet what does not count.
		s.put(catalog.BackupKey(instance, id, "data/shop/orders/00000009.tsv.zst"), []byte("abc"))
	}
	if r := s.verify(verify.Config{Deep: true}); !r.OK || *r.UnownedObjects != 0 {
		t.Errorf("%+v", r)
	}
	key := catalog.BackupKey(instance, s.killed, "journal/00000001-00000000.json")
	flip(4)(s, key)
	wants(t, s.verify(verify.Config{}), key, verify.Altered)
}

// A segment or a whole backup that goes between the listing and the read is no problem.
func TestWhatGoesMeanwhileIsNoProblem(t *testing.T) {
	s := newSite(t)
	compacted := []string{catalog.SegmentKey(instance, timeline, "binlog.000002", 300, 600), catalog.SegmentKey(instance, timeline, "binlog.000002", 600, 900)}
	chunk := catalog.BackupKey(instance, s.backup, catalog.ChunkKey(schema.Name{Schema: "shop", Name: "orders"}, 1, "zstd"))
	pruned := false
	faulty := &storagetest.Faulty{Bucket: s.bucket, Before: func(ctx context.Context, op storagetest.Operation, key string) error {
		if op != storagetest.OpGet {
			return nil
		}
		if key == compacted[0] { // the reader comes too late
			s.putSegment("binlog.000002", 300, 900, nil)
			s.remove(compacted[0])
			s.remove(compacted[1])
		}
		if key == chunk && !pruned {
			pruned = true
			s.remove(catalog.ManifestKey(instance, s.backup))
			for _, key := range s.objects() {
				if strings.Contains(key, "/"+s.backup+"/") {
					s.remove(key)
				}
			}
		}
		return nil
	}}
	if r := s.verify(verify.Config{Catalog: catalog.New(faulty), Deep: true}); !r.OK || !pruned {
		t.Errorf("%+v", r)
	}
}

// An object that the store does not give is told, and the rest is looked at.
func TestUnreadableObject(t *testing.T) {
	s := newSite(t)
	segment2 := catalog.SegmentKey(instance, timeline, "binlog.000002", 300, 600)
	chunk := catalog.BackupKey(instance, s.backup, catalog.ChunkKey(schema.Name{Schema: "shop", Name: "visits"}, 2, "zstd"))
	faulty := &storagetest.Faulty{Bucket: s.bucket, Before: func(_ context.Context, op storagetest.Operation, key string) error {
		if op == storagetest.OpGet && (key == segment2 || key == chunk) {
			return storagetest.ErrBroken
		}
		return nil
	}}
	r := s.verify(verify.Config{Catalog: catalog.New(faulty), Deep: true})
	wants(t, r, segment2, verify.Unreadable)
	wants(t, r, chunk, verify.Unreadable)
	if len(r.Problems) != 2 {
		t.Errorf("%v", r.Problems)
	}
}

func TestUnknownNames(t *testing.T) {
	s := newSite(t)
	for _, c := range []verify.Config{{Instance: "other"}, {Instance: instance, Backup: "20200101-000000-000-00000000"}, {Instance: instance, Backup: s.killed}} {
		c.Catalog = s.cat
		if _, err := verify.Run(t.Context(), c); fault.Of(err) == nil || fault.Of(err).Code != fault.CodeNotFound {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestInterrupted(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("stopped")
	faulty := &storagetest.Faulty{Bucket: s.bucket, Before: func(_ context.Context, op storagetest.Operation, key string) error {
		if op == storagetest.OpGet && isSegment(key) {
			cancel(why)
			return context.Canceled
		}
		return nil
	}}
	if _, err := verify.Run(ctx, verify.Config{Catalog: catalog.New(faulty), Deep: true}); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
