package archive_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// largeSize is what tests take for the size of large segments: some files need more than one.
const largeSize = 200 << 10

// anHour is a clock that is behind the time for which small segments stay.
const anHour = time.Hour + time.Minute

// compact runs an archiver that compacts, with a clock that is ahead of the real one.
func (s *site) compact(t testing.TB, ahead time.Duration) {
	t.Helper()
	s.untilIdle(t, func(c *archive.Config) { *c = c.WithLargeSegments(largeSize).WithClock(ahead) })
}

// objects lists the names of a file's segments.
func (s *site) objects(t testing.TB, file string) []string {
	t.Helper()
	refs, err := s.catalog().Segments(t.Context(), instance, s.timeline(t), file, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, ref := range refs {
		names = append(names, filepath.Base(ref.Key))
	}
	return names
}

func namesOf(x *catalog.Index) []string {
	var names []string
	for _, o := range x.Objects {
		names = append(names, o.Name)
	}
	return names
}

// checkCompact checks that a file has the objects of its index and no others, that these are
// large, and that they are the source's file, as anybody reads it who has zstd.
func (s *site) checkCompact(t testing.TB, file string) {
	t.Helper()
	x := s.index(t, file)
	if got := s.objects(t, file); !slices.Equal(got, namesOf(x)) {
		t.Errorf("%s has the segments %v, its index %v", file, got, namesOf(x))
	}
	var all []byte
	for i, o := range x.Objects {
		if i > 0 && o.End-x.Objects[i-1].Start <= largeSize {
			t.Errorf("%s: the segments at %d and %d could be one", file, x.Objects[i-1].Start, o.Start)
		}
		all = append(all, s.expanded(t, filepath.Join(filepath.Dir(s.indexPath(t, file)), o.Name))...)
	}
	want, err := os.ReadFile(filepath.Join(s.source.DataDir(), file))
	if err != nil {
		t.Fatal(err)
	}
	want[4+17] &^= 1
	if !bytes.Equal(all, want) {
		t.Errorf("%s: %d bytes in the store are not the %d of the source's file", file, len(all), len(want))
	}
}

// expanded is what zstd makes of an object.
func (s *site) expanded(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out, err := d.DecodeAll(data, nil)
	if err != nil {
		t.Fatalf("expand %s: %v", path, err)
	}
	return out
}

// The segments of a closed file are put together to large ones, the index names these, and an
// hour later the small ones are gone. What is read is the same at each moment.
func TestClosedFilesAreCompacted(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	files := s.closedFiles(t)
	small := map[string][]string{}
	for _, file := range files {
		small[file] = s.objects(t, file)
	}
	s.compact(t, 0)
	shrunk := 0
	for _, file := range files {
		x, have := s.index(t, file), s.objects(t, file)
		for _, name := range append(small[file], namesOf(x)...) {
			if !slices.Contains(have, name) {
				t.Errorf("%s lacks %s before its time", file, name)
			}
		}
		if len(x.Objects) < len(small[file]) {
			shrunk++
		}
		s.compareContents(t, x)
	}
	if shrunk == 0 {
		t.Fatal("nothing was put together")
	}
	s.compact(t, 30*time.Minute)
	for _, file := range files {
		if have := s.objects(t, file); len(have) < len(small[file]) {
			t.Errorf("%s has lost segments half an hour later", file)
		}
	}
	if got := s.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries with both, %d before", len(got), len(entries))
	}
	s.compact(t, anHour)
	for _, file := range files {
		s.checkCompact(t, file)
	}
	if got := s.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries of large segments, %d before", len(got), len(entries))
	}
	s.compareFiles(t, s.timeline(t))
	// Another run finds nothing to do, and without the index the same is read.
	before := s.index(t, files[0])
	s.compact(t, 2*anHour)
	if after := s.index(t, files[0]); after.Written != before.Written {
		t.Error("an index was written again for nothing")
	}
	for _, file := range files {
		if err := os.Remove(s.indexPath(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries without index, %d before", len(got), len(entries))
	}
	s.compact(t, 0)
	for _, file := range files {
		s.checkCompact(t, file)
	}
}

// A running archiver does it all by itself: also with files that were closed while it ran.
func TestARunningArchiverCompacts(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	var mu sync.Mutex
	ahead := time.Duration(0)
	c := s.config(t).WithLargeSegments(largeSize).WithMovingClock(func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return ahead
	})
	stop := load(t, s.source, time.Millisecond)
	r := s.start(t, c)
	s.awaitFiles(t, 4)
	stop()
	first := s.closedFiles(t)[0]
	mysqltest.Eventually(t, func() bool {
		x, err := s.catalog().Index(t.Context(), instance, s.timeline(t), first)
		return err == nil && len(x.Objects) < len(s.objects(t, first))
	}, "the index of large segments of "+first)
	mu.Lock()
	ahead = anHour
	mu.Unlock()
	mysqltest.Exec(t, s.source, "FLUSH BINARY LOGS", "CREATE SCHEMA more") // wakes it
	mysqltest.Eventually(t, func() bool {
		return slices.Equal(s.objects(t, first), namesOf(s.index(t, first)))
	}, "the small segments of "+first+" gone")
	r.stop(t)
	s.untilIdle(t, nil)
	s.readAll(t)
}

