package catalog_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// unconditional is a store that cannot put if absent.
type unconditional struct{ storage.Bucket }

func (unconditional) PutIfAbsent(context.Context, string, io.Reader, int64) error {
	return storage.ErrNoConditionalPut
}

func (unconditional) Properties(context.Context) (storage.Properties, error) {
	return storage.Properties{}, nil
}

// TestStoreWithoutConditionalPut: everything works but the lease, which is refused.
func TestStoreWithoutConditionalPut(t *testing.T) {
	b, _ := store(t)
	c := catalog.New(unconditional{b})
	if err := c.EnsureInstance(t.Context(), catalog.Instance{Name: instance}); err != nil {
		t.Fatal(err)
	}
	if single, err := c.SingleWriterOnly(t.Context()); !single || err != nil {
		t.Errorf("single writer only: %v, %v", single, err)
	}
	if single, err := catalog.New(b).SingleWriterOnly(t.Context()); single || err != nil {
		t.Errorf("a store with put-if-absent: %v, %v", single, err)
	}
	err := c.PutLease(t.Context(), instance, catalog.Lease{Epoch: 1, Holder: "h"})
	wantFault(t, err, fault.CodeFailed, fault.KindStore)
	if !errors.Is(err, storage.ErrNoConditionalPut) {
		t.Errorf("lease: %v", err)
	}
	file := randomFile(100)
	ref, data := encoded(t, "binlog.000001", file, 0, 100, 1)
	_, other := encoded(t, "binlog.000001", randomFile(100), 0, 100, 1)
	for range 2 {
		if err := c.PutSegment(t.Context(), instance, ref, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.PutSegment(t.Context(), instance, ref, other); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("another history: %v", err)
	}
	id, err := c.CreateIntent(t.Context(), catalog.Intent{Instance: instance}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.PutManifest(t.Context(), manifest(id)); err != nil {
		t.Fatal(err)
	}
	if err := c.PutManifest(t.Context(), manifest(id)); !errors.Is(err, storage.ErrExists) {
		t.Errorf("a manifest was replaced: %v", err)
	}
}
