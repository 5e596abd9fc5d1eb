package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// encoded makes the segment of the bytes from start to end of a file.
func encoded(t *testing.T, name string, file []byte, start, end, epoch uint64) (catalog.SegmentRef, []byte) {
	t.Helper()
	chain := binlog.NewChain()
	if _, err := chain.Write(file[:start]); err != nil {
		t.Fatal(err)
	}
	state, err := chain.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := segment.Header{Timeline: timeline, File: name, Start: start, End: end, SHA256Start: chain.Sum(), State: state, Epoch: epoch,
		Boundary: end, Resume: segment.Resume{At: start, State: state}}
	if _, err := chain.Write(file[start:end]); err != nil {
		t.Fatal(err)
	}
	h.SHA256End = chain.Sum()
	data, err := segment.Encode(h, bytes.NewReader(file[start:end]))
	if err != nil {
		t.Fatal(err)
	}
	return catalog.SegmentRef{Timeline: timeline, File: name, Start: start, End: end}, data
}

func randomFile(n int) []byte {
	file := make([]byte, n)
	for i := range file {
		file[i] = byte(rand.Uint32())
	}
	return file
}

func TestSegments(t *testing.T) {
	b, c := withInstance(t)
	file := randomFile(1000)
	bounds := [][2]uint64{{0, 100}, {100, 101}, {101, 900}, {101, 500}, {900, 1000}}
	for _, i := range rand.Perm(len(bounds)) {
		ref, data := encoded(t, "binlog.000007", file, bounds[i][0], bounds[i][1], 1)
		if err := c.PutSegment(t.Context(), instance, ref, data); err != nil {
			t.Fatal(err)
		}
	}
	folder := strings.TrimSuffix(catalog.SegmentKey(instance, timeline, "binlog.000007", 0, 1), "00000000000000000000-00000000000000000001.seg")
	storagetest.Put(t, b, folder+"index.json", "{}")
	list := func(from uint64) string {
		refs, err := c.Segments(t.Context(), instance, timeline, "binlog.000007", from)
		if err != nil {
			t.Fatal(err)
		}
		var s []string
		for _, r := range refs {
			if r.Timeline != timeline || r.File != "binlog.000007" || r.Key != catalog.SegmentKey(instance, r.Timeline, r.File, r.Start, r.End) || r.Size == 0 {
				t.Errorf("ref %+v", r)
			}
			s = append(s, fmt.Sprintf("%d-%d", r.Start, r.End))
		}
		return strings.Join(s, " ")
	}
	for from, want := range map[uint64]string{
		0: "0-100 100-101 101-500 101-900 900-1000", 100: "100-101 101-500 101-900 900-1000", 101: "101-500 101-900 900-1000", 102: "900-1000", 901: "",
	} {
		if got := list(from); got != want {
			t.Errorf("segments from %d: %s, want %s", from, got, want)
		}
	}
	refs, err := c.Segments(t.Context(), instance, timeline, "binlog.000008", 0)
	if err != nil || len(refs) != 0 {
		t.Errorf("segments of a file that is not there: %v, %v", refs, err)
	}

	refs, err = c.Segments(t.Context(), instance, timeline, "binlog.000007", 100)
	if err != nil {
		t.Fatal(err)
	}
	header, err := c.SegmentHeader(t.Context(), refs[0])
	if err != nil || header.Start != 100 || header.End != 101 {
		t.Errorf("header %+v, %v", header, err)
	}
	r, err := c.OpenSegment(t.Context(), refs[0])
	if err != nil {
		t.Fatal(err)
	}
	_, plain, err := segment.Plain(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(plain)
	if err := errors.Join(err, plain.Close(), r.Close()); err != nil || !bytes.Equal(got, file[100:101]) {
		t.Errorf("%x, %v", got, err)
	}
	if _, err := c.OpenSegment(t.Context(), catalog.SegmentRef{Key: folder + "x.seg"}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a segment that compaction took: %v, want ErrNotFound", err)
	}
}

func TestPutSegmentTwice(t *testing.T) {
	b, c := withInstance(t)
	file := randomFile(500)
	ref, data := encoded(t, "binlog.000001", file, 100, 500, 1)
	if err := c.PutSegment(t.Context(), instance, ref, data); err != nil {
		t.Fatal(err)
	}
	// The same bytes under another lease.
	_, again := encoded(t, "binlog.000001", file, 100, 500, 2)
	if bytes.Equal(data, again) {
		t.Fatal("the test proves nothing")
	}
	if err := c.PutSegment(t.Context(), instance, ref, again); err != nil {
		t.Errorf("an equal segment: %v", err)
	}
	// Another history: a byte before the segment, then one in it.
	for _, at := range []int{3, 300} {
		other := bytes.Clone(file)
		other[at] ^= 1
		_, data := encoded(t, "binlog.000001", other, 100, 500, 1)
		if err := c.PutSegment(t.Context(), instance, ref, data); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("byte %d differs: %v, want ErrConflict", at, err)
		}
	}
	// What is there was damaged since.
	key := catalog.SegmentKey(instance, timeline, "binlog.000001", 100, 500)
	storagetest.Put(t, b, key, string(data[:len(data)-1]))
	err := c.PutSegment(t.Context(), instance, ref, data)
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
	storagetest.Put(t, b, key, strings.Replace(string(data), `"version":1`, `"version":9`, 1))
	_, err = c.SegmentHeader(t.Context(), catalog.SegmentRef{Key: key})
	wantFault(t, err, fault.CodeFailed, fault.KindVersion)
}

