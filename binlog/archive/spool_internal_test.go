package archive

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
)

// fill seals extents of the given contents, which follow each other in one file.
func fill(t *rapid.T, s *spool, contents [][]byte) {
	chain := binlog.NewChain()
	for _, b := range contents {
		state, err := chain.AppendState(nil)
		if err != nil {
			t.Fatal(err)
		}
		h := segment.Header{Timeline: "t", File: "binlog.000001", Start: chain.Offset(), SHA256Start: chain.Sum(), State: state}
		e, err := s.create(h.Start)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.append(b); err != nil {
			t.Fatal(err)
		}
		_, _ = chain.Write(b) // never fails
		h.End, h.SHA256End = chain.Offset(), chain.Sum()
		if err := e.append([]byte("behind the last boundary")); err != nil {
			t.Fatal(err)
		}
		if _, err := e.seal(h); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever one extent suffers, those before it are kept as they were, and nothing behind it is.
func TestSpoolKeepsWhatIsWholeUpToTheFirstDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "tripod-spool-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
		s, err := lockSpool(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		contents := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, 6).Draw(t, "contents")
		fill(t, s, contents)
		open, err := s.create(1 << 40)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(open.append([]byte("not sealed")), open.w.Flush(), open.file.Close(), s.close()); err != nil {
			t.Fatal(err)
		}

		hurt := rapid.IntRange(0, len(contents)).Draw(t, "hurt") // len: none
		if hurt < len(contents) {
			suffix := rapid.SampledFrom([]string{rawSuffix, sealSuffix}).Draw(t, "suffix")
			damage(t, s.extentPath(uint64(hurt), suffix), suffix == rawSuffix, uint64(len(contents[hurt])))
		}
		if s, err = lockSpool(context.Background(), dir); err != nil {
			t.Fatal(err)
		}
		kept, err := s.recover()
		if err != nil {
			t.Fatal(err)
		}
		if len(kept) != hurt {
			t.Fatalf("%d extents kept, %d were whole in front of the damage", len(kept), hurt)
		}
		for i, e := range kept {
			if _, err := e.encode(e.header); err != nil || e.size() != int64(len(contents[i])) {
				t.Fatalf("extent %d of %d bytes: %v", i, e.size(), err)
			}
		}
		left, err := filepath.Glob(filepath.Join(dir, extentFolder, "*"))
		if err != nil || len(left) != 2*hurt {
			t.Fatalf("files %v: %v", left, err)
		}
		if s.next <= uint64(len(contents)) {
			t.Fatalf("the next extent is number %d", s.next)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	})
}

// damage changes a file so that it cannot vouch for its bytes any more.
func damage(t *rapid.T, path string, raw bool, used uint64) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	switch rapid.SampledFrom([]string{"remove", "truncate", "flip"}).Draw(t, "damage") {
	case "remove":
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	case "truncate":
		n := uint64(len(b))
		if raw {
			n = used
		}
		b = b[:rapid.Uint64Range(0, n-1).Draw(t, "length")]
	default:
		if !raw { // the sums in the seal vouch for the bytes, not for the seal: one that is torn is meant
			b = bytes.Repeat([]byte{0}, len(b))
			break
		}
		b[rapid.Uint64Range(0, used-1).Draw(t, "byte")] ^= 1
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolBelongsToOne(t *testing.T) {
	dir := t.TempDir()
	s, err := openSpool(t.Context(), dir, RoleArchive)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openSpool(t.Context(), dir, RoleArchive); fault.Of(err).Code != fault.CodeLeaseHeld {
		t.Errorf("a second archiver: %v", err)
	}
	backup, err := openSpool(t.Context(), dir, RoleBackup)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{s.id: true, backup.id: false, "elsewhere": false} {
		dead, release, err := s.isDead(id)
		if err != nil || dead != want {
			t.Errorf("%s is dead: %v: %v", id, dead, err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	}
	if dead, _, err := backup.isDead(s.id); err != nil || dead {
		t.Errorf("the archiver is dead to the backup: %v: %v", dead, err)
	}
	// Whoever proves that the archiver is dead holds its folder for a moment: a new one waits.
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	dead, release, err := backup.isDead(s.id)
	if err != nil || !dead {
		t.Fatalf("a killed archiver is dead: %v: %v", dead, err)
	}
	opened := make(chan error)
	go func() {
		s, err = openSpool(t.Context(), dir, RoleArchive)
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Errorf("an archiver has the folder that another process holds: %v", err)
	case <-time.After(provingTakes / 20):
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	// The backup is killed: its lock is gone, its folder is not.
	backup.own = false
	if err := errors.Join(backup.close(), s.removeDead()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(backup.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a dead backup: %v", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}
