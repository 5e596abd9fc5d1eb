package file

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tripod-db/tripod/storage"
)

// Put implements storage.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	return b.put(ctx, key, body, size, func(temporary, path string) error {
		return os.Rename(temporary, path)
	})
}

// PutIfAbsent implements storage.Bucket. link(2) fails where the name exists, on every file
// system that has it.
func (b *Bucket) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	properties, err := b.Properties(ctx)
	if err != nil {
		return err
	}
	if !properties.PutIfAbsent {
		return storage.ErrNoConditionalPut
	}
	return b.put(ctx, key, body, size, link)
}

// link gives the object its name, and takes the temporary one away.
func link(temporary, path string) error {
	err := os.Link(temporary, path)
	if errors.Is(err, fs.ErrExist) && sameFile(temporary, path) {
		// NFS may carry a link out and lose its answer; its own second try then meets the first.
		err = nil
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", storage.ErrExists, err)
	}
	if err != nil {
		return err
	}
	return os.Remove(temporary)
}

func sameFile(a, b string) bool {
	first, errFirst := os.Stat(a)
	second, errSecond := os.Stat(b)
	return errFirst == nil && errSecond == nil && os.SameFile(first, second)
}

// put writes a temporary file, syncs it, has publish give it its name, and syncs the folder.
func (b *Bucket) put(ctx context.Context, key string, body io.Reader, size int64, publish func(temporary, path string) error) (err error) {
	path, err := b.path(key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	folder := filepath.Dir(path)
	f, err := b.temporary(folder)
	if err != nil {
		return err
	}
	temporary := f.Name()
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(f))
		}
	}()
	if err := fill(ctx, f, body, size); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	if err := f.Sync(); err != nil {
		return writeError(fmt.Errorf("sync %s: %w", key, err))
	}
	if err := f.Close(); err != nil {
		return writeError(fmt.Errorf("write %s: %w", key, err))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := publish(temporary, path); err != nil {
		return writeError(err)
	}
	return b.syncFolder(folder)
}

// discard removes a temporary file that did not become an object.
func discard(f *os.File) error {
	closed, removed := f.Close(), os.Remove(f.Name())
	if errors.Is(closed, os.ErrClosed) {
		closed = nil
	}
	if errors.Is(removed, fs.ErrNotExist) {
		removed = nil
	}
	return errors.Join(closed, removed)
}

// fill copies body to its end and compares its length with size, if that is known.
func fill(ctx context.Context, f *os.File, body io.Reader, size int64) error {
	source := &cancelable{ended: ctx.Err, body: body}
	n, err := io.Copy(f, source)
	switch {
	case source.err != nil:
		return source.err
	case err != nil:
		return writeError(err)
	case size >= 0 && n < size:
		return fmt.Errorf("the body ended after %d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
	case size >= 0 && n > size:
		return storage.Permanent(fmt.Errorf("the body has %d bytes, %d were announced", n, size))
	}
	return nil
}

// cancelable is a body that ends with the call's context. It remembers its error, which is none
// of the store's.
type cancelable struct {
	ended func() error
	body  io.Reader
	err   error
}

func (c *cancelable) Read(p []byte) (int, error) {
	n := 0
	if c.err = c.ended(); c.err == nil {
		n, c.err = c.body.Read(p)
	}
	if errors.Is(c.err, io.EOF) {
		c.err = nil
		return n, io.EOF
	}
	return n, c.err
}

// temporaryPrefix begins the names of temporary files. "#" stands in no key.
const temporaryPrefix = ".new#"

// temporary makes a temporary file in folder, and the folder if there is none.
func (b *Bucket) temporary(folder string) (*os.File, error) {
	f, err := b.newTemporary(folder)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody removed folders that we know.
		b.durable.Clear()
		f, err = b.newTemporary(folder)
	}
	return f, err
}

func (b *Bucket) newTemporary(folder string) (*os.File, error) {
	if err := b.makeFolder(folder); err != nil {
		return nil, err
	}
	random := make([]byte, 8)
	rand.Read(random) // never fails: crypto/rand ends the program instead
	name := filepath.Join(folder, temporaryPrefix+hex.EncodeToString(random))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, writeError(fmt.Errorf("make a temporary file: %w", err))
	}
	return f, nil
}