func TestTimelinesAndFiles(t *testing.T) {
	b, c := withInstance(t)
	if tl, err := c.Timelines(t.Context(), instance); err != nil || len(tl) != 0 {
		t.Errorf("of an empty archive: %q, %v", tl, err)
	}
	long := strings.Repeat("ö", 100) + ".000003"
	want := []string{"binlog.000002", long, "binlog.999999", "binlog.1000000"}
	for _, name := range want {
		ref, data := encoded(t, name, []byte("x"), 0, 1, 1)
		if err := c.PutSegment(t.Context(), instance, ref, data); err != nil {
			t.Fatal(err)
		}
	}
	storagetest.Put(t, b, catalog.Escape(instance)+"/binlog/"+string(timeline)+"/stranger/file", "x")
	if err := c.PutHead(t.Context(), instance, catalog.Head{End: binlog.Point{Position: binlog.Position{Timeline: timeline + "~2"}}}); err != nil {
		t.Fatal(err)
	}
	if tl, err := c.Timelines(t.Context(), instance); err != nil || !slices.Equal(tl, []binlog.Timeline{timeline + "~2", timeline}) {
		t.Errorf("timelines: %q, %v", tl, err)
	}
	if files, err := c.Files(t.Context(), instance, timeline); err != nil || !slices.Equal(files, want) {
		t.Errorf("files: %q, %v, want %q", files, err, want)
	}
}

func TestHead(t *testing.T) {
	_, c := withInstance(t)
	if _, ok, err := c.Head(t.Context(), instance, timeline); ok || err != nil {
		t.Errorf("a head before the first flush: %v, %v", ok, err)
	}
	for pos := range uint64(3) {
		head := catalog.Head{Version: 1, End: binlog.Point{Position: binlog.Position{Timeline: timeline, File: "binlog.000001", Pos: pos}, GTIDSet: "x:1"},
			AsOf: 12, Epoch: 3, Identity: catalog.HeadIdentity{ServerUUID: "u", FormatCreated: 7}}
		if err := c.PutHead(t.Context(), instance, head); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := c.Head(t.Context(), instance, timeline); got != head || !ok || err != nil {
			t.Errorf("%+v, %v, %v", got, ok, err)
		}
	}
	if err := c.PutHead(t.Context(), instance, catalog.Head{}); err == nil {
		t.Error("a head of no timeline was written")
	}
}

