package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// spoolFolder is the --spool of a command, or its default: a folder per store and instance
// under the user's state directory. It is made if it is missing.
func (inv *invocation) spoolFolder(f sourceFlags) (string, error) {
	folder := f.spool
	if folder == "" {
		state, err := inv.stateFolder()
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256([]byte(f.store))
		folder = filepath.Join(state, "spool", hex.EncodeToString(sum[:8])+"-"+catalog.Escape(f.instance))
	}
	folder, err := filepath.Abs(folder)
	if err == nil {
		err = os.MkdirAll(folder, 0o700) // archived rows are secrets
	}
	if err != nil {
		return "", fault.New(fault.CodeFailed, fault.KindStore, "name a writable folder with --spool", "make the spool folder: %w", err)
	}
	return folder, nil
}

func (inv *invocation) stateFolder() (string, error) {
	if v, ok := inv.env("XDG_STATE_HOME"); ok && filepath.IsAbs(v) {
		return filepath.Join(v, "tripod"), nil
	}
	if home, ok := inv.env("HOME"); ok && filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "tripod"), nil
	}
	return "", fault.New(fault.CodeFailed, fault.KindStore, "name a folder with --spool", "neither XDG_STATE_HOME nor HOME says where the spool may lie")
}