// Killed at each step of it, again and again, an archiver loses nothing, and the next one brings
// it to its end.
func TestCompactionSurvivesKills(t *testing.T) {
	for _, place := range []string{"enlarged", "compared", "indexed", "removed"} {
		t.Run(place, func(t *testing.T) {
			mysqltest.Failpoint(t, "binlog/archive/"+place, "off") // fails in a build without failpoints
			s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
			killed := 0
			for n := range 5 {
				cmd := s.startChildWith(t, func(c *child) { c.UntilIdle, c.Ahead = true, time.Duration(n)*anHour },
					mysqltest.FailpointVariable("binlog/archive/"+place, []string{"panic", "1*off->panic", "2*off->panic"}[n%3]))
				if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() == 2 { // a panic's
					killed++
				}
				if got := s.readAll(t); len(got) != len(entries) {
					t.Fatalf("%d entries behind a kill, %d before", len(got), len(entries))
				}
			}
			if killed < 2 {
				t.Errorf("killed %d times only", killed)
			}
			s.compact(t, 10*anHour)
			s.compact(t, 20*anHour)
			for _, file := range s.closedFiles(t) {
				s.checkCompact(t, file)
			}
			if got := s.readAll(t); len(got) != len(entries) {
				t.Errorf("%d entries at the end, %d before", len(got), len(entries))
			}
		})
	}
}

// alteringBucket changes a byte of so many segments that are put, and takes none behind them.
type alteringBucket struct {
	storage.Bucket
	left atomic.Int64
}

func (b *alteringBucket) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	if !strings.HasSuffix(key, ".seg") {
		return b.Bucket.PutIfAbsent(ctx, key, body, size)
	}
	if b.left.Add(-1) < 0 {
		return storagetest.ErrBroken
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return b.Bucket.PutIfAbsent(ctx, key, bytes.NewReader(data), size)
}

// A large segment that is not what was put is taken away again, and nothing is removed for it.
func TestAnAlteredLargeSegmentIsTakenAway(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	files := s.closedFiles(t)
	small := s.objects(t, files[0])
	good := s.bucket
	for _, ahead := range []time.Duration{anHour, 2 * anHour} {
		altering := &alteringBucket{Bucket: good}
		altering.left.Store(3)
		s.bucket = altering
		// It is tried again until the time for it is over, and by then nothing is under way that would be broken off.
		s.untilIdle(t, func(c *archive.Config) {
			*c = c.WithLargeSegments(largeSize).WithClock(ahead).WithLastTending(4 * time.Second)
		})
		if altering.left.Load() > 0 {
			t.Error("too few large segments were put: the test proves nothing")
		}
	}
	s.bucket = good
	if have := s.objects(t, files[0]); !slices.Equal(have, small) {
		t.Errorf("%s has the segments %v, before %v", files[0], have, small)
	}
	if got := s.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries, %d before", len(got), len(entries))
	}
	s.compact(t, 0)
	s.compact(t, anHour)
	s.checkCompact(t, files[0])
}

// A large segment that was damaged later: no small one is removed for it. One that holds other
// bytes than the large one stays.
func TestNothingIsRemovedForADamagedSegment(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	files := s.closedFiles(t)
	s.compact(t, 0)
	x := s.index(t, files[0])
	have := s.objects(t, files[0])
	key := catalog.SegmentKey(instance, x.Timeline, x.File, x.Objects[0].Start, x.Objects[0].End)
	data := s.take(t, key)
	damaged := slices.Clone(data)
	damaged[len(damaged)-100] ^= 1
	s.put(t, key, damaged)
	s.compact(t, anHour)
	if now := s.objects(t, files[0]); !slices.Equal(now, have) {
		t.Errorf("%s has the segments %v, before %v", files[0], now, have)
	}
	s.put(t, key, data)
	s.compact(t, anHour)
	s.checkCompact(t, files[0])
	if got := s.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries, %d before", len(got), len(entries))
	}
}
