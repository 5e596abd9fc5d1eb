package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// makeFolder makes a folder of the store and those above it, and makes sure that their names
// survive a power cut: also those of folders that another process made and may not have synced.
func (b *Bucket) makeFolder(folder string) error {
	if _, known := b.durable.Load(folder); known {
		return nil
	}
	above := filepath.Dir(folder)
	if b.inside(above) {
		if err := b.makeFolder(above); err != nil {
			return err
		}
	}
	err := os.Mkdir(folder, folderMode)
	if errors.Is(err, fs.ErrNotExist) && above != folder {
		// The store itself may lie in folders that do not exist yet.
		if err := b.makeFolder(above); err != nil {
			return err
		}
		err = os.Mkdir(folder, folderMode)
	}
	if err != nil && !isFolder(folder) {
		return writeError(fmt.Errorf("make folder: %w", err))
	}
	if err := b.syncFolder(above); err != nil {
		return err
	}
	b.durable.Store(folder, true)
	if !b.inside(folder) {
		return nil
	}
	return b.tidy(folder)
}

// inside tells whether folder is the store's or lies in it.
func (b *Bucket) inside(folder string) bool {
	return folder == b.root || strings.HasPrefix(folder, strings.TrimSuffix(b.root, "/")+"/")
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// syncFolder makes the names in a folder durable. A folder above the store that may not be
// opened belongs to somebody else, who made it long ago.
func (b *Bucket) syncFolder(folder string) error {
	f, err := os.Open(folder)
	if errors.Is(err, fs.ErrPermission) && !b.inside(folder) {
		return nil
	}
	if err != nil {
		return writeError(fmt.Errorf("sync folder: %w", err))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return writeError(fmt.Errorf("sync folder %s: %w", folder, err))
	}
	return nil
}

// staleAfter is how long a temporary file has not been written to before it counts as left by
// a crash. A write touches it at least every few seconds; should one rest longer, its last step
// fails and is tried again: nothing wrong can come of it.
const staleAfter = 24 * time.Hour

// tidy removes what crashed writers left in a folder, once per folder and process.
func (b *Bucket) tidy(folder string) error {
	if _, known := b.tidied.LoadOrStore(folder, true); known {
		return nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return writeError(fmt.Errorf("look for stale files: %w", err))
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), temporaryPrefix) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return writeError(fmt.Errorf("look for stale files: %w", err))
		}
		if time.Since(info.ModTime()) < staleAfter {
			continue
		}
		if err := os.Remove(filepath.Join(folder, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return writeError(fmt.Errorf("remove a stale file: %w", err))
		}
	}
	return nil
}
