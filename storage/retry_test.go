package storage_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/file"
	"github.com/tripod-db/tripod/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon makes retries quick enough for tests.
var soon = storage.RetryOptions{Limit: 200 * time.Millisecond, First: time.Millisecond, Longest: 4 * time.Millisecond}

func open(t testing.TB) storage.Bucket {
	t.Helper()
	b, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStackConforms(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storage.Bucket {
		return storage.Stack(open(t), storage.Options{Retry: soon, Bandwidth: storage.NewBandwidth(64 << 20)})
	})
}

func TestRetryMendsEveryOperation(t *testing.T) {
	for _, op := range []storagetest.Operation{storagetest.OpPut, storagetest.OpPutIfAbsent, storagetest.OpGet, storagetest.OpRead,
		storagetest.OpStat, storagetest.OpList, storagetest.OpDelete, storagetest.OpProperties} {
		t.Run(string(op), func(t *testing.T) {
			under := open(t)
			storagetest.Put(t, under, "old", "old")
			var told []string
			o := soon
			o.OnRetry = func(operation, _ string, _ error) { told = append(told, operation) }
			waits, waited := 0, 0
			o.Waits = func(string, string) func() {
				waits++
				return func() { waited++ }
			}
			b := storage.Retry(storagetest.FailOnce(under, op, ""), o)

			storagetest.Put(t, b, "a", "text of a")
			if err := b.PutIfAbsent(t.Context(), "b", strings.NewReader("text of b"), -1); err != nil {
				t.Error(err)
			}
			if got := storagetest.Get(t, b, "a"); got != "text of a" {
				t.Errorf("a holds %q", got)
			}
			if got := storagetest.Get(t, b, "b"); got != "text of b" {
				t.Errorf("b holds %q", got)
			}
			if _, err := b.Stat(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			if err := b.Delete(t.Context(), "old"); err != nil {
				t.Error(err)
			}
			if _, err := b.Properties(t.Context()); err != nil {
				t.Error(err)
			}
			if keys := storagetest.Keys(t, b, "", ""); !slices.Equal(keys, []string{"a", "b"}) {
				t.Errorf("listed %q", keys)
			}
			if len(told) != 1 || waits != 1 || waited != 1 {
				t.Errorf("retries: %q, want one; %d waits of which %d are over", told, waits, waited)
			}
		})
	}
}

// brokenAfter lets n reads of each body pass, then breaks.
func brokenAfter(under storage.Bucket, n int) *storagetest.Faulty {
	reads := 0
	return &storagetest.Faulty{Bucket: under, Before: func(_ context.Context, op storagetest.Operation, _ string) error {
		if op != storagetest.OpRead {
			return nil
		}
		if reads++; reads%(n+1) == 0 {
			return storagetest.ErrBroken
		}
		return nil
	}}
}

func TestReaderGoesOnWhereItWas(t *testing.T) {
	under := open(t)
	text := strings.Repeat("0123456789", 10_000)
	storagetest.Put(t, under, "k", text)
	b := storage.Retry(brokenAfter(under, 3), soon)
	for _, part := range []struct{ offset, length int64 }{{0, -1}, {17, -1}, {5, 60_000}} {
		r, err := b.Get(t.Context(), "k", part.offset, part.length)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		// Small reads, so that it breaks often.
		if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{r}, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		want := text[part.offset:]
		if part.length >= 0 {
			want = want[:part.length]
		}
		if got.String() != want {
			t.Errorf("%+v: %d other bytes", part, got.Len())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestListingGoesOnBehindTheLastKey(t *testing.T) {
	under := open(t)
	want := []string{"a-b", "a/b", "a/c", "b", "c/d/e", "d"}
	for _, key := range want {
		storagetest.Put(t, under, key, "x")
	}
	calls := 0
	b := storage.Retry(&storagetest.Faulty{Bucket: under, Before: func(_ context.Context, op storagetest.Operation, _ string) error {
		if calls++; op == storagetest.OpList && calls%2 == 0 {
			return storagetest.ErrBroken
		}
		return nil
	}}, soon)
	if got := storagetest.Keys(t, b, "", ""); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

// TestPutIfAbsentWithLostAnswer: the first try had stored the object, its answer was lost. The
// second meets it and has to know that it is ours.
func TestPutIfAbsentWithLostAnswer(t *testing.T) {
	under := open(t)
	large := strings.Repeat("a segment, larger than a block ", 5000)
	b := storage.Retry(storagetest.LoseAnswerOnce(under, "large"), soon)
	if err := b.PutIfAbsent(t.Context(), "large", strings.NewReader(large), -1); err != nil {
		t.Errorf("the winner was told %v", err)
	}
	for n, other := range []string{large + "x", large[:len(large)-1], "x" + large[1:]} {
		b := storage.Retry(storagetest.LoseAnswerOnce(under, "large"), soon)
		if err := b.PutIfAbsent(t.Context(), "large", strings.NewReader(other), -1); !errors.Is(err, storage.ErrExists) {
			t.Errorf("loser %d was told %v", n, err)
		}
	}
	b = storage.Retry(storagetest.LoseAnswerOnce(under, "lease"), soon)
	if err := b.PutIfAbsent(t.Context(), "lease", strings.NewReader("holder 1"), 8); err != nil {
		t.Errorf("the winner was told %v", err)
	}
	if err := b.PutIfAbsent(t.Context(), "lease", strings.NewReader("holder 2"), 8); !errors.Is(err, storage.ErrExists) {
		t.Errorf("the loser was told %v", err)
	}

	storagetest.Put(t, under, "lease2", "holder 1")
	b = storage.Retry(storagetest.LoseAnswerOnce(under, "lease2"), soon)
	if err := b.PutIfAbsent(t.Context(), "lease2", strings.NewReader("holder 2"), 8); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a loser with a lost answer was told %v", err)
	}
	if got := storagetest.Get(t, under, "lease2"); got != "holder 1" {
		t.Errorf("got %q", got)
	}
}

func TestRetryGivesUp(t *testing.T) {
	under := open(t)
	tries := 0
	down := &storagetest.Faulty{Bucket: under, Before: func(context.Context, storagetest.Operation, string) error {
		tries++
		return storagetest.ErrBroken
	}}
	if err := storage.Retry(down, soon).Put(t.Context(), "k", strings.NewReader("x"), 1); !errors.Is(err, storagetest.ErrBroken) || tries < 3 {
		t.Errorf("%v after %d tries", err, tries)
	}
	// A body that cannot be read again gets one try.
	tries = 0
	if err := storage.Retry(down, soon).Put(t.Context(), "k", io.LimitReader(strings.NewReader("x"), 1), 1); !errors.Is(err, storagetest.ErrBroken) || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := storage.RetryOptions{First: time.Hour, OnRetry: func(string, string, error) { cancel() }}
	if _, err := storage.Retry(down, o).Stat(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("a pause outlasts its context: %v", err)
	}
}

func TestRetryKnowsPermanentErrors(t *testing.T) {
	under := open(t)
	for _, permanent := range []error{storage.ErrReadOnly, storage.ErrFull, storage.ErrNotFound, storage.Permanent(errors.New("refused")), context.Canceled} {
		tries := 0
		b := storage.Retry(&storagetest.Faulty{Bucket: under, Before: func(context.Context, storagetest.Operation, string) error {
			tries++
			return permanent
		}}, soon)
		if _, err := b.Stat(t.Context(), "k"); !errors.Is(err, permanent) || tries != 1 {
			t.Errorf("%v: %v after %d tries", permanent, err, tries)
		}
	}
}

func TestReaderThatGaveUpStaysFailed(t *testing.T) {
	under := open(t)
	storagetest.Put(t, under, "k", "text")
	opened := false
	b := storage.Retry(&storagetest.Faulty{Bucket: under, Before: func(_ context.Context, op storagetest.Operation, _ string) error {
		if op == storagetest.OpGet && !opened {
			opened = true
			return nil
		}
		return storagetest.ErrBroken
	}}, soon)
	r, err := b.Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := r.Read(make([]byte, 10)); n != 0 || !errors.Is(err, storagetest.ErrBroken) {
			t.Errorf("read %d bytes, %v", n, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestDecorators(t *testing.T) {
	under := open(t)
	storagetest.Put(t, under, "k", "0123456789")
	if got := storagetest.Get(t, storagetest.Flip(under, "k", 4), "k"); got != "0123556789" {
		t.Errorf("flipped: %q", got)
	}
	if got := storagetest.Get(t, storagetest.Truncate(under, "k", 4), "k"); got != "0123" {
		t.Errorf("truncated: %q", got)
	}
	if got := storagetest.Get(t, storagetest.Append(under, "k", "x"), "k"); got != "0123456789x" {
		t.Errorf("appended: %q", got)
	}
	put := func(b storage.Bucket, key string, size int) error {
		return b.Put(t.Context(), key, strings.NewReader(strings.Repeat("x", size)), int64(size))
	}
	full := storagetest.Full(under, 10)
	if err := errors.Join(put(full, "f1", 4), put(full, "f2", 6)); err != nil {
		t.Error(err)
	}
	if err := put(full, "f3", 1); !errors.Is(err, storage.ErrFull) {
		t.Errorf("full: %v", err)
	}
	if err := put(storagetest.ReadOnly(under), "r", 1); !errors.Is(err, storage.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
	crash := storagetest.Crash(under, 10)
	if err := put(crash, "c1", 8); err != nil {
		t.Error(err)
	}
	if err := put(crash, "c2", 8); !errors.Is(err, storagetest.ErrCrashed) {
		t.Errorf("crash: %v", err)
	}
	if _, err := crash.Stat(t.Context(), "c1"); !errors.Is(err, storagetest.ErrCrashed) {
		t.Errorf("behind the crash: %v", err)
	}
	if keys := storagetest.Keys(t, under, "c", ""); !slices.Equal(keys, []string{"c1"}) {
		t.Errorf("the crash left %q", keys)
	}
	release := make(chan struct{})
	slow := storagetest.Slow(under, "k", release)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := slow.Stat(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	close(release)
	if _, err := slow.Stat(t.Context(), "k"); err != nil {
		t.Errorf("released: %v", err)
	}
}
