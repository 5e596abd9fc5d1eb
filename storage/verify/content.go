package verify

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// definition proves the text of a definition.
func (v *verifier) definition(ctx context.Context, m *catalog.Manifest, n named) error {
	_, err := v.Catalog.OpenNamedSchemaObject(ctx, m, catalog.SchemaObject{Key: n.below, SHA256: n.sha256})
	return err
}

// readSize is how much of a chunk is expanded at a time.
const readSize = 256 << 10

// chunk reads a chunk to its end: what is stored, what is in it, and how many rows that is.
func (v *verifier) chunk(ctx context.Context, m *catalog.Manifest, n named) (err error) {
	c := n.chunk
	r, err := chunk.Open(ctx, v.Catalog.Bucket(), n.key, m.Compression, chunk.Sum{
		Rows: c.Rows, Bytes: c.Bytes, BytesStored: c.BytesStored, StoredSHA256: c.StoredSHA256, TextSHA256: c.TextSHA256,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var rows rowCounter
	if _, err := io.CopyBuffer(&rows, onlyReader{r}, make([]byte, readSize)); err != nil {
		return err
	}
	if uint64(rows) != c.Rows {
		return storage.Altered(n.key, "holds %d rows, the manifest says %d", uint64(rows), c.Rows)
	}
	return nil
}

// rowCounter counts the rows of chunk text: a line feed inside a value is written as \n, so each
// one that stands for itself ends a row.
type rowCounter uint64

func (n *rowCounter) Write(p []byte) (int, error) {
	*n += rowCounter(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// onlyReader keeps io.CopyBuffer to the buffer that it is given.
type onlyReader struct{ io.Reader }
