package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// segmentKeys returns the keys of all segments of the source's first timeline, in the order of the log.
func (s *site) segmentKeys(t testing.TB) []string {
	t.Helper()
	timeline := s.timeline(t)
	files, err := s.catalog().Files(t.Context(), instance, timeline)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, name := range files {
		refs, err := s.catalog().Segments(t.Context(), instance, timeline, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			keys = append(keys, ref.Key)
		}
	}
	return keys
}

func (s *site) read(t testing.TB, key string) []byte {
	t.Helper()
	r, err := s.bucket.Get(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return b
}

// take removes an object and returns what it held.
func (s *site) take(t testing.TB, key string) []byte {
	t.Helper()
	b := s.read(t, key)
	if err := s.bucket.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *site) put(t testing.TB, key string, b []byte) {
	t.Helper()
	if err := s.bucket.Put(t.Context(), key, bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
}

// Two writers may have cut the same bytes differently: what overlaps is skipped, once it is proved equal.
func TestOverlappingSegmentsAreReadOnce(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	mine := s.segmentKeys(t)
	s.addOverlaps(t)
	lost := 0
	if got := s.readAll(t); len(got) != len(entries) {
		t.Errorf("%d entries, want %d", len(got), len(entries))
	}
	// Bytes that are there twice may be lost once.
	for i := 1; i < len(mine)-1; i++ {
		data := s.take(t, mine[i])
		err := s.walk(t.Context(), binlog.Position{Timeline: entries[0].Start.Timeline, File: entries[0].Start.File})
		if f := fault.Of(err); f == nil {
			lost++
		} else if f.Code != fault.CodeDifference {
			t.Error(err)
		}
		s.put(t, mine[i], data)
	}
	if lost == 0 {
		t.Error("no segment could be done without")
	}
}

// addOverlaps adds the segments of a writer who cut the same bytes differently.
func (s *site) addOverlaps(t testing.TB) {
	t.Helper()
	other := s.elsewhere(t)
	other.bucket = openBucket(t, t.TempDir())
	other.untilIdle(t, func(c *archive.Config) { c.FromOldest, c.SegmentSize = true, 20_000 })
	mine, added := s.segmentKeys(t), 0
	for _, key := range other.segmentKeys(t) {
		if !slices.Contains(mine, key) {
			s.put(t, key, other.read(t, key))
			added++
		}
	}
	if added < 5 {
		t.Fatalf("only %d segments were cut differently", added)
	}
}

// outage is a store that can fail.
func outage(b storage.Bucket) (storage.Bucket, *atomic.Bool) {
	var down atomic.Bool
	return &storagetest.Faulty{Bucket: b, Before: func(context.Context, storagetest.Operation, string) error {
		if down.Load() {
			return errors.New("the store does not answer")
		}
		return nil
	}}, &down
}

func TestSpoolTakesOverWhileTheStoreIsDown(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	whole := s.bucket
	var down *atomic.Bool
	s.bucket, down = outage(whole)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
	c := s.config(t)
	c.SpoolSize = 2 << 20
	told := &toldWaits{}
	c.Waits = told.begin
	r := s.start(t, c)
	s.untilIdleBeside(t, r)
	down.Store(true)
	for i := range 60 {
		if err := write(t.Context(), s.source.Root(), i); err != nil {
			t.Fatal(err)
		}
	}
	// More than the spool holds.
	mysqltest.Exec(t, s.source, "SET SESSION binlog_transaction_compression = OFF")
	for range 20 {
		mysqltest.Exec(t, s.source, "INSERT INTO w.t (b) SELECT RANDOM_BYTES(1024) FROM information_schema.columns LIMIT 300")
	}
	mysqltest.Eventually(t, func() bool { return folderSize(t, s.spool) > 1<<20 }, "a spool that fills")
	down.Store(false)
	s.untilIdleBeside(t, r)
	if size := folderSize(t, s.spool); size > 4<<20 {
		t.Errorf("the spool has %d bytes", size)
	}
	r.stop(t)
	told.check(t, "for the store, to upload")
	s.bucket = whole
	s.compareFiles(t, s.timeline(t))
	s.readAll(t)
}

// watchedLease counts the looks at the lease.
type watchedLease struct {
	storage.Bucket
	looks *atomic.Int32
}

func (w watchedLease) List(ctx context.Context, prefix, from string) iter.Seq2[storage.Object, error] {
	if strings.Contains(prefix, "/lease/") {
		w.looks.Add(1)
	}
	return w.Bucket.List(ctx, prefix, from)
}

// TestAStoreThatWentAwayIsNoStore: where the store was, an empty folder is, as when a disk is not mounted any
// more. Nothing is put there that would lack everything before it; the spool takes over until the store is back.
func TestAStoreThatWentAwayIsNoStore(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	var looks atomic.Int32
	s.bucket = watchedLease{s.bucket, &looks}
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY)")
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r)
	kept := s.store + "-kept"
	if err := errors.Join(os.Rename(s.store, kept), os.Mkdir(s.store, 0o700)); err != nil {
		t.Fatal(err)
	}
	looks.Store(0)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t VALUES (1)")
	// The holder looks before each upload, and for the head that follows it.
	mysqltest.Eventually(t, func() bool { return looks.Load() >= 2 }, "two looks at the lease")
	if found := glob(t, s.store, "*/binlog/*/*"); len(found) > 0 {
		t.Errorf("put into a store that lacks what is before it: %q", found)
	}
	mysqltest.Eventually(t, func() bool {
		return errors.Join(os.RemoveAll(s.store), os.Rename(kept, s.store)) == nil
	}, "the store back in its place")
	s.untilIdleBeside(t, r)
	r.stop(t)
	s.compareFiles(t, s.timeline(t))
	s.readAll(t)
}

