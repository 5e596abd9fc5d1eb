package archive_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
)

// readsBucket counts how often each segment is read.
type readsBucket struct {
	storage.Bucket
	mu    sync.Mutex
	reads map[string]int
}

func (b *readsBucket) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if strings.HasSuffix(key, ".seg") {
		b.mu.Lock()
		b.reads[key]++
		b.mu.Unlock()
	}
	return b.Bucket.Get(ctx, key, offset, length)
}

// A quiet source writes one file for weeks, in more segments than there is memory for their headers
// (promise 8): such a file is compacted without holding them, and its index says the same.
func TestAFileOfVeryManySegmentsIsCompacted(t *testing.T) {
	s, entries := archivedInParts(t, mysqltest.Options{GTID: true, Relaxed: true}, 4)
	files := s.closedFiles(t)
	run := func(s *site, held int) {
		s.untilIdle(t, func(c *archive.Config) { *c = c.WithLargeSegments(largeSize).WithHeadersHeld(held) })
	}
	few := s.elsewhere(t)
	few.store = t.TempDir()
	few.bucket = openBucket(t, few.store)
	for o, err := range s.bucket.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(o.Key, "/lease/") && !strings.HasSuffix(o.Key, "index.json") {
			few.put(t, o.Key, s.read(t, o.Key))
		}
	}
	counted := &readsBucket{Bucket: few.bucket, reads: map[string]int{}}
	few.bucket = counted
	small := few.objects(t, files[0])
	run(s, 1<<20)
	run(few, 2)
	for _, file := range files {
		want, got := s.index(t, file), few.index(t, file)
		if len(small) < 3 || !slices.Equal(namesOf(got), namesOf(want)) || len(got.Segments) != len(want.Segments) {
			t.Fatalf("%s: objects %v, want %v", file, namesOf(got), namesOf(want))
		}
		for i := range want.Segments {
			a, b := &got.Segments[i], &want.Segments[i]
			if a.Content == nil || !slices.Equal(a.Content.Tables, b.Content.Tables) || a.SHA256End != b.SHA256End || a.StoredSHA256 != b.StoredSHA256 || !slices.Equal(a.Format, b.Format) {
				t.Errorf("%s: step %d is %+v, want %+v", file, i, a, b)
			}
		}
	}
	// Those in the middle are read to be proved, and to be put: not for their headers alone.
	for key, n := range counted.reads {
		if name := key[strings.LastIndex(key, "/")+1:]; strings.Contains(key, "%2E000001/") && slices.Contains(small[1:len(small)-1], name) && n != 2 {
			t.Errorf("%s was read %d times", key, n)
		}
	}
	few.compact(t, anHour)
	for _, file := range files {
		few.checkCompact(t, file)
	}
	if got := few.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries, %d before", len(got), len(entries))
	}
}
