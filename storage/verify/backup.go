package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// named is an object that a manifest names.
type named struct {
	key   string
	below string // the key below the backup's folder
	size  int64  // -1 where the manifest does not say
	chunk *catalog.Chunk
	// sha256 is the hash of a definition's text; empty where the manifest does not say.
	sha256 string
}

// backup looks at the folder of one backup, and returns what it needs of the archive.
func (v *verifier) backup(ctx context.Context, instance, id string) ([]need, error) {
	key := catalog.ManifestKey(instance, id)
	there, err := v.Catalog.HasManifest(ctx, instance, id)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, v.unfinished(ctx, instance, id)
	}
	var m *catalog.Manifest
	v.phase.Doing(key)
	err = v.look(ctx, key, v.sizeOf(ctx, key), func() error {
		var err error
		if m, err = v.Catalog.Manifest(ctx, instance, id); err == nil {
			return nil
		}
		m = nil
		if there, lookErr := v.Catalog.HasManifest(ctx, instance, id); lookErr == nil && !there {
			return nil // withdrawn, or pruned, meanwhile
		}
		return err
	})
	if err != nil || m == nil {
		return nil, err
	}
	if err := v.intent(ctx, instance, id); err != nil {
		return nil, err
	}
	list, err := v.compare(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := v.prove(ctx, m, list); err != nil {
		return nil, err
	}
	return needsOf(m, v.add), nil
}

// sizeOf returns how many bytes an object has; 0 where the store does not say: whoever reads it learns why.
func (v *verifier) sizeOf(ctx context.Context, key string) int64 {
	o, err := v.Catalog.Bucket().Stat(ctx, key)
	if err != nil {
		return 0
	}
	return o.Size
}

