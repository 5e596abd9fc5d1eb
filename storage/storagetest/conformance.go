package storagetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/storage"
)

// Opener returns an empty store for a test, and closes it when the test ends.
type Opener func(t testing.TB) storage.Bucket

// Run holds a driver to the contract of storage.Bucket.
func Run(t *testing.T, open Opener) {
	for _, rule := range []struct {
		name string
		test func(t *testing.T, b storage.Bucket)
	}{
		{"PutThenGet", putThenGet},
		{"PutReplaces", putReplaces},
		{"PutOfUnknownSize", putOfUnknownSize},
		{"PutOfShortBodyLeavesNothing", putOfShortBody},
		{"PutOfFailingBodyLeavesNothing", putOfFailingBody},
		{"PutOfShortBodyKeepsTheOldObject", putOfShortBodyKeeps},
		{"GetRanges", getRanges},
		{"NotFound", notFound},
		{"DeleteTwice", deleteTwice},
		{"KeysAreChecked", keysAreChecked},
		{"EveryByteOfTheAlphabet", everyByteOfTheAlphabet},
		{"ListIsInByteOrder", listIsInByteOrder},
		{"ListPrefixIsPlainText", listPrefixIsPlainText},
		{"ListFrom", listFrom},
		{"ListEndsEarly", listEndsEarly},
		{"ListOfRandomKeys", listOfRandomKeys},
		{"PutIfAbsentKeepsTheFirst", putIfAbsentKeepsTheFirst},
		{"PutIfAbsentHasOneWinner", putIfAbsentHasOneWinner},
		{"PutIfAbsentWithoutAbility", putIfAbsentWithoutAbility},
		{"ReadersSeeWholeObjects", readersSeeWholeObjects},
		{"ConcurrentPutsOfOneKey", concurrentPutsOfOneKey},
		{"ContextEnds", contextEnds},
	} {
		t.Run(rule.name, func(t *testing.T) {
			b := open(t)
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Errorf("close the store: %v", err)
				}
			})
			rule.test(t, b)
		})
	}
}

