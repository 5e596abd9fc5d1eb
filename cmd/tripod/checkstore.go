package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// store tries out what tripod does in a store, and looks at whose it is.
func (r *checkResult) store(ctx context.Context, raw string, cat *catalog.Catalog) error {
	missing, err := missingFolders(raw)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		// The probe makes them, as a backup would, and they go again: unless somebody has put something there.
		defer func() {
			for _, folder := range missing {
				_ = os.Remove(folder) // what is not empty is not ours to remove
			}
		}()
		r.add("store", "missing", "warning", "there is no store at "+missing[0]+" yet: tripod backup and tripod archive make it", "check the path, and that what should be mounted there is", fault.KindStore)
	}
	works := true
	for _, trial := range storage.Probe(ctx, cat.Bucket()) {
		if trial.Err == nil {
			continue
		}
		works = false
		f := fault.Of(storage.Fault(trial.Err))
		level := levelError
		if errors.Is(trial.Err, storage.ErrNoConditionalPut) {
			level = "warning" // --single-writer is the way round
		}
		if f.Hint == "" {
			f.Hint = "check that the store can be reached, and that this user may read and write it"
		}
		r.add("store", trial.Operation, level, fmt.Sprintf("the store fails at %s: %s", trial.Operation, oneLine(trial.Err.Error())), f.Hint, fault.KindStore)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if works {
		r.add("store", "works", "info", "put, put-if-absent, get, stat, list and delete work in the store", "", fault.KindStore)
	}
	return r.instances(ctx, cat)
}

// instances tells what the store holds, and that of which nothing may be added: damaged, or of a
// newer tripod.
func (r *checkResult) instances(ctx context.Context, cat *catalog.Catalog) error {
	names, err := cat.Instances(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := cat.Instance(ctx, name); err != nil {
			f := fault.Of(err)
			r.add("store", "instance", levelError, "instance "+name+": "+oneLine(f.Error()), f.Hint, f.Kind)
		}
	}
	if len(names) > 0 {
		r.add("store", "instances", "info", "the store holds the instances "+strings.Join(names, ", "), "", fault.KindStore)
	}
	return nil
}

// missingFolders returns the folders, the innermost first, that a file:// store lacks.
func missingFolders(raw string) ([]string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "file" {
		return nil, err
	}
	var missing []string
	for folder := filepath.Clean(u.Path); ; folder = filepath.Dir(folder) {
		if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
			return missing, nil // there, or the probe says what is wrong
		}
		missing = append(missing, folder)
	}
}

// mayWrite tells, without writing, that this user may not write into a file:// store, or make it.
func mayWrite(raw string) error {
	missing, err := missingFolders(raw)
	if err != nil {
		return err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "file" {
		return err
	}
	folder := filepath.Clean(u.Path)
	if n := len(missing); n > 0 {
		folder = filepath.Dir(missing[n-1])
	}
	if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
		return storage.Fault(fmt.Errorf("write into %s: %w: %w", folder, storage.ErrReadOnly, err))
	}
	return nil
}
