package dumper

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// behindManifest is a store that calls do when a manifest has been put, and may refuse to delete.
type behindManifest struct {
	storage.Bucket
	do   func(ctx context.Context)
	keep error
}

func (b *behindManifest) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	err := b.Bucket.PutIfAbsent(ctx, key, body, size)
	if strings.HasSuffix(key, "/manifest.json") && err == nil {
		b.do(ctx)
	}
	return err
}

func (b *behindManifest) Delete(ctx context.Context, key string) error {
	if b.keep != nil && strings.HasSuffix(key, "/manifest.json") {
		return b.keep
	}
	return b.Bucket.Delete(ctx, key)
}

// losesSegments deletes the archive's segments.
func (s *site) losesSegments(ctx context.Context) {
	segments := 0
	for object, err := range s.gate.List(ctx, "", "") {
		if err != nil {
			s.t.Error(err)
			return
		}
		if strings.HasSuffix(object.Key, ".seg") {
			segments++
			if err := s.gate.Delete(ctx, object.Key); err != nil {
				s.t.Error(err)
			}
		}
	}
	if segments == 0 {
		s.t.Error("the archive has no segments: the test proves nothing")
	}
}

// TestW4FailureBehindTheManifest: an error means that no backup exists.
func TestW4FailureBehindTheManifest(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 5)...)...)
	refuses := errors.New("the store refuses")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	for _, c := range []struct {
		name  string
		do    func(*site, context.Context)
		keep  error
		left  int
		cause error
	}{
		{"the archive lost its segments", (*site).losesSegments, nil, 0, nil},
		{"the manifest cannot be deleted", (*site).losesSegments, refuses, 1, refuses},
		{"interrupted", func(*site, context.Context) { interrupt() }, nil, 0, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := siteOf(t, s.source)
			bucket := &behindManifest{Bucket: s.gate, do: func(ctx context.Context) { c.do(s, ctx) }, keep: c.keep}
			_, err := s.tryBackUp(ctx, func(cfg *Config) { cfg.Catalog = catalog.New(bucket) })
			if err == nil || c.cause != nil && !errors.Is(err, c.cause) {
				t.Fatalf("error %v, want one for %v", err, c.cause)
			}
			if c.left == 0 != strings.Contains(err.Error(), "no backup exists") {
				t.Errorf("error %v", err)
			}
			if f := fault.Of(err); c.left > 0 && (f.Kind != fault.KindStore || !strings.Contains(f.Hint, "manifest.json")) {
				t.Errorf("error %v with hint %q: want the object that has to go", err, f.Hint)
			}
			if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || len(ids) != c.left {
				t.Errorf("backups %v, %v", ids, err)
			}
		})
	}
}
