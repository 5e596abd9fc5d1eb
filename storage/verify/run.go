package verify

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// readsAtOnce is how many objects are read beside each other: enough for a store far away, and
// with the decoders' windows still under 200 MiB.
const readsAtOnce = 6

// Config says what is looked at. Progress may be nil.
type Config struct {
	Catalog  *catalog.Catalog
	Instance string // empty: all of the store
	// Backup is the id of one backup of Instance: it alone is looked at, with the part of the
	// archive from its floor on.
	Backup   string
	Deep     bool
	Progress progress.Sink
}

// verifier is one run.
type verifier struct {
	Config
	findings
	phase progress.Phase
	total progress.Amount
}

// Run looks at a store. What is wrong with it stands in the result, not in the error. Faults: 10
// no such instance or backup; 1 a store that cannot be listed.
func Run(ctx context.Context, c Config) (*Result, error) {
	if c.Progress == nil {
		c.Progress = progress.Discard
	}
	v := &verifier{Config: c}
	v.result = Result{Deep: c.Deep, Problems: []Problem{}}
	if c.Backup == "" {
		v.result.Unowned, v.result.UnownedObjects = []string{}, new(uint64)
	}
	v.phase = c.Progress.Begin("verify", progress.Amount{})
	defer v.phase.End()
	if err := v.run(ctx); err != nil {
		return nil, err
	}
	return v.end(), nil
}

func (v *verifier) run(ctx context.Context) error {
	if v.Instance == "" {
		return v.store(ctx)
	}
	there, err := v.holdsInstance(ctx)
	switch {
	case err != nil:
		return err
	case !there:
		_, err := v.Catalog.Instance(ctx, v.Instance)
		return err
	case v.Backup == "":
		return v.instance(ctx, v.Instance)
	}
	there, err = v.Catalog.HasManifest(ctx, v.Instance, v.Backup)
	switch {
	case err != nil:
		return err
	case !there:
		return fault.New(fault.CodeNotFound, fault.KindNotFound, "tripod list --store URL --instance NAME shows the backups",
			"no backup %q of instance %q in this store", v.Backup, v.Instance)
	}
	return v.backupAndArchive(ctx)
}

// holdsInstance tells whether anything of the instance is there: its instance.json may be what is
// missing.
func (v *verifier) holdsInstance(ctx context.Context) (bool, error) {
	for o, err := range v.Catalog.Objects(ctx, v.Instance) {
		if err != nil {
			return false, err
		}
		if o.Place != catalog.PlaceUnknown {
			return true, nil
		}
	}
	return false, nil
}

// store looks at every instance, and for what belongs to none.
func (v *verifier) store(ctx context.Context) error {
	folders, err := v.Catalog.Folders(ctx)
	if err != nil {
		return err
	}
	for _, f := range folders {
		switch {
		case f.Holds && f.Name != "":
			err = v.instance(ctx, f.Name)
		case f.Holds:
			// A shortened name stands in instance.json alone.
			v.add(Problem{Object: f.Prefix + "instance.json", Kind: kindOf(f.Problem), Detail: "without it nobody knows which instance this is; nothing else of it was looked at"})
		default:
			for o, listErr := range v.Catalog.Bucket().List(ctx, f.Prefix, "") {
				if listErr != nil {
					return storage.Fault(fmt.Errorf("list %s: %w", f.Prefix, listErr))
				}
				v.unowned(o)
			}
		}
		if err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(folders, func(f catalog.Folder) bool { return f.Holds }) {
		// What should be mounted here may not be: nothing at all is not all well.
		return fault.New(fault.CodeNotFound, fault.KindNotFound, "check --store, and that what should be mounted there is", "the store holds no instance")
	}
	for o, err := range v.Catalog.Stray(ctx, folders) {
		if err != nil {
			return err
		}
		v.unowned(o)
	}
	return nil
}

// together returns a group for parallel reads.
func together(ctx context.Context) (*errgroup.Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	return g, ctx
}

// look counts an object, looks at it, and keeps the problem of an error.
func (v *verifier) look(ctx context.Context, key string, size int64, at func() error) error {
	v.looked(size)
	defer v.phase.Add(progress.Amount{Bytes: size, Items: 1})
	err := at()
	if err == nil {
		return nil
	}
	p, err := judge(ctx, key, err)
	if err == nil {
		v.add(p)
	}
	return err
}
