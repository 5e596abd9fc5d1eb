package catalog_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

const timeline = binlog.Timeline("3e11fa47-71ca-11e1-9e33-c80aa9429562")

func TestKeysOfTheDesign(t *testing.T) {
	for got, want := range map[string]string{
		catalog.InstanceKey("shop"):                                                              "shop/instance.json",
		catalog.ManifestKey("shop", "20260102-030405-678-1a2b3c4d"):                              "shop/backups/20260102-030405-678-1a2b3c4d/manifest.json",
		catalog.IntentKey("shop", "id"):                                                          "shop/backups/id/intent.json",
		catalog.SchemaKey(catalog.KindTable, schema.Name{Schema: "a.b", Name: "tä"}):             "schema/a%2Eb/table.t%C3%A4.sql",
		catalog.SchemaKey(catalog.KindDatabase, schema.Name{Schema: "s", Name: "s"}):             "schema/s/database.s.sql",
		catalog.SchemaKey(catalog.KindTrigger, schema.Name{Schema: "s", Name: "same"}):           "schema/s/trigger.same.sql",
		catalog.ChunkKey(schema.Name{Schema: "s", Name: "t/1"}, 7, "zstd"):                       "data/s/t%2F1/00000007.tsv.zst",
		catalog.ChunkKey(schema.Name{Schema: "s", Name: ".."}, 7, "gzip"):                        "data/s/%2E%2E/00000007.tsv.gz",
		catalog.ChunkKey(schema.Name{Schema: "s", Name: "t"}, 123456789, "none"):                 "data/s/t/123456789.tsv",
		catalog.SegmentKey("shop", timeline, "binlog.000007", 0, 1234):                           "shop/binlog/" + string(timeline) + "/binlog%2E000007/00000000000000000000-00000000000000001234.seg",
		catalog.HeadKey("shop", timeline+"~2"):                                                   "shop/binlog/" + string(timeline) + "%7E2/head.json",
		catalog.HoleKey("shop", binlog.Position{Timeline: "u", File: "binlog.000001", Pos: 157}): "shop/holes/u/binlog%2E000001-00000000000000000157.json",
	} {
		if got != want {
			t.Errorf("key %s, want %s", got, want)
		}
		if err := storage.CheckKey(got); err != nil {
			t.Error(err)
		}
	}
}

func TestEscapeOfLongNames(t *testing.T) {
	exact := strings.Repeat("n", 200)
	if got := catalog.Escape(exact); got != exact {
		t.Errorf("200 bytes became %s", got)
	}
	long := strings.Repeat("ä", 64) // 64 characters, the longest name of a table: 384 bytes escaped
	escaped := strings.Repeat("%C3%A4", 64)
	want := escaped[:180] + "~" + fmt.Sprintf("%x", sha256.Sum256([]byte(escaped)))[:16]
	if got := catalog.Escape(long); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := catalog.Unescape(want); ok {
		t.Error("a shortened name was given back")
	}
	if other := catalog.Escape(strings.Repeat("ä", 63) + "ö"); other == want {
		t.Error("two names, one key")
	}
}

// TestEscapeIsReversible: every name makes a valid part of a key, no two the same, and a short
// one comes back.
func TestEscapeIsReversible(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := string(rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(rt, "name"))
		part := catalog.Escape(name)
		if !storage.ValidPart(part) || len(part) > 200 || strings.Contains(part, ".") {
			rt.Fatalf("%q became %q", name, part)
		}
		back, ok := catalog.Unescape(part)
		if shortened := strings.Contains(part, "~"); ok == shortened || ok && back != name {
			rt.Fatalf("%q became %q became %q, %v", name, part, back, ok)
		}
	})
	for _, part := range []string{"", "a.b", "%4", "%", "%zz", "%41", "%c3%a4", "a~b", "€"} {
		if name, ok := catalog.Unescape(part); ok {
			t.Errorf("%q was taken for the name %q", part, name)
		}
	}
}
