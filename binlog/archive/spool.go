package archive

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
)

// Names inside a spool folder.
const (
	lockName     = "lock"
	idName       = "id"
	extentFolder = "extents"
	backupPrefix = "backup-"
	rawSuffix    = ".raw"
	sealSuffix   = ".json"
	// temporarySuffix is of files that are being written.
	temporarySuffix = ".tmp"
	// sequenceDigits is the width of an extent's number, so that names sort.
	sequenceDigits = 20
)

// spool is a folder of extents, held by its flock for as long as the process lives.
type spool struct {
	dir   string
	id    string // random; the lease names it
	lock  *flock.Flock
	local bool // the flock is one of this machine: who gets it knows that its holder is dead
	own   bool // made by this run, removed at its end
	next  uint64
}

// openSpool takes the folder of an archiver, or makes one of its own below it for a backup.
func openSpool(ctx context.Context, dir string, role Role) (*spool, error) {
	if role != RoleBackup {
		return lockSpool(ctx, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spoolFault("make the spool folder", err)
	}
	// A name that nobody has; the folder of a dead backup may be removed between the making and the locking.
	for range 10 {
		own := filepath.Join(dir, backupPrefix+randomID())
		s, err := lockSpool(ctx, own)
		if errors.Is(err, fs.ErrNotExist) || err != nil && fault.Of(err).Code == fault.CodeLeaseHeld {
			continue
		}
		if err == nil {
			s.own = true
		}
		return s, err
	}
	return nil, spoolFault("make the spool folder", fs.ErrNotExist)
}

// provingTakes is how long a folder is found locked that nobody uses: a backup that takes the lease
// of a killed archiver holds the folder meanwhile (isDead).
const provingTakes = 3 * time.Second

func lockSpool(ctx context.Context, dir string) (*spool, error) {
	if err := os.MkdirAll(filepath.Join(dir, extentFolder), 0o700); err != nil {
		return nil, spoolFault("make the spool folder", err)
	}
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	wait, cancel := context.WithTimeout(ctx, provingTakes)
	defer cancel()
	locked, err := lock.TryLockContext(wait, provingTakes/100)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, spoolFault("lock the spool folder", err)
	case !locked:
		return nil, fault.New(fault.CodeLeaseHeld, fault.KindLease, "stop the other archiver, or give this one another folder with --spool",
			"another archiver uses the spool folder %s", dir)
	}
	s := &spool{dir: dir, lock: lock}
	if s.id, err = spoolID(dir); err == nil {
		s.local, err = isLocal(dir)
	}
	if err != nil {
		return nil, errors.Join(spoolFault("read the spool folder", err), lock.Close())
	}
	return s, nil
}

// spoolFault says what a folder's failure means to the operator.
func spoolFault(doing string, err error) error {
	return fault.New(fault.CodeFailed, fault.KindStore, "make room and check the permissions of the folder that --spool names", "%s: %w", doing, err)
}

