package catalog

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// Every key that the program writes has a place: what had none would count as nobody's.
func TestEveryKeyHasItsPlace(t *testing.T) {
	const instance, id = "shop.€", "20260102-030405-678-1a2b3c4d"
	p := binlog.Position{Timeline: "u~2", File: "binlog.000001", Pos: 4}
	long := strings.Repeat("ü", 100)
	for key, want := range map[string]Place{
		InstanceKey(instance): PlaceDocument, ManifestKey(instance, id): PlaceBackup, IntentKey(instance, id): PlaceBackup,
		BackupKey(instance, id, SchemaKey(KindTable, schema.Name{Schema: long, Name: "a.b"})): PlaceBackup,
		BackupKey(instance, id, ChunkKey(schema.Name{Schema: "a", Name: long}, 7, "gzip")):    PlaceBackup,
		HeadKey(instance, p.Timeline): PlaceDocument, SegmentKey(instance, p.Timeline, p.File, 0, 7): PlaceSegment,
		SegmentKey(instance, p.Timeline, long+".000001", 0, 7): PlaceSegment, filePrefix(instance, p.Timeline, p.File) + indexName: PlaceDocument,
		HoleKey(instance, p): PlaceDocument, LimitsKey(instance, p.Timeline, p.File, 3): PlaceDocument,
		leaseKey(instance, 1): PlaceDocument, beatKey(instance, 1): PlaceDocument, askKey(instance, 1): PlaceDocument,

		Escape(instance) + "/x": PlaceUnknown, backupsPrefix(instance) + "x": PlaceUnknown, backupsPrefix(instance) + "a.b/x": PlaceUnknown,
		timelinePrefix(instance, p.Timeline) + "x": PlaceUnknown, timelinePrefix(instance, p.Timeline) + "nonumber/" + digits(0) + "-" + digits(7) + ".seg": PlaceUnknown,
		filePrefix(instance, p.Timeline, p.File) + "7-9.seg": PlaceUnknown, leasePrefix(instance) + "x.tmp": PlaceUnknown, holesPrefix(instance) + "x.json": PlaceUnknown,
	} {
		if got := placeOf(strings.TrimPrefix(key, Escape(instance)+"/")); got != want {
			t.Errorf("%s: place %d, want %d", key, got, want)
		}
	}
}
