package chunk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/tripod-db/tripod/storage"
)

// Reader gives back the text of a chunk. It returns io.EOF only when the object was, to the
// last byte, what the manifest says: whoever has read to the end without another error has the
// whole chunk. Anything else is a fault of code 13. Text handed out before that is not to be
// trusted, so a load is committed only after io.EOF.
type Reader struct {
	key      string
	want     Sum
	object   io.ReadCloser
	stored   *hashingReader
	expander io.ReadCloser
	textHash hash.Hash
	bytes    uint64
	err      error
	closed   bool
}

// Open opens the chunk under key. want needs Bytes, BytesStored and the two hashes.
func Open(ctx context.Context, bucket storage.Bucket, key, compression string, want Sum) (*Reader, error) {
	object, err := bucket.Get(ctx, key, 0, -1)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, storage.Missing(key, err)
	case err != nil:
		return nil, storage.Fault(fmt.Errorf("read %s: %w", key, err))
	}
	r := &Reader{key: key, want: want, object: object, textHash: sha256.New()}
	r.stored = &hashingReader{r: object, hash: sha256.New()}
	if r.expander, err = newExpander(compression, r.stored); err != nil {
		return nil, errors.Join(r.failed(err), object.Close())
	}
	return r, nil
}

// hashingReader hashes and counts what passes, and keeps the error of the store apart from
// those of the expander that it goes through.
type hashingReader struct {
	r     io.Reader
	hash  hash.Hash
	bytes uint64
	err   error
}

func (h *hashingReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	h.bytes += uint64(n)
	if err != nil && err != io.EOF {
		h.err = err
	}
	return n, err
}

// Read returns text of the chunk.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.expander.Read(p)
	r.textHash.Write(p[:n])
	r.bytes += uint64(n)
	switch {
	case r.bytes > r.want.Bytes:
		r.err = storage.Altered(r.key, "holds more than the %d bytes of text that were written", r.want.Bytes)
		return 0, r.err
	case err == io.EOF:
		r.err = r.check()
	case err != nil:
		r.err = r.failed(err)
	}
	return n, r.err
}

// failed tells damage from a store that did not answer.
func (r *Reader) failed(err error) error {
	if r.stored.err == nil || errors.Is(r.stored.err, io.ErrUnexpectedEOF) {
		return storage.Altered(r.key, "cannot be expanded: %w", err)
	}
	return storage.Fault(fmt.Errorf("read %s: %w", r.key, r.stored.err))
}

// check compares what was read with what was written; it returns io.EOF if all is right.
func (r *Reader) check() error {
	// What stands behind the end of the compressed text is a change too.
	if _, err := io.Copy(io.Discard, r.stored); err != nil {
		return r.failed(err)
	}
	switch {
	case r.stored.bytes != r.want.BytesStored:
		return storage.Altered(r.key, "has %d bytes, %d were written", r.stored.bytes, r.want.BytesStored)
	case hex.EncodeToString(r.stored.hash.Sum(nil)) != r.want.StoredSHA256:
		return storage.Altered(r.key, "does not match the SHA-256 of what was stored")
	case r.bytes != r.want.Bytes:
		return storage.Altered(r.key, "holds %d bytes of text, %d were written", r.bytes, r.want.Bytes)
	case hex.EncodeToString(r.textHash.Sum(nil)) != r.want.TextSHA256:
		return storage.Altered(r.key, "does not match the SHA-256 of its text")
	}
	return io.EOF
}

// Close lets the object go. A second call does nothing: drivers close a reader that they have
// loaded, and so do those who opened it.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	closed := r.expander.Close()
	if r.err != nil {
		closed = nil // gzip says again what Read has said
	}
	return errors.Join(closed, r.object.Close())
}
