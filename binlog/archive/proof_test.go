package archive

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A proof tells of its process for as long as it lives, and behind its end if it is kept.
func TestProof(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	look := func(name string, want Life) {
		t.Helper()
		if got, err := LookAtProof(dir, name); err != nil || got != want {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	look("none", LifeUnknown)
	look("", LifeUnknown)
	kept, err := HoldProof(dir)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := HoldProof(dir)
	if err != nil {
		t.Fatal(err)
	}
	look(kept.Name, LifeGoesOn)
	for _, release := range []error{kept.Release(true), gone.Release(false)} {
		if release != nil {
			t.Fatal(release)
		}
	}
	look(kept.Name, LifeEnded)
	look(kept.Name, LifeEnded)
	look(gone.Name, LifeUnknown)

	// What dead processes left is removed in the end, what a living one has is not.
	alive, err := HoldProof(dir)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-proofKept - time.Hour)
	for _, name := range []string{kept.Name, alive.Name} {
		if err := os.Chtimes(proofPath(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	last, err := HoldProof(dir)
	if err != nil {
		t.Fatal(err)
	}
	look(kept.Name, LifeUnknown)
	look(alive.Name, LifeGoesOn)
	for _, release := range []error{alive.Release(false), last.Release(false)} {
		if release != nil {
			t.Fatal(release)
		}
	}
}