// unfinished looks at a backup that runs, or was killed: its intent owns all that lies beside it.
func (v *verifier) unfinished(ctx context.Context, instance, id string) error {
	owned, err := v.Catalog.HasIntent(ctx, instance, id)
	if err != nil {
		return err
	}
	if owned {
		if err := v.intent(ctx, instance, id); err != nil {
			return err
		}
	}
	for o, err := range v.folder(ctx, instance, id) {
		switch {
		case err != nil:
		case o.Key == catalog.IntentKey(instance, id):
		case owned && catalog.InJournal(instance, id, o.Key):
			err = v.document(ctx, instance, o)
		case owned:
			v.looked(o.Size)
		default:
			// A backup may have begun, or ended, since its folder was looked at.
			begun, errBegun := v.Catalog.HasIntent(ctx, instance, id)
			done, errDone := v.Catalog.HasManifest(ctx, instance, id)
			if err := errors.Join(errBegun, errDone); err != nil || begun || done {
				return err
			}
			err = v.stray(ctx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) intent(ctx context.Context, instance, id string) error {
	key := catalog.IntentKey(instance, id)
	i, err := v.Catalog.Intent(ctx, instance, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil // a backup needs none once its manifest is there
	}
	if err == nil && (i.ID != id || i.Instance != instance) {
		err = storage.Altered(key, "is that of backup %q of instance %q", i.ID, i.Instance)
	}
	return v.look(ctx, key, v.sizeOf(ctx, key), func() error { return err })
}

func (v *verifier) folder(ctx context.Context, instance, id string) iter.Seq2[storage.Object, error] {
	prefix := catalog.BackupKey(instance, id, "")
	return func(yield func(storage.Object, error) bool) {
		for o, err := range v.Catalog.Bucket().List(ctx, prefix, "") {
			if err != nil {
				err = storage.Fault(fmt.Errorf("list %s: %w", prefix, err))
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// namedBy returns what a manifest names, in the order of keys.
func namedBy(m *catalog.Manifest) []named {
	var list []named
	add := func(n named) {
		n.key = catalog.BackupKey(m.Instance, m.ID, n.below)
		list = append(list, n)
	}
	for i := range m.Names {
		b := &m.Names[i]
		for j := range b.Chunks {
			c := &b.Chunks[j]
			add(named{below: c.Key, size: int64(c.BytesStored), chunk: c})
		}
	}
	for _, o := range m.SchemaObjects() {
		add(named{below: o.Key, size: -1, sha256: o.SHA256})
	}
	slices.SortFunc(list, func(a, b named) int { return cmp.Compare(a.key, b.key) })
	return list
}

// compare holds what the manifest names against what lies in the backup's folder, and returns
// what is there as it should be.
func (v *verifier) compare(ctx context.Context, m *catalog.Manifest) ([]named, error) {
	list := namedBy(m)
	whole := list[:0:0]
	next := 0
	gone := func(until string) error {
		for ; next < len(list) && (until == "" || list[next].key < until); next++ {
			if err := v.gone(ctx, m, list[next]); err != nil {
				return err
			}
		}
		return nil
	}
	for o, err := range v.folder(ctx, m.Instance, m.ID) {
		if err == nil {
			err = gone(o.Key)
		}
		if err != nil {
			return nil, err
		}
		if next >= len(list) || list[next].key != o.Key {
			if err := v.beside(ctx, m, o); err != nil {
				return nil, err
			}
			continue
		}
		n := list[next]
		next++
		if n.size >= 0 && n.size != o.Size {
			v.looked(o.Size)
			v.add(Problem{Object: n.key, Kind: Altered, Detail: fmt.Sprintf("it has %d bytes, %d were written", o.Size, n.size)})
			continue
		}
		n.size = o.Size
		whole = append(whole, n)
	}
	return whole, gone("")
}

// beside counts what lies in a finished backup's folder and is not named by its manifest. As long as there
// is a journal, that owns it: the backup was killed before it had removed what does not count.
func (v *verifier) beside(ctx context.Context, m *catalog.Manifest, o storage.Object) error {
	if v.Backup != "" || o.Key == catalog.ManifestKey(m.Instance, m.ID) || o.Key == catalog.IntentKey(m.Instance, m.ID) || catalog.InJournal(m.Instance, m.ID, o.Key) {
		return nil
	}
	journaled, err := v.Catalog.HasRun(ctx, m.Instance, m.ID, 1)
	if err != nil || journaled {
		return err
	}
	return v.stray(ctx, o)
}

// gone tells that an object is missing, unless the whole backup is by now: prune deletes a
// manifest first.
func (v *verifier) gone(ctx context.Context, m *catalog.Manifest, n named) error {
	_, err := v.Catalog.Bucket().Stat(ctx, n.key)
	if err == nil {
		return nil // listings may be behind
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return v.look(ctx, n.key, 0, func() error { return err })
	}
	there, err := v.Catalog.HasManifest(ctx, m.Instance, m.ID)
	if err != nil || !there {
		return err
	}
	v.add(Problem{Object: n.key, Kind: Missing, Detail: "the manifest of backup " + m.ID + " names it"})
	return nil
}

// prove reads what is proved by its content: definitions always, chunks with Deep.
func (v *verifier) prove(ctx context.Context, m *catalog.Manifest, list []named) error {
	g, gctx := together(ctx)
	for _, n := range list {
		if n.chunk != nil && !v.Deep {
			v.looked(n.size)
			v.phase.Add(progress.Amount{Bytes: n.size, Items: 1})
			continue
		}
		v.proveOne(gctx, g, m, n)
	}
	return g.Wait()
}

func (v *verifier) proveOne(ctx context.Context, g *errgroup.Group, m *catalog.Manifest, n named) {
	g.Go(func() error {
		v.phase.Doing(n.key)
		return v.look(ctx, n.key, n.size, func() error {
			var err error
			if n.chunk != nil {
				err = v.chunk(ctx, m, n)
			} else {
				err = v.definition(ctx, m, n)
			}
			if errors.Is(err, storage.ErrNotFound) {
				return v.gone(ctx, m, n)
			}
			return err
		})
	})
}
