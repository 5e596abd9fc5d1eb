package archive_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// interruptingBucket interrupts its user when a lease was put.
type interruptingBucket struct {
	storage.Bucket
	interrupt func()
	silent    bool // about the lease that it took
}

func (b *interruptingBucket) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	err := b.Bucket.PutIfAbsent(ctx, key, body, size)
	if !strings.Contains(key, "/lease/") {
		return err
	}
	b.interrupt()
	if b.silent {
		return errors.Join(err, context.Canceled)
	}
	return err
}

// An archiver that is interrupted while it takes the lease leaves none behind that the next one,
// from wherever it comes, has to wait for.
func TestInterruptedWhileTakingTheLease(t *testing.T) {
	source := mysqltest.Source(t)
	for name, silent := range map[string]bool{"taken": false, "taken without a word": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, source)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := s.config(t)
			c.Catalog = catalog.New(&interruptingBucket{Bucket: s.bucket, interrupt: cancel, silent: silent})
			if _, err := archive.Run(ctx, c); !errors.Is(err, context.Canceled) {
				t.Fatalf("the archiver ended with %v", err)
			}
			l := s.lease(t)
			if beat, ok, err := s.catalog().Beat(t.Context(), instance, l.Epoch); l.Epoch != 1 || err != nil || !ok || !beat.Ended {
				t.Errorf("lease %+v, beat %+v %v: %v", l, beat, ok, err)
			}
		})
	}
}
