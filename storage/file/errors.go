package file

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/tripod-db/tripod/storage"
)

// writeError gives an error of a write the contract's sentinel.
func writeError(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", storage.ErrFull, err)
		}
	}
	for _, readOnly := range []error{syscall.EROFS, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, readOnly) {
			return fmt.Errorf("%w: %w", storage.ErrReadOnly, err)
		}
	}
	for _, hopeless := range []error{syscall.ENAMETOOLONG, syscall.ENOTDIR, syscall.EISDIR, syscall.EEXIST, syscall.EFBIG} {
		if errors.Is(err, hopeless) && !errors.Is(err, storage.ErrExists) {
			return storage.Permanent(err)
		}
	}
	return err
}

// readError gives an error of a read the contract's sentinel. A file where the key has a
// folder means that there is no such object. Permission is nothing that a retry mends.
func readError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), isNotFolder(err):
		return fmt.Errorf("%w: %w", storage.ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return storage.Permanent(err)
	}
	return err
}

func isNotFolder(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
