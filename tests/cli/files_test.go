package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func exists(parts ...string) bool {
	_, err := os.Stat(filepath.Join(parts...))
	return err == nil
}

// find returns the files below a folder whose path, from there, matches a pattern, sorted.
func find(t *testing.T, folder, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// key is a file's object key in the store.
func key(store, path string) string { return strings.TrimPrefix(path, store+"/") }

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
