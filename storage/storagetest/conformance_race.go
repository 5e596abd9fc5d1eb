package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tripod-db/tripod/storage"
)

// conditional returns whether the store says that it can put if absent.
func conditional(t *testing.T, b storage.Bucket) bool {
	t.Helper()
	p, err := b.Properties(t.Context())
	if err != nil {
		t.Fatalf("probe: %v", err)
	}
	return p.PutIfAbsent
}

func putIfAbsentKeepsTheFirst(t *testing.T, b storage.Bucket) {
	if !conditional(t, b) {
		t.Log("the store has no put-if-absent; PutIfAbsentWithoutAbility holds it to that")
		return
	}
	if keys := Keys(t, b, "", ""); len(keys) != 0 {
		t.Errorf("the probe left %q", keys)
	}
	if err := b.PutIfAbsent(t.Context(), "a/k", strings.NewReader("first"), 5); err != nil {
		t.Fatal(err)
	}
	if err := b.PutIfAbsent(t.Context(), "a/k", strings.NewReader("second"), 6); !errors.Is(err, storage.ErrExists) {
		t.Errorf("second put-if-absent: %v, want ErrExists", err)
	}
	if got := Get(t, b, "a/k"); got != "first" {
		t.Errorf("got %q", got)
	}
	if err := b.PutIfAbsent(t.Context(), "a/failed", failing("abc"), -1); !errors.Is(err, errBody) {
		t.Errorf("a failing body: %v", err)
	}
	mustBeAbsent(t, b, "a/failed")
	if err := b.Delete(t.Context(), "a/k"); err != nil {
		t.Fatal(err)
	}
	if err := b.PutIfAbsent(t.Context(), "a/k", strings.NewReader("third"), 5); err != nil {
		t.Errorf("put-if-absent of a deleted key: %v", err)
	}
}

func putIfAbsentHasOneWinner(t *testing.T, b storage.Bucket) {
	if !conditional(t, b) {
		return
	}
	const writers, rounds = 8, 20
	for round := range rounds {
		key := fmt.Sprintf("race/%d", round)
		var winners atomic.Int32
		var winner atomic.Value
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				body := strings.Repeat(fmt.Sprint(w), 1000)
				switch err := b.PutIfAbsent(t.Context(), key, strings.NewReader(body), int64(len(body))); {
				case err == nil:
					winners.Add(1)
					winner.Store(body)
				case !errors.Is(err, storage.ErrExists):
					t.Errorf("writer %d: %v", w, err)
				}
			})
		}
		all.Wait()
		if winners.Load() != 1 {
			t.Fatalf("round %d had %d winners", round, winners.Load())
		}
		if Get(t, b, key) != winner.Load() {
			t.Fatalf("round %d holds the bytes of a loser", round)
		}
	}
}

func putIfAbsentWithoutAbility(t *testing.T, b storage.Bucket) {
	if conditional(t, b) {
		return
	}
	if err := b.PutIfAbsent(t.Context(), "k", strings.NewReader("x"), 1); !errors.Is(err, storage.ErrNoConditionalPut) {
		t.Errorf("put-if-absent: %v, want ErrNoConditionalPut", err)
	}
	mustBeAbsent(t, b, "k")
}

// readersSeeWholeObjects reads a key while it is replaced by objects of one letter each.
func readersSeeWholeObjects(t *testing.T, b storage.Bucket) {
	const size, puts = 200_000, 40
	body := func(n int) []byte { return bytes.Repeat([]byte{'a' + byte(n%26)}, size) }
	put := func(n int) error { return b.Put(t.Context(), "k", bytes.NewReader(body(n)), size) }
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := read(t.Context(), b, "k", 0, -1)
				if err != nil {
					t.Errorf("read: %v", err)
					return
				}
				if len(got) != size || strings.Count(got, got[:1]) != size {
					t.Errorf("a reader saw %d bytes of a mixed or partial object", len(got))
					return
				}
			}
		})
	}
	for n := range puts {
		if err := put(n); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	all.Wait()
}

func concurrentPutsOfOneKey(t *testing.T, b storage.Bucket) {
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			body := bytes.Repeat([]byte{'a' + byte(w)}, 50_000+w)
			if err := b.Put(t.Context(), "x/y/z", bytes.NewReader(body), int64(len(body))); err != nil {
				t.Errorf("writer %d: %v", w, err)
			}
		})
	}
	all.Wait()
	got := Get(t, b, "x/y/z")
	if w := int(got[0] - 'a'); len(got) != 50_000+w || strings.Count(got, got[:1]) != len(got) {
		t.Errorf("%d bytes of a mixed object", len(got))
	}
	if keys := Keys(t, b, "", ""); len(keys) != 1 {
		t.Errorf("left behind: %q", keys)
	}
}

// cancelingReader cancels a context when it is first read.
type cancelingReader struct{ cancel context.CancelFunc }

func (r cancelingReader) Read(p []byte) (int, error) {
	r.cancel()
	return copy(p, "some"), nil
}

func contextEnds(t *testing.T, b storage.Bucket) {
	Put(t, b, "k", strings.Repeat("x", 1<<20))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ended, "new", strings.NewReader("x"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	mustBeAbsent(t, b, "new")
	if _, err := read(ended, b, "k", 0, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("get: %v", err)
	}
	if _, err := b.Stat(ended, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("stat: %v", err)
	}
	if err := b.Delete(ended, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	var listed error
	for _, listed = range b.List(ended, "", "") {
		break
	}
	if !errors.Is(listed, context.Canceled) {
		t.Errorf("list: %v", listed)
	}
	// In the middle of a body without end.
	running, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := b.Put(running, "endless", cancelingReader{cancel}, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("put whose context ends meanwhile: %v", err)
	}
	mustBeAbsent(t, b, "endless")
	// In the middle of reading.
	reading, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := b.Get(reading, "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("read whose context ended: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
