package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/storage"
)

// List implements storage.Bucket. It reads only the folders that can hold keys of the answer,
// and each only when the caller gets there.
func (b *Bucket) List(ctx context.Context, prefix, from string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		w := walk{root: b.root, prefix: prefix, from: from, yield: yield}
		// Every key of the answer lies in the folder that the prefix names up to its last slash.
		start := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if start != "" && storage.CheckKey(strings.TrimSuffix(start, "/")) != nil {
			return // no key has such a prefix
		}
		w.folder(ctx, start)
	}
}

// walk is one listing. Its methods return false once it is over.
type walk struct {
	root   string
	prefix string
	from   string
	yield  func(storage.Object, error) bool
}

// folder lists the folder whose keys begin with key, which is empty or ends in "/".
func (w *walk) folder(ctx context.Context, key string) bool {
	if err := ctx.Err(); err != nil {
		return w.fail(err)
	}
	path := filepath.Join(w.root, filepath.FromSlash(key))
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) || isNotFolder(err) {
		return true
	}
	if err != nil {
		return w.fail(fmt.Errorf("list %s: %w", path, readError(err)))
	}
	for _, e := range w.wanted(key, path, entries) {
		if e.isFolder {
			if !w.folder(ctx, e.key) {
				return false
			}
			continue
		}
		if !w.object(e) {
			return false
		}
	}
	return true
}

// entry is a file or folder of the store; the key of a folder ends in "/".
type entry struct {
	key      string
	path     string
	isFolder bool
}

// wanted picks those entries that are, or may hold, keys of the answer, in the order of keys.
// That is not the order of names: "a-b" stands before "a/c", though "a" stands before "a-b".
func (w *walk) wanted(key, path string, dir []fs.DirEntry) []entry {
	entries := make([]entry, 0, len(dir))
	for _, d := range dir {
		if !storage.ValidPart(d.Name()) {
			continue
		}
		e := entry{key: key + d.Name(), path: filepath.Join(path, d.Name()), isFolder: d.IsDir()}
		if d.Type()&fs.ModeSymlink != 0 {
			// Somebody moved a part of the store to another disk.
			target, err := os.Stat(e.path)
			e.isFolder = err == nil && target.IsDir()
		}
		if e.isFolder {
			e.key += "/"
		}
		if w.mayHold(e) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	return entries
}

func (w *walk) mayHold(e entry) bool {
	if !e.isFolder {
		return strings.HasPrefix(e.key, w.prefix) && e.key >= w.from
	}
	if !strings.HasPrefix(e.key, w.prefix) && !strings.HasPrefix(w.prefix, e.key) {
		return false
	}
	// The keys of a folder are all smaller than from when its own is, unless from is one of them.
	return e.key >= w.from || strings.HasPrefix(w.from, e.key)
}

func (w *walk) object(e entry) bool {
	info, err := os.Stat(e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // deleted meanwhile
	case err != nil:
		return w.fail(readError(err))
	case !info.Mode().IsRegular():
		return true // a socket or the like is not ours
	}
	return w.yield(storage.Object{Key: e.key, Size: info.Size()}, nil)
}

func (w *walk) fail(err error) bool {
	w.yield(storage.Object{}, err)
	return false
}
