package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/storagetest"
)

func open(t testing.TB) *Bucket {
	t.Helper()
	b, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storage.Bucket { return open(t) })
}

func BenchmarkFile(b *testing.B) {
	storagetest.Bench(b, func(t testing.TB) storage.Bucket { return open(t) })
}

// TestConformanceWithoutFolder begins with a store that is not there yet.
func TestConformanceWithoutFolder(t *testing.T) {
	storagetest.Run(t, func(t testing.TB) storage.Bucket {
		b, err := Open(filepath.Join(t.TempDir(), "not", "there"), Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

func TestMissingStoreIsExit10(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing")
	if _, err := Open(path, Options{}); fault.Of(err) == nil || fault.Of(err).Code != fault.CodeNotFound {
		t.Errorf("open: %v, want a fault of code 10", err)
	}
	b, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Stat(t.Context(), "k"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("stat: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("reading made the folder: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Options{Create: true}); err == nil {
		t.Error("a file was opened as a store")
	}
}

func TestOpenURL(t *testing.T) {
	folder := t.TempDir()
	for raw, code := range map[string]int{
		"file://" + folder:                 0,
		"file://localhost" + folder:        0,
		"file://" + folder + "/missing":    fault.CodeNotFound,
		"file://host" + folder:             fault.CodeUsage,
		"file:relative":                    fault.CodeUsage,
		"s3://bucket/prefix":               fault.CodeUsage,
		"file://" + folder + "?endpoint=x": fault.CodeUsage,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		b, err := OpenURL(u, Options{})
		switch {
		case code == 0 && (err != nil || b.Root() != folder):
			t.Errorf("%s: %v", raw, err)
		case code != 0 && (err == nil || fault.Of(err).Code != code):
			t.Errorf("%s: %v, want code %d", raw, err, code)
		}
	}
}

// names returns the names of all files below folder, hidden ones too.
func names(t *testing.T, folder string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(folder, path)
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFailedPutLeavesNoFile(t *testing.T) {
	b := open(t)
	for _, put := range []func(context.Context, string, io.Reader, int64) error{b.Put, b.PutIfAbsent} {
		if err := put(t.Context(), "a/k", strings.NewReader("abc"), 4); err == nil {
			t.Error("a short body was stored")
		}
	}
	if found := names(t, b.Root()); len(found) != 0 {
		t.Errorf("left behind: %q", found)
	}
}

func TestOnlyTheOwnerReads(t *testing.T) {
	b := open(t)
	storagetest.Put(t, b, "a/b/k", "secret")
	for path, want := range map[string]os.FileMode{"a": 0o700, "a/b": 0o700, "a/b/k": 0o600} {
		info, err := os.Stat(filepath.Join(b.Root(), path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
}

// TestCrashedTemporaryFiles: what a killed writer leaves is never listed; it is removed once it
// is a day old, and not before, since its writer may live.
func TestCrashedTemporaryFiles(t *testing.T) {
	folder := t.TempDir()
	young, old := filepath.Join(folder, "a", temporaryPrefix+"0001"), filepath.Join(folder, "a", temporaryPrefix+"0002")
	if err := os.Mkdir(filepath.Join(folder, "a"), folderMode); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{young, old} {
		if err := os.WriteFile(path, []byte("half of an obj"), fileMode); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-staleAfter - time.Minute)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	b, err := Open(folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if keys := storagetest.Keys(t, b, "", ""); len(keys) != 0 {
		t.Errorf("listed %q", keys)
	}
	storagetest.Put(t, b, "a/k", "x")
	if found, want := names(t, folder), []string{"a/" + temporaryPrefix + "0001", "a/k"}; !slices.Equal(found, want) {
		t.Errorf("the folder holds %q, want %q", found, want)
	}
}

func TestForeignFilesAreNotListed(t *testing.T) {
	b := open(t)
	storagetest.Put(t, b, "a/k", "x")
	for _, name := range []string{"lost found", "ä", "a/#k", "a/k:x"} {
		if err := os.WriteFile(filepath.Join(b.Root(), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(b.Root(), "a", "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if keys := storagetest.Keys(t, b, "", ""); !slices.Equal(keys, []string{"a/k"}) {
		t.Errorf("listed %q", keys)
	}
}

// TestLinkedFolder: a part of the store may lie on another disk.
func TestLinkedFolder(t *testing.T) {
	b, elsewhere := open(t), t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(b.Root(), "a")); err != nil {
		t.Fatal(err)
	}
	storagetest.Put(t, b, "a/b/k", "x")
	storagetest.Put(t, b, "a-b", "x")
	if keys := storagetest.Keys(t, b, "", ""); !slices.Equal(keys, []string{"a-b", "a/b/k"}) {
		t.Errorf("listed %q", keys)
	}
}

// TestRemovedFolder: somebody cleans empty folders away while a writer runs.
func TestRemovedFolder(t *testing.T) {
	b := open(t)
	storagetest.Put(t, b, "a/b/k", "x")
	if err := os.RemoveAll(filepath.Join(b.Root(), "a")); err != nil {
		t.Fatal(err)
	}
	storagetest.Put(t, b, "a/b/k", "y")
	if err := os.RemoveAll(filepath.Join(b.Root(), "a")); err != nil {
		t.Fatal(err)
	}
	storagetest.Put(t, b, "a/c/k", "z")
	storagetest.Put(t, b, "a/b/k", "y")
	if got := storagetest.Get(t, b, "a/b/k"); got != "y" {
		t.Errorf("got %q", got)
	}
}

func TestTruncatedWhileRead(t *testing.T) {
	b := open(t)
	storagetest.Put(t, b, "k", strings.Repeat("x", 1000))
	r, err := b.Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(filepath.Join(b.Root(), "k"), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read said %v, want io.ErrUnexpectedEOF", err)
	}
}

func TestErrorsOfTheSystem(t *testing.T) {
	for errno, want := range map[syscall.Errno]error{
		syscall.ENOSPC: storage.ErrFull, syscall.EDQUOT: storage.ErrFull,
		syscall.EROFS: storage.ErrReadOnly, syscall.EACCES: storage.ErrReadOnly, syscall.EPERM: storage.ErrReadOnly,
	} {
		if err := writeError(&os.PathError{Op: "write", Path: "p", Err: errno}); !errors.Is(err, want) {
			t.Errorf("%v became %v", errno, err)
		}
	}
	if err := writeError(syscall.EIO); storage.IsPermanent(err) {
		t.Errorf("EIO is not tried again: %v", err)
	}
	if b := open(t); !storage.IsPermanent(b.Put(t.Context(), strings.Repeat("n", 300), strings.NewReader(""), 0)) {
		t.Error("a name that is too long for the file system is tried again")
	}
}

// asStranger runs f with the file rights of another user than root. It is this thread's alone.
func asStranger(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Error(err)
		}
	}()
	f()
}

func TestFolderThatMayNotBeWritten(t *testing.T) {
	b := open(t)
	storagetest.Put(t, b, "a/k", "x")
	for _, folder := range []string{filepath.Join(b.Root(), "a"), b.Root()} {
		if err := os.Chmod(folder, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, folder := range []string{b.Root(), filepath.Join(b.Root(), "a")} {
			if err := os.Chmod(folder, 0o700); err != nil {
				t.Error(err)
			}
		}
	})
	// The folders above the test's own are open to its owner only.
	for above := filepath.Dir(b.Root()); above != os.TempDir() && above != "/"; above = filepath.Dir(above) {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	asStranger(t, func() {
		for _, key := range []string{"a/k", "a/new", "new", "new/folder"} {
			if err := b.Put(t.Context(), key, bytes.NewReader(nil), 0); !errors.Is(err, storage.ErrReadOnly) {
				t.Errorf("put %s: %v, want ErrReadOnly", key, err)
			}
		}
		if err := b.Delete(t.Context(), "a/k"); !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("delete: %v, want ErrReadOnly", err)
		}
		if err := b.PutIfAbsent(t.Context(), "new", bytes.NewReader(nil), 0); !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("put-if-absent: %v, want ErrReadOnly", err)
		}
	})
	if got := storagetest.Get(t, b, "a/k"); got != "x" {
		t.Errorf("got %q", got)
	}
}
