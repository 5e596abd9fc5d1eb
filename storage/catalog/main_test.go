package catalog_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instance needs escaping wherever it stands in a key.
const instance = "shop.€ 1"

// store returns an empty store and its catalogue.
func store(t testing.TB) (storage.Bucket, *catalog.Catalog) {
	t.Helper()
	b, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b, catalog.New(b)
}

// withInstance returns a store that holds instance.
func withInstance(t testing.TB) (storage.Bucket, *catalog.Catalog) {
	t.Helper()
	b, c := store(t)
	if err := c.EnsureInstance(t.Context(), catalog.Instance{Name: instance, Flavor: "mysql"}); err != nil {
		t.Fatal(err)
	}
	return b, c
}

// wantFault fails the test unless err is a fault of that code and kind.
func wantFault(t testing.TB, err error, code int, kind fault.Kind) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || f.Kind != kind {
		t.Errorf("%v: %+v, want a fault of code %d, kind %s", err, f, code, kind)
		return
	}
	if f.Hint == "" {
		t.Errorf("%v: no hint", err)
	}
}