// Put stores text under key.
func Put(t testing.TB, b storage.Bucket, key, text string) {
	t.Helper()
	if err := b.Put(t.Context(), key, strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// Get returns the whole object.
func Get(t testing.TB, b storage.Bucket, key string) string {
	t.Helper()
	text, err := read(t.Context(), b, key, 0, -1)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return text
}

// Keys lists the keys of a prefix.
func Keys(t testing.TB, b storage.Bucket, prefix, from string) []string {
	t.Helper()
	var keys []string
	for object, err := range b.List(t.Context(), prefix, from) {
		if err != nil {
			t.Fatalf("list %q from %q: %v", prefix, from, err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}

func read(ctx context.Context, b storage.Bucket, key string, offset, length int64) (string, error) {
	r, err := b.Get(ctx, key, offset, length)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(r)
	return string(data), errors.Join(err, r.Close())
}

func mustBeAbsent(t *testing.T, b storage.Bucket, key string) {
	t.Helper()
	if _, err := b.Stat(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("stat %s: %v, want ErrNotFound", key, err)
	}
	if keys := Keys(t, b, key, ""); len(keys) != 0 {
		t.Errorf("list shows %q", keys)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

func putThenGet(t *testing.T, b storage.Bucket) {
	for _, size := range []int{0, 1, 4095, 4096, 1 << 20, 3<<20 + 17} {
		body := randomBytes(size)
		if err := b.Put(t.Context(), "a/b/object", bytes.NewReader(body), int64(size)); err != nil {
			t.Fatalf("put %d bytes: %v", size, err)
		}
		if got := Get(t, b, "a/b/object"); got != string(body) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
		object, err := b.Stat(t.Context(), "a/b/object")
		if err != nil || object != (storage.Object{Key: "a/b/object", Size: int64(size)}) {
			t.Errorf("stat after %d bytes: %+v, %v", size, object, err)
		}
	}
}

func putReplaces(t *testing.T, b storage.Bucket) {
	Put(t, b, "k", strings.Repeat("long", 1000))
	Put(t, b, "k", "short")
	if got := Get(t, b, "k"); got != "short" {
		t.Errorf("got %d bytes, want those of the second put", len(got))
	}
}

// onlyReader hides every other method of a reader.
type onlyReader struct{ io.Reader }

func putOfUnknownSize(t *testing.T, b storage.Bucket) {
	body := randomBytes(300_001)
	if err := b.Put(t.Context(), "stream", onlyReader{bytes.NewReader(body)}, -1); err != nil {
		t.Fatal(err)
	}
	if Get(t, b, "stream") != string(body) {
		t.Error("other bytes came back")
	}
}

func putOfShortBody(t *testing.T, b storage.Bucket) {
	if err := b.Put(t.Context(), "short", onlyReader{strings.NewReader("abc")}, 4); err == nil {
		t.Error("a body of 3 bytes was taken for 4")
	}
	mustBeAbsent(t, b, "short")
	if err := b.Put(t.Context(), "long", onlyReader{strings.NewReader("abcde")}, 4); err == nil {
		t.Error("a body of 5 bytes was taken for 4")
	}
	mustBeAbsent(t, b, "long")
}

var errBody = errors.New("the body failed")

// failing gives text, then errBody.
func failing(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), onlyReader{errorReader{}})
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errBody }

func putOfFailingBody(t *testing.T, b storage.Bucket) {
	for _, size := range []int64{-1, 3, 100} {
		if err := b.Put(t.Context(), "failed", failing("abc"), size); !errors.Is(err, errBody) {
			t.Errorf("size %d: put said %v, want the body's error", size, err)
		}
		mustBeAbsent(t, b, "failed")
	}
}

func putOfShortBodyKeeps(t *testing.T, b storage.Bucket) {
	Put(t, b, "k", "the old one")
	if err := b.Put(t.Context(), "k", failing("the new"), -1); err == nil {
		t.Error("a failing body was stored")
	}
	if got := Get(t, b, "k"); got != "the old one" {
		t.Errorf("got %q", got)
	}
}

func getRanges(t *testing.T, b storage.Bucket) {
	const text = "0123456789"
	Put(t, b, "k", text)
	for _, r := range []struct {
		offset, length int64
		want           string
	}{{0, -1, text}, {3, -1, "3456789"}, {3, 4, "3456"}, {9, 1, "9"}, {8, 100, "89"}, {10, -1, ""}, {10, 5, ""}, {4, 0, ""}, {0, 10, text}} {
		got, err := read(t.Context(), b, "k", r.offset, r.length)
		if err != nil || got != r.want {
			t.Errorf("get(%d, %d) = %q, %v; want %q", r.offset, r.length, got, err, r.want)
		}
	}
	if got, err := read(t.Context(), b, "k", 11, -1); err == nil {
		t.Errorf("an offset behind the end gave %q", got)
	}
}

func notFound(t *testing.T, b storage.Bucket) {
	Put(t, b, "a/b", "x")
	for _, key := range []string{"missing", "a/missing", "a/b/missing", "a", "missing/missing"} {
		if _, err := read(t.Context(), b, key, 0, -1); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("get %s: %v, want ErrNotFound", key, err)
		}
		if _, err := b.Stat(t.Context(), key); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("stat %s: %v, want ErrNotFound", key, err)
		}
	}
	if keys := Keys(t, b, "missing/", ""); len(keys) != 0 {
		t.Errorf("a prefix without objects lists %q", keys)
	}
}

func deleteTwice(t *testing.T, b storage.Bucket) {
	Put(t, b, "a/k", "x")
	Put(t, b, "a/kk", "y")
	for range 2 {
		if err := b.Delete(t.Context(), "a/k"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), "never/was/there"); err != nil {
		t.Fatal(err)
	}
	if keys := Keys(t, b, "", ""); len(keys) != 1 || keys[0] != "a/kk" {
		t.Errorf("left: %q", keys)
	}
	Put(t, b, "a/k", "again")
	if got := Get(t, b, "a/k"); got != "again" {
		t.Errorf("got %q", got)
	}
}

func keysAreChecked(t *testing.T, b storage.Bucket) {
	for _, key := range []string{"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/./b", "ä", "a b", "a\x00b", "a\\b", "a:b", "a#b"} {
		if err := b.Put(t.Context(), key, strings.NewReader(""), 0); err == nil {
			t.Errorf("put took the key %q", key)
		}
		if _, err := b.Get(t.Context(), key, 0, -1); err == nil {
			t.Errorf("get took the key %q", key)
		}
		if err := b.Delete(t.Context(), key); err == nil {
			t.Errorf("delete took the key %q", key)
		}
	}
}

func everyByteOfTheAlphabet(t *testing.T, b storage.Bucket) {
	keys := []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/0123456789", "_.~%-/%41/a%2Fb", "..a/a..", "%E2%82%AC", strings.Repeat("n", 240) + "/" + strings.Repeat("%41", 80)}
	for _, key := range keys {
		Put(t, b, key, key)
	}
	for _, key := range keys {
		if got := Get(t, b, key); got != key {
			t.Errorf("%s holds %q", key, got)
		}
	}
	if got := Keys(t, b, "", ""); len(got) != len(keys) {
		t.Errorf("listed %q", got)
	}
}
