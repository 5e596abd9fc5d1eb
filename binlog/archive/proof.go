package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Proof is a locked file in a spool folder, for as long as its process lives: whoever gets the
// lock knows that the process is dead. Its name stands in what the process leaves in the store.
type Proof struct {
	Name string
	lock *flock.Flock
}

// Proofs lie beside the spools of backups, not in them: those are removed when their holder is dead.
const (
	proofPrefix = "run-"
	proofSuffix = ".lock"
)

func proofPath(dir, name string) string { return filepath.Join(dir, proofPrefix+name+proofSuffix) }

// HoldProof makes a proof in a spool folder, which is made if it is missing, and locks it.
func HoldProof(dir string) (*Proof, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, spoolFault("make the spool folder", err)
	}
	if err := removeOldProofs(dir); err != nil {
		return nil, spoolFault("clear the spool folder", err)
	}
	p := &Proof{Name: randomID()}
	p.lock = flock.New(proofPath(dir, p.Name), flock.SetPermissions(0o600))
	locked, err := p.lock.TryLock()
	if err == nil && !locked {
		err = fs.ErrExist // nobody else draws this name
	}
	if err != nil {
		return nil, spoolFault("lock a file in the spool folder", err)
	}
	return p, nil
}

// Release lets the lock go. keep leaves the file, which then proves that its process has ended.
func (p *Proof) Release(keep bool) error {
	var err error
	if !keep {
		err = RemoveProof(filepath.Dir(p.lock.Path()), p.Name)
	}
	return errors.Join(err, p.lock.Close())
}

// proofKept is for how long a dead process's file is of use to anybody.
const proofKept = 48 * time.Hour

// removeOldProofs removes what dead processes left long ago.
func removeOldProofs(dir string) error {
	paths, err := filepath.Glob(proofPath(dir, "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) < proofKept {
			continue // gone meanwhile, or of use
		}
		lock := flock.New(path, flock.SetFlag(os.O_RDWR))
		if locked, err := lock.TryLock(); err != nil || !locked {
			continue // alive, or gone meanwhile
		}
		if err := errors.Join(os.Remove(path), lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Life is what a proof tells of its process.
type Life int

// What is known of a process.
const (
	LifeUnknown Life = iota // of another machine, or of another folder
	LifeGoesOn
	LifeEnded
)

// LookAtProof tells whether the process of a proof lives.
func LookAtProof(dir, name string) (Life, error) {
	path := proofPath(dir, name)
	if _, err := os.Stat(path); name == "" || errors.Is(err, fs.ErrNotExist) {
		return LifeUnknown, nil
	}
	if local, err := isLocal(dir); err != nil || !local {
		return LifeUnknown, err
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR))
	locked, err := lock.TryLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return LifeUnknown, nil
	case err != nil:
		return LifeUnknown, spoolFault("look at the spool folder", err)
	case !locked:
		return LifeGoesOn, nil
	}
	return LifeEnded, lock.Close()
}

// RemoveProof removes what a dead process left.
func RemoveProof(dir, name string) error {
	if err := os.Remove(proofPath(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return spoolFault("remove a file from the spool folder", err)
	}
	return nil
}
