package archive_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// removingBucket calls removes before each read of a segment.
type removingBucket struct {
	storage.Bucket
	removes func()
}

func (b *removingBucket) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if strings.HasSuffix(key, ".seg") {
		b.removes()
	}
	return b.Bucket.Get(ctx, key, offset, length)
}

// A reader that goes by a listing whose objects are removed meanwhile lists again and goes on, at
// whichever object that happens.
func TestReadersSurviveTheRemoval(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.compact(t, 0)
	files := s.closedFiles(t)
	removed := map[string][]byte{} // what the removal takes away
	for _, file := range files {
		names := namesOf(s.index(t, file))
		for _, name := range s.objects(t, file) {
			if !slices.Contains(names, name) {
				path := filepath.Join(filepath.Dir(s.indexPath(t, file)), name)
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				removed[path] = data
			}
		}
	}
	// The index of the time before the compaction, which names the small ones.
	large := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(s.indexPath(t, file))
		if err != nil {
			t.Fatal(err)
		}
		large[file] = data
		s.oldIndex(t, file)
	}
	stop := binlog.StopPoint{Kind: binlog.StopGTID, GTIDs: mustSet(t, entries[len(entries)/3].GTID.String())}
	for n := 1; n < 24; n += 3 {
		var reads atomic.Int64
		b := &removingBucket{Bucket: s.bucket}
		b.removes = func() {
			if reads.Add(1) != int64(n) {
				return
			}
			for path := range removed {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}
			for file, data := range large {
				if err := os.WriteFile(s.indexPath(t, file), data, 0o600); err != nil {
					t.Error(err)
				}
			}
		}
		r := archive.Open(catalog.New(b), instance)
		asm := event.NewAssembler(entries[0].Start.Timeline, event.WithoutRowCounts())
		met := 0
		for e, err := range r.Events(t.Context(), binlog.Position{Timeline: entries[0].Start.Timeline, File: entries[0].Start.File}) {
			if err != nil {
				t.Fatalf("removed before read %d: %v", n, err)
			}
			entry, err := asm.Add(e.File, e.Pos, e.Raw)
			if err != nil {
				t.Fatalf("removed before read %d: %v", n, err)
			}
			if entry != nil {
				met++
			}
		}
		if met != len(entries) || reads.Load() == 0 {
			t.Errorf("removed before read %d of %d: %d entries, want %d", n, reads.Load(), met, len(entries))
		}
		s.putBack(t, removed)
		for _, file := range files {
			s.oldIndex(t, file)
		}
		reads.Store(0)
		if p, err := r.Resolve(t.Context(), stop, binlog.GTIDSet{}); err != nil || p.Position != entries[len(entries)/3].End {
			t.Errorf("removed before read %d: resolved to %v, %v", n, p, err)
		}
		s.putBack(t, removed)
		for _, file := range files {
			s.oldIndex(t, file)
		}
	}
}

func (s *site) putBack(t testing.TB, objects map[string][]byte) {
	t.Helper()
	for path, data := range objects {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// oldIndex puts an index of the small segments, as it is before a compaction, and takes every
// second file's away.
func (s *site) oldIndex(t testing.TB, file string) {
	t.Helper()
	err := os.Remove(s.indexPath(t, file))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if file[len(file)-1]%2 == 0 {
		return
	}
	s.catalogPutSmallIndex(t, file)
}

// catalogPutSmallIndex makes the index of the segments that start where another ends, by their frames.
func (s *site) catalogPutSmallIndex(t testing.TB, file string) {
	t.Helper()
	refs, err := s.catalog().Segments(t.Context(), instance, s.timeline(t), file, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &catalog.Index{Timeline: s.timeline(t), File: file}
	for _, ref := range refs {
		if ref.Start != x.End {
			continue
		}
		h, err := s.catalog().SegmentHeader(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		x.Objects = append(x.Objects, catalog.NewIndexObject(ref))
		x.Segments = append(x.Segments, catalog.IndexSegment{Header: h, Object: len(x.Objects) - 1, Offset: ref.Size - int64(h.StoredBytes)})
		x.End, x.SHA256 = ref.End, h.SHA256End
	}
	if err := s.catalog().PutIndex(t.Context(), instance, x); err != nil {
		t.Fatal(err)
	}
}
