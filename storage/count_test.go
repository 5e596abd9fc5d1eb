package storage_test

import (
	"io"
	"testing"

	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/file"
	"github.com/tripod-db/tripod/storage/storagetest"
)

func TestReadsAreCounted(t *testing.T) {
	b, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var count storage.ReadCount
	counted := storage.CountReads(b, &count)
	storagetest.Put(t, counted, "a", "twenty bytes of text")
	for _, c := range []struct{ offset, length, read, want int64 }{{0, -1, 100, 20}, {5, 3, 100, 23}, {0, -1, 7, 30}, {0, -1, 0, 30}} {
		r, err := counted.Get(t.Context(), "a", c.offset, c.length)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, r, c.read); err != nil && err != io.EOF { //nolint:errorlint // CopyN returns it bare
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if count.Bytes() != c.want {
			t.Errorf("%+v: %d bytes are counted", c, count.Bytes())
		}
	}
	if _, err := counted.Get(t.Context(), "b", 0, -1); err == nil || count.Bytes() != 30 {
		t.Errorf("an object that is not there: %v, %d bytes", err, count.Bytes())
	}
}
