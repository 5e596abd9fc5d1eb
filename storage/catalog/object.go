package catalog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage"
)

// A definition's object is its text as the mysql program takes it, sealed like a document:
// between the two lines that set and use the delimiter stands the text itself.
const (
	definitionHead = "DELIMITER ;;\n"
	definitionTail = "\n;;\n-- sha256 "
)

// PutSchemaObject stores the text of a definition under a key of the caller's choice, below the backup's
// folder, and replaces what is there. A backup that runs does not do that: see AddSchemaObject.
func (c *Catalog) PutSchemaObject(ctx context.Context, instance, id, below string, text []byte) error {
	return c.put(ctx, BackupKey(instance, id, below), sealDefinition(text))
}

func sealDefinition(text []byte) []byte {
	sum := sha256.Sum256(text)
	object := slices.Concat([]byte(definitionHead), text, []byte(definitionTail))
	return append(hex.AppendEncode(object, sum[:]), '\n')
}

// AddSchemaObject stores the text of a definition, for the manifest to name by the key, below the backup's
// folder, that it returns. That is SchemaKey. What is there already is never replaced: another process,
// which has taken this one for dead or was taken for dead, may have a manifest that names it. A text that
// is another than that lies under a key of its own, which has the text's hash in it.
func (c *Catalog) AddSchemaObject(ctx context.Context, instance, id string, kind ObjectKind, name schema.Name, text string) (below string, err error) {
	object := sealDefinition([]byte(text))
	below = SchemaKey(kind, name)
	key := BackupKey(instance, id, below)
	lies, err := c.putOrSame(ctx, key, object)
	if lies {
		return below, nil
	}
	alone := errors.Is(err, storage.ErrNoConditionalPut)
	if err != nil && !alone {
		return "", err
	}
	below = schemaKeyOf(kind, name, text)
	key = BackupKey(instance, id, below)
	if alone {
		// Nobody can tell who was first; whoever puts this key puts the same text.
		return below, c.put(ctx, key, object)
	}
	if lies, err = c.putOrSame(ctx, key, object); err == nil && !lies {
		err = storage.Altered(key, "is not the definition that its name tells")
	}
	return below, err
}

// putOrSame puts an object where there is none, and tells whether it lies there now. It does not where
// another one is there.
func (c *Catalog) putOrSame(ctx context.Context, key string, object []byte) (lies bool, err error) {
	if err = c.putIfAbsent(ctx, key, object); !errors.Is(err, storage.ErrExists) {
		return err == nil, err
	}
	there, err := c.get(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil // removed meanwhile, by whoever has the manifest
	}
	return err == nil && bytes.Equal(there, object), err
}

// OpenNamedSchemaObject is OpenSchemaObject for a definition that the manifest knows by its hash: whole and
// another one than that is a fault of code 13, too. An empty hash is that of an earlier version, and not compared.
func (c *Catalog) OpenNamedSchemaObject(ctx context.Context, m *Manifest, o SchemaObject) ([]byte, error) {
	text, err := c.OpenSchemaObject(ctx, m.Instance, m.ID, o.Key)
	if err != nil {
		return nil, err
	}
	if o.SHA256 != "" && TextSHA256(string(text)) != o.SHA256 {
		return nil, storage.Altered(BackupKey(m.Instance, m.ID, o.Key), "is not the definition that the manifest names: another one lies in its place")
	}
	return text, nil
}

// OpenSchemaObject returns the text of a definition as it was put. The manifest names it, so
// one that is not there, or was changed, is a fault of code 13.
func (c *Catalog) OpenSchemaObject(ctx context.Context, instance, id, below string) ([]byte, error) {
	key := BackupKey(instance, id, below)
	object, err := c.get(ctx, key)
	if err != nil {
		return nil, missing(key, err)
	}
	rest, hasHead := bytes.CutPrefix(object, []byte(definitionHead))
	at := bytes.LastIndex(rest, []byte(definitionTail))
	if !hasHead || at < 0 {
		return nil, storage.Altered(key, "is no whole definition")
	}
	text := rest[:at]
	sum := sha256.Sum256(text)
	if string(rest[at+len(definitionTail):]) != hex.EncodeToString(sum[:])+"\n" {
		return nil, storage.Altered(key, "does not match its SHA-256: it was changed after it was written")
	}
	return text, nil
}

// TextSHA256 is the hash by which a manifest knows a definition's text.
func TextSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// PutChunk stores a chunk's object from body, which is read to its end once, or again from
// its start by the retry layer if it can seek. below is its ChunkKey, size its length in bytes.
func (c *Catalog) PutChunk(ctx context.Context, instance, id, below string, body io.Reader, size int64) error {
	key := BackupKey(instance, id, below)
	if err := c.bucket.Put(ctx, key, body, size); err != nil {
		return storage.Fault(fmt.Errorf("write %s: %w", key, err))
	}
	return nil
}

// OpenChunk returns a chunk's object as stored; package chunk checks and expands it. One that
// is not there is a fault of code 13.
func (c *Catalog) OpenChunk(ctx context.Context, instance, id, below string) (io.ReadCloser, error) {
	key := BackupKey(instance, id, below)
	r, err := c.bucket.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, missing(key, storage.Fault(fmt.Errorf("read %s: %w", key, err)))
	}
	return r, nil
}

// missing turns not-found of an object that another one names into a fault of code 13.
func missing(key string, err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Missing(key, err)
	}
	return err
}
