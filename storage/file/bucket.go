package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// Options say how a folder is opened.
type Options struct {
	// Create makes the folder, and those above it, when it is first written to. Without it a
	// missing folder is a fault of code 10.
	Create bool
}

// Bucket is a folder as storage.Bucket.
type Bucket struct {
	root string

	probeMu sync.Mutex
	probed  *storage.Properties

	durable sync.Map // folders of which this process knows that their names are synced
	tidied  sync.Map // folders from which this process took what crashed writers left
}

var _ storage.Bucket = (*Bucket)(nil)

// Open opens the folder at path.
func Open(path string, o Options) (*Bucket, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	info, err := os.Stat(root)
	switch {
	case (err == nil && !info.IsDir() || errors.Is(err, syscall.ENOTDIR)) && !o.Create:
		return nil, fault.New(fault.CodeNotFound, fault.KindNotFound, "name a folder with --store file:///PATH", "no store at %s, which is no folder", root)
	case err == nil && !info.IsDir():
		return nil, fault.New(fault.CodeFailed, fault.KindStore, "name a folder with --store file:///PATH", "open store: %s is no folder", root)
	case errors.Is(err, fs.ErrNotExist) && !o.Create:
		return nil, fault.New(fault.CodeNotFound, fault.KindNotFound, "check --store; tripod backup and tripod archive make a new store", "no store at %s", root)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, storage.Fault(fmt.Errorf("open store: %w", err))
	}
	return &Bucket{root: root}, nil
}

// OpenURL opens file:///path.
func OpenURL(u *url.URL, o Options) (*Bucket, error) {
	usage := func(format string, args ...any) error {
		return fault.New(fault.CodeUsage, fault.KindUsage, "a folder is file:///absolute/path", format, args...)
	}
	switch {
	case u.Scheme != "file":
		return nil, usage("store URL %s: scheme %q is not file", u.Redacted(), u.Scheme)
	case u.Host != "" && u.Host != "localhost":
		return nil, usage("store URL %s: file has no host %q", u.Redacted(), u.Host)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, usage("store URL %s: file has no parameters", u.Redacted())
	case !filepath.IsAbs(u.Path):
		return nil, usage("store URL %s: the path is not absolute", u.Redacted())
	}
	return Open(u.Path, o)
}

// Root returns the folder's absolute path.
func (b *Bucket) Root() string { return b.root }

// Close does nothing: the driver holds nothing open between calls.
func (b *Bucket) Close() error { return nil }

// path returns where the object of key lies.
func (b *Bucket) path(key string) (string, error) {
	if err := storage.CheckKey(key); err != nil {
		return "", err
	}
	return filepath.Join(b.root, filepath.FromSlash(key)), nil
}

// Stat implements storage.Bucket.
func (b *Bucket) Stat(ctx context.Context, key string) (storage.Object, error) {
	path, err := b.path(key)
	if err != nil {
		return storage.Object{}, err
	}
	if err := ctx.Err(); err != nil {
		return storage.Object{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return storage.Object{}, readError(err)
	}
	if !info.Mode().IsRegular() {
		return storage.Object{}, fmt.Errorf("%s is no file: %w", key, storage.ErrNotFound)
	}
	return storage.Object{Key: key, Size: info.Size()}, nil
}

// Delete implements storage.Bucket. Folders that become empty stay: somebody may be writing
// into them.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	path, err := b.path(key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err = os.Remove(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), isNotFolder(err):
		return nil
	case err != nil:
		return writeError(err)
	}
	folder := filepath.Dir(path)
	if err := b.tidy(folder); err != nil {
		return err
	}
	return b.syncFolder(folder)
}
