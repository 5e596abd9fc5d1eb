package mysqltest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Names inside a server's folder.
const (
	dataFolder = "data"
	tmpFolder  = "tmp"
	errorLog   = "error.log"
	ownerLock  = "owner.lock"
	socketFile = "mysqld.sock"
	homePrefix = "tripod-mysql-"
	// socketPrefix is another than homePrefix because the sweep takes a folder without a lock for abandoned.
	socketPrefix = "tripod-socket-"
	binlogBase   = "binlog"
)

// maxSocketPath bounds the path of a Unix socket: sun_path has 108 bytes with the final zero.
const maxSocketPath = 107

// home is the folder of one server. Its lock is held for as long as the process that made it lives: a folder whose lock
// is free was left behind by a process that was killed.
type home struct {
	path string
	// socketDir is a second folder, made only when the path of a socket in the first would be too long.
	socketDir string
	lock      *flock.Flock
}

// newHome makes a server's folder in parent.
func newHome(parent string) (*home, error) {
	if parent == "" {
		parent = TempDir()
		sweepOnce.Do(func() { sweep(parent) })
	}
	path, err := os.MkdirTemp(parent, homePrefix)
	if err != nil {
		return nil, fmt.Errorf("make a server's folder: %w", err)
	}
	h := &home{path: path, lock: flock.New(filepath.Join(path, ownerLock))}
	if _, err := h.lock.TryLock(); err != nil {
		return nil, errors.Join(fmt.Errorf("make a server's folder: %w", err), h.remove())
	}
	if err := os.Mkdir(filepath.Join(path, tmpFolder), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make a server's folder: %w", err), h.remove())
	}
	if len(h.socket()) > maxSocketPath {
		if h.socketDir, err = os.MkdirTemp("", socketPrefix); err != nil {
			return nil, errors.Join(fmt.Errorf("make a folder for a server's socket: %w", err), h.remove())
		}
	}
	return h, nil
}

func (h *home) data() string { return filepath.Join(h.path, dataFolder) }

func (h *home) socket() string {
	if h.socketDir != "" {
		return filepath.Join(h.socketDir, socketFile)
	}
	return filepath.Join(h.path, socketFile)
}

// errorTail returns the end of the server's error log, for error messages.
func (h *home) errorTail() string {
	text, err := os.ReadFile(filepath.Join(h.path, errorLog))
	if err != nil {
		return "no error log: " + err.Error()
	}
	return tail(text, 3000)
}

// remove deletes the folder and all that is in it.
func (h *home) remove() error {
	err := os.RemoveAll(h.path)
	if h.socketDir != "" {
		err = errors.Join(err, os.RemoveAll(h.socketDir))
	}
	return errors.Join(err, h.lock.Close())
}

// abandonedAfter is how old a folder must be before it can count as left behind: making one and locking it are two steps.
const abandonedAfter = 10 * time.Minute

var sweepOnce sync.Once

// sweep deletes what killed test processes have left behind in parent. It is a courtesy: what it cannot delete, such
// as another user's folder, it leaves.
func sweep(parent string) {
	folders, err := filepath.Glob(filepath.Join(parent, homePrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if err != nil || time.Since(info.ModTime()) < abandonedAfter {
			continue
		}
		lock := flock.New(filepath.Join(folder, ownerLock))
		if free, err := lock.TryLock(); err != nil || !free {
			continue
		}
		_ = os.RemoveAll(folder)
		_ = lock.Close()
	}
}
