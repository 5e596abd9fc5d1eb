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

	"github.com/tripod-db/tripod/storage"
)

// A definition's object is its text as the mysql program takes it, sealed like a document:
// between the two lines that set and use the delimiter stands the text itself.
const (
	definitionHead = "DELIMITER ;;\n"
	definitionTail = "\n;;\n-- sha256 "
)

// PutSchemaObject stores the text of a definition. below is its SchemaKey.
func (c *Catalog) PutSchemaObject(ctx context.Context, instance, id, below string, text []byte) error {
	sum := sha256.Sum256(text)
	object := slices.Concat([]byte(definitionHead), text, []byte(definitionTail))
	object = append(hex.AppendEncode(object, sum[:]), '\n')
	return c.put(ctx, BackupKey(instance, id, below), object)
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
