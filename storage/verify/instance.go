package verify

import (
	"context"
	"errors"

	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// instance looks at all of one instance.
func (v *verifier) instance(ctx context.Context, instance string) error {
	if err := v.documents(ctx, instance); err != nil {
		return err
	}
	if err := v.instanceDocument(ctx, instance); err != nil {
		return err
	}
	ids, err := v.Catalog.BackupFolders(ctx, instance)
	if err != nil {
		return err
	}
	var needs []need
	for _, id := range ids {
		n, err := v.backup(ctx, instance, id)
		if err != nil {
			return err
		}
		needs = append(needs, n...)
	}
	return v.archive(ctx, instance, needs)
}

// instanceDocument tells that instance.json is missing: of what lies in its place documents tells.
func (v *verifier) instanceDocument(ctx context.Context, instance string) error {
	_, err := v.Catalog.Bucket().Stat(ctx, catalog.InstanceKey(instance))
	if errors.Is(err, storage.ErrNotFound) {
		v.add(Problem{Object: catalog.InstanceKey(instance), Kind: Missing, Detail: "the folder of the instance has none"})
		return nil
	}
	return storage.Fault(err)
}

// documents lists the instance once: what stands for itself is proved, what nobody writes is
// counted, and the sizes of the rest tell how much there is to do. For one backup it is not known
// how much that is.
func (v *verifier) documents(ctx context.Context, instance string) error {
	g, gctx := together(ctx)
	for o, err := range v.Catalog.Objects(ctx, instance) {
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		if v.Backup == "" {
			v.total.Items++
			v.total.Bytes += o.Size
		} else if o.Place == catalog.PlaceUnknown {
			continue
		}
		switch o.Place {
		case catalog.PlaceDocument:
			g.Go(func() error { return v.document(gctx, instance, o.Object) })
		case catalog.PlaceUnknown:
			if err := v.stray(ctx, o.Object); err != nil {
				return errors.Join(err, g.Wait())
			}
		case catalog.PlaceBackup, catalog.PlaceSegment:
		}
	}
	v.phase.SetTotal(v.total)
	return g.Wait()
}

func (v *verifier) document(ctx context.Context, instance string, o storage.Object) error {
	v.phase.Doing(o.Key)
	return v.look(ctx, o.Key, o.Size, func() error {
		err := v.Catalog.CheckDocument(ctx, instance, o.Key)
		if errors.Is(err, storage.ErrNotFound) {
			return nil // it was there to be removed: the end of a restore takes its pin away
		}
		return err
	})
}

// stray counts an object that nothing names, if it is still there.
func (v *verifier) stray(ctx context.Context, o storage.Object) error {
	switch _, err := v.Catalog.Bucket().Stat(ctx, o.Key); {
	case err == nil:
		v.unowned(o)
		return nil
	case errors.Is(err, storage.ErrNotFound):
		return nil
	default:
		return storage.Fault(err)
	}
}
