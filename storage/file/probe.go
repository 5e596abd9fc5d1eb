package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/tripod-db/tripod/storage"
)

// Properties implements storage.Bucket: it tries out whether the file system has hard links
// and refuses a second one of the same name.
func (b *Bucket) Properties(ctx context.Context) (storage.Properties, error) {
	b.probeMu.Lock()
	defer b.probeMu.Unlock()
	if b.probed != nil {
		return *b.probed, nil
	}
	if err := ctx.Err(); err != nil {
		return storage.Properties{}, err
	}
	exclusive, err := b.probeLink()
	if err != nil {
		return storage.Properties{}, fmt.Errorf("probe the store's folder: %w", err)
	}
	b.probed = &storage.Properties{PutIfAbsent: exclusive}
	return *b.probed, nil
}

// probeLink tells whether link(2) works and is exclusive.
func (b *Bucket) probeLink() (exclusive bool, err error) {
	f, err := b.temporary(b.root)
	if err != nil {
		return false, err
	}
	name := f.Name() + "-link"
	defer func() {
		removed := os.Remove(name)
		if errors.Is(removed, fs.ErrNotExist) {
			removed = nil
		}
		err = errors.Join(err, removed, discard(f))
	}()
	err = os.Link(f.Name(), name)
	if isUnsupported(err) {
		return false, nil
	}
	if err != nil {
		return false, writeError(err)
	}
	return errors.Is(os.Link(f.Name(), name), fs.ErrExist), nil
}

// isUnsupported tells what file systems without hard links answer to link(2): FAT says EPERM.
func isUnsupported(err error) bool {
	for _, unsupported := range []error{syscall.EPERM, syscall.ENOSYS, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.EMLINK} {
		if errors.Is(err, unsupported) {
			return true
		}
	}
	return false
}
