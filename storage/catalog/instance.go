package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

// InstanceVersion is the newest instance.json that this program writes and reads.
const InstanceVersion = 1

// Instance is one source under one name in a store, through all its failovers.
type Instance struct {
	Version int         `json:"version"`
	Name    string      `json:"name"`
	Created binlog.Time `json:"created"` // the clock of the machine that made it, for people
	Flavor  string      `json:"flavor"`  // mysql, mariadb
}

// Instances returns the names of the store's instances in the order of their keys.
func (c *Catalog) Instances(ctx context.Context) ([]string, error) {
	folders, err := c.folders(ctx, "")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, folder := range folders {
		name, whole := Unescape(folder)
		if whole {
			there, err := c.has(ctx, InstanceKey(name))
			if err != nil {
				return nil, err
			}
			if there {
				names = append(names, name)
			}
			continue
		}
		var i Instance
		switch err := c.read(ctx, folder+"/"+instanceName, InstanceVersion, &i); {
		case err == nil:
			names = append(names, i.Name)
		case !errors.Is(err, storage.ErrNotFound):
			return nil, err
		}
	}
	return names, nil
}

// Instance returns what the store says about an instance; one that it does not hold is a
// fault of code 10, one of which the rest is there and instance.json is missing one of code 13.
func (c *Catalog) Instance(ctx context.Context, name string) (Instance, error) {
	var i Instance
	err := c.read(ctx, InstanceKey(name), InstanceVersion, &i)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		if there, listErr := c.holds(ctx, Escape(name)+"/"); listErr != nil || there {
			return Instance{}, cmp.Or(listErr, storage.Missing(InstanceKey(name), err))
		}
		return Instance{}, fault.New(fault.CodeNotFound, fault.KindNotFound, "tripod list --store URL shows the instances of a store",
			"no instance %q in this store", name)
	case err != nil:
		return Instance{}, err
	case i.Name != name:
		return Instance{}, storage.Altered(InstanceKey(name), "is that of instance %q, not of %q", i.Name, name)
	}
	return i, nil
}

// EnsureInstance makes the instance if the store does not hold it, and the store's README. Of
// several that do so at once one wins; what is there already is kept as it is.
func (c *Catalog) EnsureInstance(ctx context.Context, i Instance) error {
	if i.Name == "" {
		return fault.New(fault.CodeUsage, fault.KindUsage, "give it a name with --instance", "an instance needs a name")
	}
	if err := c.EnsureReadme(ctx); err != nil {
		return err
	}
	_, err := c.Instance(ctx, i.Name)
	if err == nil || fault.Of(err).Code != fault.CodeNotFound && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	i.Version = InstanceVersion
	document, err := encode(i)
	if err != nil {
		return fmt.Errorf("make instance %s: %w", i.Name, err)
	}
	err = c.createAlone(ctx, InstanceKey(i.Name), document)
	if errors.Is(err, storage.ErrExists) {
		_, err = c.Instance(ctx, i.Name)
	}
	return err
}

// EnsureReadme writes the store's README.md if there is none.
func (c *Catalog) EnsureReadme(ctx context.Context) error {
	there, err := c.has(ctx, readmeKey)
	if err != nil || there {
		return err
	}
	err = c.createAlone(ctx, readmeKey, readme)
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}
