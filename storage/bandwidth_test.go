package storage_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/storagetest"
)

func TestBandwidthConforms(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storage.Bucket { return storage.Limit(open(t), storage.NewBandwidth(64<<20)) })
}

// What passes in both directions, by several at once, is within the bound together.
func TestBandwidthBoundsPutAndGet(t *testing.T) {
	const bound, objects, size = 1 << 20, 4, 100 << 10
	b := storage.Limit(open(t), storage.NewBandwidth(bound))
	text := strings.Repeat("0123456789", size/10)
	began := time.Now()
	var work sync.WaitGroup
	for i := range objects {
		work.Go(func() {
			key := string(rune('a' + i))
			if err := b.Put(t.Context(), key, strings.NewReader(text), int64(len(text))); err != nil {
				t.Error(err)
				return
			}
			object, err := b.Get(t.Context(), key, 0, -1)
			if err != nil {
				t.Error(err)
				return
			}
			got, err := io.ReadAll(object)
			if err != nil || string(got) != text {
				t.Errorf("%s holds %d bytes, %v", key, len(got), err)
			}
			if err := object.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	// A burst passes at once.
	least := time.Second * (2*objects*size - bound/10) / bound
	if took := time.Since(began); took < least {
		t.Errorf("%d bytes took %s; the bound allows them in %s at the earliest", 2*objects*size, took, least)
	}
}

func TestBandwidthEndsWithItsContext(t *testing.T) {
	b := storage.Limit(open(t), storage.NewBandwidth(1<<10))
	storagetest.Put(t, b, "small", "x")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := b.Put(ctx, "large", strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("a put of 1 MiB at 1 KiB/s ended after %s with %v", time.Since(began), err)
	}
	if _, err := b.Stat(t.Context(), "large"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("it has left an object: %v", err)
	}
}

func TestNoBandwidthIsNoBound(t *testing.T) {
	if b := storage.NewBandwidth(0); b != nil {
		t.Errorf("a bound of nothing is %v", b)
	}
}