func TestHoles(t *testing.T) {
	b, c := withInstance(t)
	at := func(timeline binlog.Timeline, file string, pos uint64) binlog.Position {
		return binlog.Position{Timeline: timeline, File: file, Pos: pos}
	}
	want := []catalog.Hole{
		{Version: 1, From: at("a", "binlog.999999", 4), To: at("a", "binlog.1000000", 4), Found: 5, Reason: "purged"},
		{Version: 1, From: at("a", "binlog.1000000", 100), To: at("a", "binlog.1000001", 4), Found: 6, Reason: "purged"},
		{Version: 1, From: at("b", "binlog.000001", 4), To: at("b~2", "binlog.000001", 4), Found: 7, Reason: "RESET"},
	}
	for range 2 {
		for _, i := range rand.Perm(len(want)) {
			if err := c.PutHole(t.Context(), instance, want[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := c.Holes(t.Context(), instance); err != nil || !slices.Equal(got, want) {
		t.Errorf("holes %+v, %v", got, err)
	}
	if err := c.PutHole(t.Context(), instance, catalog.Hole{}); err == nil {
		t.Error("a hole at no place was written")
	}
	storagetest.Put(t, b, catalog.HoleKey(instance, want[0].From), storagetest.Get(t, b, catalog.HoleKey(instance, want[1].From)))
	_, err := c.Holes(t.Context(), instance)
	wantFault(t, err, fault.CodeDifference, fault.KindIntegrity)
}

func TestLeaseHasOneHolder(t *testing.T) {
	_, c := withInstance(t)
	if _, ok, err := c.LatestLease(t.Context(), instance); ok || err != nil {
		t.Errorf("a lease before the first: %v, %v", ok, err)
	}
	for epoch := uint64(1); epoch <= 12; epoch++ {
		var holders atomic.Int32
		var holder atomic.Value
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() {
				lease := catalog.Lease{Version: 1, Epoch: epoch, Holder: fmt.Sprint(n), Spool: "s", Role: "archive", PID: n}
				if err := c.PutLease(t.Context(), instance, lease); err != nil {
					wantFault(t, err, fault.CodeLeaseHeld, fault.KindLease)
					return
				}
				holders.Add(1)
				holder.Store(lease)
			})
		}
		all.Wait()
		got, ok, err := c.LatestLease(t.Context(), instance)
		if holders.Load() != 1 || got != holder.Load() || !ok || err != nil {
			t.Fatalf("epoch %d: %d holders, %+v, %v, %v", epoch, holders.Load(), got, ok, err)
		}
		for held, want := range map[uint64]bool{epoch: false, epoch - 1: true} {
			if lost, err := c.LeaseLost(t.Context(), instance, held); lost != want || err != nil {
				t.Errorf("epoch %d lost while %d is the highest: %v, %v", held, epoch, lost, err)
			}
		}
	}
	if err := c.PutLease(t.Context(), instance, catalog.Lease{Epoch: 13}); err == nil {
		t.Error("a lease without a holder was written")
	}
}

func TestBeatAndAsk(t *testing.T) {
	_, c := withInstance(t)
	if _, ok, err := c.Beat(t.Context(), instance, 1); ok || err != nil {
		t.Errorf("beat: %v, %v", ok, err)
	}
	if _, ok, err := c.Ask(t.Context(), instance, 1); ok || err != nil {
		t.Errorf("ask: %v, %v", ok, err)
	}
	for n := range uint64(3) {
		beat := catalog.Beat{Version: 1, Epoch: 1, Count: n, Ended: n == 2}
		ask := catalog.Ask{Version: 1, Epoch: 1, By: fmt.Sprint(n), Role: "backup"}
		if err := errors.Join(c.PutBeat(t.Context(), instance, beat), c.PutAsk(t.Context(), instance, ask)); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := c.Beat(t.Context(), instance, 1); got != beat || !ok || err != nil {
			t.Errorf("beat %+v, %v, %v", got, ok, err)
		}
		if got, ok, err := c.Ask(t.Context(), instance, 1); got != ask || !ok || err != nil {
			t.Errorf("ask %+v, %v, %v", got, ok, err)
		}
	}
	// Beats and asks are no leases.
	if _, ok, err := c.LatestLease(t.Context(), instance); ok || err != nil {
		t.Errorf("lease: %v, %v", ok, err)
	}
}

// late is a store whose listings lack an object for a while, though they hold what was put behind it.
type late struct {
	storage.Bucket
	key   string
	times int
}

// List implements storage.Bucket.
func (l *late) List(ctx context.Context, prefix, from string) iter.Seq2[storage.Object, error] {
	lacks := l.times > 0
	l.times--
	return func(yield func(storage.Object, error) bool) {
		for o, err := range l.Bucket.List(ctx, prefix, from) {
			if (!lacks || o.Key != l.key) && !yield(o, err) {
				return
			}
		}
	}
}

// TestSegmentsThatWerePutWhileTheyAreListed: a listing need not hold the earlier of two objects that are put meanwhile.
func TestSegmentsThatWerePutWhileTheyAreListed(t *testing.T) {
	b, c := withInstance(t)
	file := randomFile(1000)
	var refs []catalog.SegmentRef
	for start := uint64(0); start < 1000; start += 250 {
		ref, data := encoded(t, "binlog.000007", file, start, start+250, 1)
		if err := c.PutSegment(t.Context(), instance, ref, data); err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	for _, lacking := range []uint64{0, 250, 500} {
		for _, from := range []uint64{0, 250, 500} {
			if from > lacking {
				continue
			}
			key := catalog.SegmentKey(instance, timeline, "binlog.000007", lacking, lacking+250)
			got, err := catalog.New(&late{b, key, 1}).Segments(t.Context(), instance, timeline, "binlog.000007", from)
			if err != nil || len(got) != len(refs)-int(from/250) {
				t.Errorf("from %d without %d at first: %v, %v", from, lacking, got, err)
			}
			got, err = catalog.New(&late{b, key, 100}).Segments(t.Context(), instance, timeline, "binlog.000007", from)
			if err != nil || len(got) != len(refs)-1-int(from/250) {
				t.Errorf("from %d without %d: %v, %v", from, lacking, got, err)
			}
		}
	}
}
