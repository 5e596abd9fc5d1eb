package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tripod-db/tripod/storage"
)

// Catalog reads and writes what a store holds. It keeps no state of its own: what it returns
// is what the store said at that moment. Safe for concurrent use.
type Catalog struct {
	bucket storage.Bucket
}

// New returns the catalogue of a store.
func New(b storage.Bucket) *Catalog { return &Catalog{bucket: b} }

// Bucket returns the store itself, for what streams bodies of its own (chunks).
func (c *Catalog) Bucket() storage.Bucket { return c.bucket }

// SingleWriterOnly tells whether the store lacks put-if-absent, so that a lease cannot be had
// there (DESIGN section 6, "One writer").
func (c *Catalog) SingleWriterOnly(ctx context.Context) (bool, error) {
	p, err := c.bucket.Properties(ctx)
	if err != nil {
		return false, storage.Fault(fmt.Errorf("probe the store: %w", err))
	}
	return !p.PutIfAbsent, nil
}

// get returns the whole object, or an error that wraps storage.ErrNotFound.
func (c *Catalog) get(ctx context.Context, key string) (_ []byte, err error) {
	r, err := c.bucket.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, storage.Fault(fmt.Errorf("read %s: %w", key, err))
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, storage.Fault(fmt.Errorf("read %s: %w", key, err))
	}
	return data, nil
}

// read returns the document under key in v, or an error that wraps storage.ErrNotFound.
func (c *Catalog) read(ctx context.Context, key string, newest int, v any) error {
	document, err := c.get(ctx, key)
	if err != nil {
		return err
	}
	return decode(key, document, newest, v)
}

// write replaces the document under key.
func (c *Catalog) write(ctx context.Context, key string, v any) error {
	document, err := encode(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return c.put(ctx, key, document)
}

func (c *Catalog) put(ctx context.Context, key string, data []byte) error {
	if err := c.bucket.Put(ctx, key, bytes.NewReader(data), int64(len(data))); err != nil {
		return storage.Fault(fmt.Errorf("write %s: %w", key, err))
	}
	return nil
}

// create writes the document under key if there is none, else returns an error that wraps
// storage.ErrExists.
func (c *Catalog) create(ctx context.Context, key string, v any) error {
	document, err := encode(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return c.putIfAbsent(ctx, key, document)
}

func (c *Catalog) putIfAbsent(ctx context.Context, key string, data []byte) error {
	if err := c.bucket.PutIfAbsent(ctx, key, bytes.NewReader(data), int64(len(data))); err != nil {
		return storage.Fault(fmt.Errorf("write %s: %w", key, err))
	}
	return nil
}

// createAlone is create for documents that no two writers ever fight over: a store without
// put-if-absent is asked first, then written.
func (c *Catalog) createAlone(ctx context.Context, key string, data []byte) error {
	err := c.putIfAbsent(ctx, key, data)
	if !errors.Is(err, storage.ErrNoConditionalPut) {
		return err
	}
	switch _, err := c.bucket.Stat(ctx, key); {
	case err == nil:
		return fmt.Errorf("write %s: %w", key, storage.ErrExists)
	case !errors.Is(err, storage.ErrNotFound):
		return storage.Fault(fmt.Errorf("write %s: %w", key, err))
	}
	return c.put(ctx, key, data)
}

// has tells whether an object is there.
func (c *Catalog) has(ctx context.Context, key string) (bool, error) {
	switch _, err := c.bucket.Stat(ctx, key); {
	case err == nil:
		return true, nil
	case errors.Is(err, storage.ErrNotFound):
		return false, nil
	default:
		return false, storage.Fault(fmt.Errorf("look for %s: %w", key, err))
	}
}

// folders returns the parts that stand right behind prefix (which ends in "/" or is empty) in
// keys that go on behind them, in byte order. It asks once per folder and never lists what is
// inside: behind the first key of a folder it goes on at the first key behind all of them.
func (c *Catalog) folders(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for from := ""; ; {
		next := ""
		for object, err := range c.bucket.List(ctx, prefix, from) {
			if err != nil {
				return nil, storage.Fault(fmt.Errorf("list %q: %w", prefix, err))
			}
			name, _, isFolder := strings.Cut(object.Key[len(prefix):], "/")
			if !isFolder {
				continue
			}
			names = append(names, name)
			next = prefix + name + afterSlash
			break
		}
		if next == "" {
			return names, nil
		}
		from = next
	}
}

// afterSlash is the byte behind "/": "x0" is the first string behind every "x/...".
const afterSlash = "0"
