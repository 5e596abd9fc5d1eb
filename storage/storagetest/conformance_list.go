package storagetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/storage"
)

// tricky are keys whose order is neither that of a walk through folders nor that of a sort by
// parts: "-", "." and "%" stand before "/", digits behind it.
var tricky = []string{
	"a-b", "a-b/c", "a.b", "a/b", "a/b-c", "a/b/c", "a/b0", "a0", "a0/b", "a%2Fb", "a~b", "b", "B", "_", "a/B", "a/b.c/d", "a/b%/d",
}

func init() {
	// A key that is also the folder of another cannot be had in every store, and is no key of tripod's.
	tricky = slices.DeleteFunc(tricky, func(key string) bool {
		return slices.ContainsFunc(tricky, func(other string) bool { return strings.HasPrefix(other, key+"/") })
	})
}

func putAll(t *testing.T, b storage.Bucket, keys []string) []string {
	t.Helper()
	for _, i := range rand.Perm(len(keys)) {
		Put(t, b, keys[i], keys[i])
	}
	return slices.Sorted(slices.Values(keys))
}

func listIsInByteOrder(t *testing.T, b storage.Bucket) {
	sorted := putAll(t, b, tricky)
	if got := Keys(t, b, "", ""); !slices.Equal(got, sorted) {
		t.Errorf("listed\n%q, want\n%q", got, sorted)
	}
	for object, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if object.Size != int64(len(object.Key)) {
			t.Errorf("%s has %d bytes in the listing", object.Key, object.Size)
		}
	}
}

// check compares a listing with what the sorted keys say.
func check(t *testing.T, b storage.Bucket, sorted []string, prefix, from string) {
	t.Helper()
	var want []string
	for _, key := range sorted {
		if strings.HasPrefix(key, prefix) && key >= from {
			want = append(want, key)
		}
	}
	if got := Keys(t, b, prefix, from); !slices.Equal(got, want) {
		t.Errorf("list(%q, %q)\n got %q\nwant %q", prefix, from, got, want)
	}
}

func listPrefixIsPlainText(t *testing.T, b storage.Bucket) {
	sorted := putAll(t, b, tricky)
	for _, prefix := range []string{"a", "a/", "a/b", "a/b/", "a/b-", "a-", "a%", "b", "c", "a/b.c/d", "a/b.c/d/", "A", "~", "/", "a//", "../"} {
		check(t, b, sorted, prefix, "")
	}
}

func listFrom(t *testing.T, b storage.Bucket) {
	sorted := putAll(t, b, tricky)
	froms := []string{"", " ", "a", "a/", "a/b", "a/b\x00", "a/b/", "a/b/c", "a/b/c\x00", "a/b0", "a0", "a-", "zzz", "\xff", "a/zzz", "a/b/zzz"}
	for _, from := range append(froms, sorted...) {
		for _, prefix := range []string{"", "a", "a/", "a/b", "a/b/", "b"} {
			check(t, b, sorted, prefix, from)
		}
	}
}

func listEndsEarly(t *testing.T, b storage.Bucket) {
	sorted := putAll(t, b, tricky)
	for object, err := range b.List(t.Context(), "", "") {
		if err != nil || object.Key != sorted[0] {
			t.Fatalf("first: %q, %v", object.Key, err)
		}
		break
	}
}

func listOfRandomKeys(t *testing.T, b storage.Bucket) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	const alphabet = "ab-.0_%/"
	var keys []string
	for len(keys) < 60 {
		key := ""
		for range 1 + random.IntN(7) {
			key += string(alphabet[random.IntN(len(alphabet))])
		}
		clash := slices.ContainsFunc(keys, func(other string) bool {
			return key == other || strings.HasPrefix(key, other+"/") || strings.HasPrefix(other, key+"/")
		})
		if storage.CheckKey(key) == nil && !clash {
			keys = append(keys, key)
		}
	}
	sorted := putAll(t, b, keys)
	for range 200 {
		prefix, from := keys[random.IntN(len(keys))], keys[random.IntN(len(keys))]
		check(t, b, sorted, prefix[:random.IntN(len(prefix)+1)], from[:random.IntN(len(from)+1)])
	}
}
