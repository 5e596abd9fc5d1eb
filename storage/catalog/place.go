package catalog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

// Place is what the key of an object says about it.
type Place int

// The places of an instance's objects.
const (
	PlaceUnknown  Place = iota // no key that tripod writes
	PlaceDocument              // a document that stands for itself: CheckDocument proves it
	PlaceBackup                // below a backup's folder: its manifest, or its intent, says what belongs there
	PlaceSegment               // of the archive
)

// Located is an object of an instance with its place.
type Located struct {
	storage.Object
	Place Place
}

// Objects lists all that lies below the instance's folder, in the order of the keys.
func (c *Catalog) Objects(ctx context.Context, instance string) iter.Seq2[Located, error] {
	prefix := Escape(instance) + "/"
	return func(yield func(Located, error) bool) {
		for object, err := range c.bucket.List(ctx, prefix, "") {
			if err != nil {
				yield(Located{}, storage.Fault(fmt.Errorf("list the objects of instance %s: %w", instance, err)))
				return
			}
			if !yield(Located{Object: object, Place: placeOf(object.Key[len(prefix):])}, nil) {
				return
			}
		}
	}
}

// placeOf reads a key below the instance's folder.
func placeOf(below string) Place {
	parts := strings.Split(below, "/")
	last := parts[len(parts)-1]
	document := func(depth int, suffixes ...string) Place {
		for _, suffix := range suffixes {
			if len(parts) == depth && strings.HasSuffix(last, suffix) {
				return PlaceDocument
			}
		}
		return PlaceUnknown
	}
	switch parts[0] {
	case instanceName:
		return document(1, instanceName)
	case "backups":
		if len(parts) < 3 {
			return PlaceUnknown
		}
		if _, ok := Unescape(parts[1]); !ok {
			return PlaceUnknown
		}
		return PlaceBackup
	case "binlog":
		return placeInBinlog(parts[1:])
	case "holes", "forks", "limits":
		return document(3, ".json")
	case "lease":
		return document(2, ".json", ".beat", ".ask")
	case "readers":
		return document(2, ".json")
	case "definitions": // the journal of definitions, by timeline and file
		return document(len(parts), ".json")
	}
	return PlaceUnknown
}

// InJournal tells whether a key is of the journal of a backup, which belongs to its intent and is
// removed when the manifest is there.
func InJournal(instance, id, key string) bool {
	return strings.HasPrefix(key, BackupKey(instance, id, "journal/"))
}

// placeInBinlog reads a key below binlog/.
func placeInBinlog(parts []string) Place {
	switch {
	case len(parts) == 2 && parts[1] == headName:
		return PlaceDocument
	case len(parts) != 3:
		return PlaceUnknown
	}
	// A name that is too long for a key stands in the segments themselves.
	if name, whole := Unescape(parts[1]); whole {
		if _, err := binlog.FileNumber(name); err != nil {
			return PlaceUnknown
		}
	}
	if _, _, ok := parseSegmentName(parts[2]); ok {
		return PlaceSegment
	}
	if parts[2] == indexName {
		return PlaceDocument
	}
	return PlaceUnknown
}

// Folder is a folder at the top of a store.
type Folder struct {
	// Name is the instance's; empty where neither the folder nor a readable instance.json tells it.
	Name string
	// Holds tells whether anything that tripod writes for an instance lies in it.
	Holds bool
	// Prefix is that of its keys.
	Prefix string
	// Problem says why its instance.json cannot be read, where the name stands there alone: it is missing, damaged or newer.
	Problem error
}

// Folders returns those at the top of the store, whether or not an instance.json is in them.
func (c *Catalog) Folders(ctx context.Context) ([]Folder, error) {
	names, err := c.folders(ctx, "")
	if err != nil {
		return nil, err
	}
	var list []Folder
	for _, folder := range names {
		f := Folder{Prefix: folder + "/"}
		name, whole := Unescape(folder)
		if !whole {
			var i Instance
			err := c.read(ctx, f.Prefix+instanceName, InstanceVersion, &i)
			switch kind := fault.Of(err); {
			case errors.Is(err, storage.ErrNotFound):
				f.Problem = storage.Missing(f.Prefix+instanceName, err)
			case err != nil && (kind.Kind == fault.KindIntegrity || kind.Kind == fault.KindVersion):
				f.Problem = err
			case err != nil:
				return nil, err
			}
			name = i.Name
		}
		f.Name = name
		if f.Holds, err = c.holds(ctx, f.Prefix); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// holds tells whether anything that tripod writes for an instance lies under the prefix of its keys.
func (c *Catalog) holds(ctx context.Context, prefix string) (bool, error) {
	for object, err := range c.bucket.List(ctx, prefix, "") {
		if err != nil {
			return false, storage.Fault(fmt.Errorf("list %s: %w", prefix, err))
		}
		if placeOf(object.Key[len(prefix):]) != PlaceUnknown {
			return true, nil
		}
	}
	return false, nil
}

// Stray lists what lies in the store beside the folders and is no README.
func (c *Catalog) Stray(ctx context.Context, folders []Folder) iter.Seq2[storage.Object, error] {
	known := make(map[string]bool, len(folders))
	for _, f := range folders {
		known[f.Prefix] = true
	}
	return func(yield func(storage.Object, error) bool) {
		for from := ""; ; {
			next := ""
			for object, err := range c.bucket.List(ctx, "", from) {
				if err != nil {
					yield(storage.Object{}, storage.Fault(fmt.Errorf("list the store: %w", err)))
					return
				}
				folder, _, isFolder := strings.Cut(object.Key, "/")
				if isFolder && known[folder+"/"] {
					next = folder + afterSlash // behind all that is in it
					break
				}
				if object.Key != readmeKey && !yield(object, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			from = next
		}
	}
}