// spoolID returns the id that lies in a folder, a new one where there is none.
func spoolID(dir string) (string, error) {
	path := filepath.Join(dir, idName)
	b, err := os.ReadFile(path)
	if err == nil && len(b) > 0 {
		return string(b), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := randomID()
	return id, writeDurably(path, []byte(id))
}

func randomID() string {
	var b [16]byte
	_, _ = crand.Read(b[:]) // never fails: it would end the process
	return hex.EncodeToString(b[:])
}

// close lets the folder go.
func (s *spool) close() error {
	var err error
	if s.own {
		// The folder goes before its lock, so that nobody takes it for that of a dead backup.
		err = os.RemoveAll(s.dir)
	}
	return errors.Join(err, s.lock.Close())
}

// isDead proves that the holder of the lease that names id is dead: that id lies in a folder
// whose flock this process has or gets. The folders looked at are this one, those of backups in
// it, and, for a backup, the one that it lies in. release lets the folder go again.
func (s *spool) isDead(id string) (dead bool, release func() error, err error) {
	none := func() error { return nil }
	if !s.local {
		return false, none, nil
	}
	if id == s.id {
		return true, none, nil
	}
	root := s.dir
	if s.own {
		root = filepath.Dir(s.dir)
	}
	folders, err := filepath.Glob(filepath.Join(root, backupPrefix+"*"))
	if err != nil {
		return false, none, fmt.Errorf("look for spool folders: %w", err)
	}
	for _, dir := range append(folders, root) {
		if b, err := os.ReadFile(filepath.Join(dir, idName)); err != nil || string(b) != id || dir == s.dir {
			continue // not there, or not the one
		}
		lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
		locked, err := lock.TryLock()
		if err != nil || !locked {
			return false, none, err
		}
		return true, lock.Close, nil
	}
	return false, none, nil
}

// removeDead removes what killed backups left below the folder of an archiver or beside that
// of a backup: their extents are streamed again from the source.
func (s *spool) removeDead() error {
	root := s.dir
	if s.own {
		root = filepath.Dir(s.dir)
	}
	folders, err := filepath.Glob(filepath.Join(root, backupPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for spool folders: %w", err)
	}
	for _, dir := range folders {
		if dir == s.dir {
			continue
		}
		lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
		if locked, err := lock.TryLock(); err != nil || !locked {
			continue // alive, or gone meanwhile
		}
		if err := errors.Join(os.RemoveAll(dir), lock.Close()); err != nil {
			return fmt.Errorf("remove the spool of a dead backup: %w", err)
		}
	}
	return nil
}

// extentPath returns the path of an extent's file.
func (s *spool) extentPath(sequence uint64, suffix string) string {
	return filepath.Join(s.dir, extentFolder, fmt.Sprintf("%0*d%s", sequenceDigits, sequence, suffix))
}

// recover returns what an earlier run sealed and did not upload, in the order of the log, and
// removes everything else. Only what is sealed is trusted: after a loss of power the rest may
// hold pages that never reached the disk.
func (s *spool) recover() ([]*sealed, error) {
	folder := filepath.Join(s.dir, extentFolder)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, spoolFault("read the spool folder", err)
	}
	var kept []*sealed
	broken := false
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), temporarySuffix) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
				return nil, spoolFault("remove from the spool folder", err)
			}
		}
	}
	for _, sequence := range sequences(entries) {
		s.next = sequence + 1
		if !broken {
			e, err := s.readSealed(sequence)
			if err != nil {
				return nil, err
			}
			if e != nil {
				kept = append(kept, e)
				continue
			}
			broken = true // nothing behind a gap is of use
		}
		if err := s.remove(sequence); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// sequences returns the numbers of all extents of which anything is there.
func sequences(entries []fs.DirEntry) []uint64 {
	var numbers []uint64
	for _, e := range entries {
		name := strings.TrimSuffix(strings.TrimSuffix(e.Name(), rawSuffix), sealSuffix)
		if n, err := strconv.ParseUint(name, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// readSealed returns an extent whose seal fits its bytes, nil where there is none.
func (s *spool) readSealed(sequence uint64) (*sealed, error) {
	seal, err := os.ReadFile(s.extentPath(sequence, sealSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, spoolFault("read the spool folder", err)
	}
	h, ok := decodeSeal(seal)
	if !ok {
		return nil, nil
	}
	e := &sealed{header: h, sequence: sequence, path: s.extentPath(sequence, rawSuffix)}
	plain, err := e.open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, spoolFault("read the spool folder", err)
	}
	fits, err := e.fits(plain)
	if err = errors.Join(err, plain.Close()); err != nil {
		return nil, spoolFault("read the spool folder", err)
	}
	if !fits {
		return nil, nil
	}
	return e, nil
}

// decodeSeal reads a seal; one of another version is as good as none.
func decodeSeal(text []byte) (h segment.Header, ok bool) {
	err := json.Unmarshal(text, &h)
	return h, err == nil && h.Version == segment.Version
}

// remove deletes an extent, its seal first: without it the rest is nothing.
func (s *spool) remove(sequence uint64) error {
	for _, suffix := range []string{sealSuffix, rawSuffix} {
		if err := os.Remove(s.extentPath(sequence, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return spoolFault("remove from the spool folder", err)
		}
	}
	return nil
}

// writeDurably puts a whole file in place that survives a loss of power.
func writeDurably(path string, b []byte) error {
	temporary := path + temporarySuffix
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// limitedFile is the first bytes of a file.
type limitedFile struct {
	io.Reader
	io.Closer
}
