package storage_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/file"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// A probe tells which operation fails, and leaves nothing behind.
func TestProbe(t *testing.T) {
	fails := errors.New("no")
	for _, c := range []struct {
		name  string
		fault storagetest.Fault
		want  map[string]bool // operations that fail
		tried int
	}{
		{"all is well", nil, nil, 6},
		{"read-only", func(_ context.Context, op storagetest.Operation, _ string) error {
			if op == storagetest.OpPut || op == storagetest.OpPutIfAbsent || op == storagetest.OpDelete {
				return storage.ErrReadOnly
			}
			return nil
		}, map[string]bool{"put": true}, 2},
		{"no get", failing(storagetest.OpGet, fails), map[string]bool{"get": true}, 6},
		{"no list", failing(storagetest.OpList, fails), map[string]bool{"list": true}, 6},
		{"no put-if-absent", failing(storagetest.OpPutIfAbsent, storage.ErrNoConditionalPut), map[string]bool{"put-if-absent": true}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := file.Open(t.TempDir(), file.Options{})
			if err != nil {
				t.Fatal(err)
			}
			storagetest.Put(t, b, "shop/instance.json", "{}")
			trials := storage.Probe(t.Context(), &storagetest.Faulty{Bucket: b, Before: c.fault})
			if len(trials) != c.tried {
				t.Errorf("%d operations were tried, want %d", len(trials), c.tried)
			}
			for _, trial := range trials {
				if (trial.Err != nil) != c.want[trial.Operation] {
					t.Errorf("%s: %v", trial.Operation, trial.Err)
				}
			}
			for o, err := range b.List(t.Context(), "", "") {
				if err != nil || o.Key != "shop/instance.json" {
					t.Errorf("left behind: %s, %v", o.Key, err)
				}
			}
		})
	}
}

func failing(of storagetest.Operation, err error) storagetest.Fault {
	return func(_ context.Context, op storagetest.Operation, _ string) error {
		if op == of {
			return err
		}
		return nil
	}
}

// A delete that is refused is told: the probe's objects stay.
func TestProbeTellsWhatItCannotRemove(t *testing.T) {
	b, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	trials := storage.Probe(t.Context(), &storagetest.Faulty{Bucket: b, Before: failing(storagetest.OpDelete, storage.ErrReadOnly)})
	last := trials[len(trials)-1]
	if last.Operation != "delete" || !errors.Is(last.Err, storage.ErrReadOnly) {
		t.Errorf("%+v", trials)
	}
}

// A signal in the middle does not leave the object behind.
func TestProbeEndsWithItsContext(t *testing.T) {
	b, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	storage.Probe(ctx, &storagetest.Faulty{Bucket: b, Before: func(ctx context.Context, op storagetest.Operation, _ string) error {
		if op == storagetest.OpGet {
			cancel()
		}
		return ctx.Err()
	}})
	for o, err := range b.List(t.Context(), "", "") {
		t.Errorf("left behind: %s, %v", o.Key, err)
	}
}
