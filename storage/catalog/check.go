package catalog

import (
	"context"
	"fmt"
	"math"
	"path"
	"strings"

	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
)

// CheckDocument reads a document of the instance (PlaceDocument) and proves that it is whole, of
// a known version, and the one that belongs under its key. Damage is a fault of code 13, a newer
// version one of code 1; one that is gone by now wraps storage.ErrNotFound.
func (c *Catalog) CheckDocument(ctx context.Context, instance, key string) error {
	below := strings.TrimPrefix(key, Escape(instance)+"/")
	folder, _, _ := strings.Cut(below, "/")
	belongs := func(under, what string) error {
		if under != key {
			return storage.Altered(key, "is that of %s", what)
		}
		return nil
	}
	switch {
	case below == instanceName:
		_, err := c.Instance(ctx, instance)
		return err
	case folder == "holes":
		_, err := c.holeAt(ctx, instance, key)
		return err
	case folder == "limits":
		_, err := c.limitsAt(ctx, instance, key)
		return err
	case folder == "lease":
		return c.checkLease(ctx, instance, key)
	case folder == "binlog" && path.Base(key) == headName:
		var h Head
		if err := c.read(ctx, key, HeadVersion, &h); err != nil {
			return err
		}
		return belongs(HeadKey(instance, h.End.Timeline), "timeline "+string(h.End.Timeline))
	case folder == "binlog" && path.Base(key) == indexName:
		var x Index
		if err := c.read(ctx, key, IndexVersion, &x); err != nil {
			return err
		}
		if err := x.validate(); err != nil {
			return storage.Altered(key, "does not describe a file: %w", err)
		}
		return belongs(IndexKey(instance, x.Timeline, x.File), "the file "+x.File)
	case folder == "definitions":
		var d Definitions
		if err := c.read(ctx, key, DefinitionsVersion, &d); err != nil {
			return err
		}
		return belongs(DefinitionsKey(instance, d.Start), "a statement at "+d.Start.String())
	}
	// Of what this program does not read, the seal tells all that can be told.
	var any struct{}
	return c.read(ctx, key, math.MaxInt, &any)
}

// checkLease proves a lease, a beat or an ask: all three name their epoch.
func (c *Catalog) checkLease(ctx context.Context, instance, key string) error {
	var l struct {
		Epoch uint64 `json:"epoch"`
	}
	if err := c.read(ctx, key, LeaseVersion, &l); err != nil {
		return err
	}
	under := map[string]string{
		".json": leaseKey(instance, l.Epoch), ".beat": beatKey(instance, l.Epoch), ".ask": askKey(instance, l.Epoch),
	}[path.Ext(key)]
	if under != key {
		return storage.Altered(key, "is that of epoch %d", l.Epoch)
	}
	return nil
}

// CheckSegment reads a whole segment, proves it by every hash in it, and returns its header.
// Faults are those of SegmentHeader.
func (c *Catalog) CheckSegment(ctx context.Context, ref SegmentRef) (segment.Header, error) {
	h, err := c.checkSegment(ctx, ref.Key)
	if err != nil {
		return segment.Header{}, err
	}
	return h, ref.Fits(h)
}

// Fits tells whether a segment lies where it belongs: one that was moved is as good as altered.
func (r SegmentRef) Fits(h segment.Header) error {
	if h.Timeline != r.Timeline || h.File != r.File || h.Start != r.Start || h.End != r.End {
		return storage.Altered(r.Key, "holds %s to %d", h.StartPosition(), h.End)
	}
	return nil
}

// BackupFolders returns the ids of all folders of backups, oldest first, whatever is in them.
func (c *Catalog) BackupFolders(ctx context.Context, instance string) ([]string, error) {
	folders, err := c.folders(ctx, backupsPrefix(instance))
	if err != nil {
		return nil, fmt.Errorf("list the backups of instance %s: %w", instance, err)
	}
	var ids []string
	for _, folder := range folders {
		if id, ok := Unescape(folder); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// HasManifest tells whether a backup exists.
func (c *Catalog) HasManifest(ctx context.Context, instance, id string) (bool, error) {
	return c.has(ctx, ManifestKey(instance, id))
}

// HasIntent tells whether a backup was begun, and not yet removed.
func (c *Catalog) HasIntent(ctx context.Context, instance, id string) (bool, error) {
	return c.has(ctx, IntentKey(instance, id))
}