// What was sealed during an outage survives the archiver's death: it is not streamed again.
func TestSealedExtentsAreUploadedByTheNextRun(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	whole := s.bucket
	var down *atomic.Bool
	s.bucket, down = outage(whole)
	mysqltest.Exec(t, s.source, "CREATE SCHEMA w", "CREATE TABLE w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
	r := s.start(t, s.config(t))
	s.untilIdleBeside(t, r)
	down.Store(true)
	mysqltest.Exec(t, s.source, "INSERT INTO w.t (b) VALUES ('kept in the spool')", "FLUSH BINARY LOGS", "INSERT INTO w.t (b) VALUES ('this too')")
	end := s.sourceEnd(t)
	mysqltest.Eventually(t, func() bool { return len(glob(t, s.spool, "extents/*.json")) >= 2 }, "sealed extents")
	r.stop(t)
	down.Store(false)
	// The source does not have the first file any more.
	mysqltest.Purge(t, s.source, end.File)
	s.untilIdle(t, nil)
	if holes := s.holes(t); len(holes) != 0 {
		t.Errorf("holes %+v", holes)
	}
	if line := s.line(t); len(line) != 1 || line[0].To.Before(end) {
		t.Errorf("line %+v, want it to reach %s", line, end)
	}
}

func TestStoreThatMayNotBeWritten(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	s.bucket = storagetest.ReadOnly(s.bucket)
	_, err := s.tryUntilIdle(t, nil)
	wantFault(t, err, fault.CodeFailed, fault.KindStore)
}

func TestNewerHeadIsRefused(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	s.untilIdle(t, nil)
	key := catalog.HeadKey(instance, s.timeline(t))
	head := s.read(t, key)
	s.put(t, key, bytes.Replace(head, []byte(`"version": 1`), []byte(`"version": 9`), 1))
	_, err := s.tryUntilIdle(t, nil)
	wantFault(t, err, fault.CodeFailed, fault.KindVersion)
	if _, err := s.reader().Line(t.Context()); fault.Of(err).Kind != fault.KindVersion {
		t.Error(err)
	}
	s.put(t, key, head)
	s.untilIdle(t, nil) // and the next run works
}
