package dumper

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestRunningBackupIsNotAdopted: neither on the same machine, nor, where only the store tells, on another.
func TestRunningBackupIsNotAdopted(t *testing.T) {
	for _, sameSpool := range []bool{true, false} {
		t.Run(fmt.Sprintf("same spool=%v", sameSpool), func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.shopOfThree()
			mysqltest.Failpoint(t, "dumper/journalOften", "return")
			soon := func(c *Config) { c.tuning.renewEvery = 200 * time.Millisecond }
			other := t.TempDir()
			var second *Result
			s.atChunk("d.t", 6, func() {
				s.gate.before(nil)
				mysqltest.Eventually(t, func() bool { return s.journaled(s.unfinished(), chunkKey("d.t", 5)) }, "the journal has the chunk before")
				var err error
				second, err = s.tryBackUp(t.Context(), inChunks, soon, func(c *Config) {
					if !sameSpool {
						c.SpoolDir = other
					}
				})
				if err != nil {
					t.Error(err)
				}
			})
			first, m := s.backUp(inChunks, soon)
			if second == nil || second.BackupID == first.BackupID || second.Adopted != (Adopted{}) || !strings.Contains(s.log.String(), "it is running") {
				t.Errorf("the second backup %+v goes on with one that runs, %s", second, first.BackupID)
			}
			s.clean(first.BackupID, m)
		})
	}
}

// TestFrozenBackupDoesNoHarm: a process that stands still for long is taken for dead by another
// machine. When it wakes it fails, and what the other has made of the backup stays whole.
func TestFrozenBackupDoesNoHarm(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	mysqltest.Failpoint(t, "dumper/journalOften", "return")
	soon := func(c *Config) { c.tuning.renewEvery = 100 * time.Millisecond }
	frozen, wake := make(chan struct{}), make(chan struct{})
	sleeper := *s
	sleeper.gate = &gate{Bucket: s.gate.Bucket}
	sleeper.catalog = catalog.New(sleeper.gate)
	sleeper.log = &syncBuffer{}
	sleeper.gate.before(func(_ context.Context, key string) {
		if strings.HasSuffix(key, "/"+chunkKey("d.t", 6)) {
			mysqltest.Eventually(t, func() bool { return s.journaled(s.unfinished(), chunkKey("d.t", 5)) }, "the journal has the chunk before")
			sleeper.gate.before(func(context.Context, string) { <-wake })
			close(frozen)
			<-wake
		}
	})
	ended := make(chan error, 1)
	go func() {
		_, err := sleeper.tryBackUp(context.WithoutCancel(t.Context()), inChunks, soon)
		ended <- err
	}()
	<-frozen
	id := s.unfinished()
	other := t.TempDir()
	var r *Result
	var m *catalog.Manifest
	// It takes the lease over, too.
	mysqltest.FailpointWhile(t, "binlog/archive/stale", "return(1000)", func() {
		r, m = s.backUp(inChunks, soon, func(c *Config) { c.SpoolDir = other })
	})
	if r.BackupID != id || r.Adopted.Chunks < 5 {
		t.Errorf("backup %s of %s adopted %+v", r.BackupID, id, r.Adopted)
	}
	close(wake)
	if f := fault.Of(<-ended); f == nil || f.Kind != fault.KindLease || !strings.Contains(f.Error(), id) {
		t.Errorf("the one that stood still ended with %v", f)
	}
	if ids, err := s.catalog.Backups(t.Context(), instanceName); err != nil || !slices.Equal(ids, []string{id}) {
		t.Errorf("backups %v, %v", ids, err)
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

// foreign puts the manifest that another process has made of a backup.
func (s *site) foreign(id string) *catalog.Manifest {
	s.t.Helper()
	m := &catalog.Manifest{ID: id, Instance: instanceName, Compression: "zstd", Program: "the other", Finished: 7}
	if err := catalog.New(s.gate.Bucket).PutManifest(s.t.Context(), m); err != nil {
		s.t.Error(err)
	}
	return m
}

// wantForeign wants the only backup to be that of the other process.
func (s *site) wantForeign(id string) {
	s.t.Helper()
	if m, err := s.catalog.Manifest(s.t.Context(), instanceName, id); err != nil || m.Program != "the other" {
		s.t.Errorf("the other's manifest: %+v, %v", m, err)
	}
}

// TestManifestOfAnotherProcessStays: the store does not answer when the manifest is put, and when it
// does again, the manifest is there of a process which has taken this one for dead.
func TestManifestOfAnotherProcessStays(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 15)...)...)
	id := ""
	s.gate.before(func(_ context.Context, key string) {
		if strings.HasSuffix(key, "/manifest.json") && id == "" { // other keys come from beside
			id = s.unfinished()
			s.foreign(id)
			s.gate.kill(true)
		}
	})
	_, err := s.tryDying(t.Context(), inChunks)
	s.gate.before(nil)
	s.gate.kill(false)
	if f := fault.Of(err); err == nil || f.Kind != fault.KindLease {
		t.Errorf("the backup ended with %v", err)
	}
	s.wantForeign(id)
}

// TestBackupThatCameToItsEndMeanwhile: between the look at an unfinished backup and the moment in
// which it is taken over its own process may have finished it. Nothing of it is touched.
func TestBackupThatCameToItsEndMeanwhile(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	id := s.killedAt("d.t", 6)
	chunks, err := s.catalog.ChunkSizes(t.Context(), instanceName, id)
	if err != nil || len(chunks) == 0 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	s.gate.before(func(_ context.Context, key string) {
		if key == catalog.JournalKey(instanceName, id, 2, 0) {
			s.foreign(id)
		}
	})
	r, m := s.backUp(inChunks)
	if r.BackupID == id || r.Adopted != (Adopted{}) {
		t.Errorf("backup %s of %s adopted %+v", r.BackupID, id, r.Adopted)
	}
	s.wantForeign(id)
	if left, err := s.catalog.ChunkSizes(t.Context(), instanceName, id); err != nil || len(left) < len(chunks) {
		t.Errorf("%d of %d chunks are left, %v", len(left), len(chunks), err)
	}
	target := mysqltest.Target(t)
	s.load(target, m)
	s.equal(target, "d")
}

// TestManifestDecidesWhoRemoves: two processes that take each other for dead both come to the end. The
// one whose manifest is second removes no chunk that the first one's names.
func TestManifestDecidesWhoRemoves(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.shopOfThree()
	id := s.killedAt("d.t", 6)
	// Stored behind the last journal: the first process has come further than this one knows.
	stray := catalog.BackupKey(instanceName, id, "data/d/t/00000099.tsv.zst")
	body := "the first process's"
	if err := s.gate.Bucket.Put(t.Context(), stray, strings.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	s.gate.before(func(_ context.Context, key string) {
		if key == catalog.ManifestKey(instanceName, id) {
			s.gate.before(nil)
			s.foreign(id)
		}
	})
	_, err := s.tryBackUp(t.Context(), inChunks)
	if f := fault.Of(err); err == nil || f.Kind != fault.KindLease || !strings.Contains(f.Hint, "--fresh") {
		t.Errorf("the second one ended with %v (%s)", err, f.Hint)
	}
	s.wantForeign(id)
	if _, err := s.gate.Bucket.Stat(t.Context(), stray); err != nil {
		t.Errorf("a chunk of the first one is gone: %v", err)
	}
}

// TestIntentIsRenewedToTheEnd: a backup that waits for the archive, or for the store, is alive.
func TestIntentIsRenewedToTheEnd(t *testing.T) {
	s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
	s.exec(append([]string{"CREATE DATABASE d"}, fill("d.t", 15)...)...)
	renewed := func() catalog.Intent {
		i, err := s.catalog.Intent(t.Context(), instanceName, s.unfinished())
		if err != nil {
			t.Error(err)
		}
		return i
	}
	var seen atomic.Bool // the hook runs beside itself: the intent is put, too
	s.gate.before(func(_ context.Context, key string) {
		if !strings.HasSuffix(key, "/manifest.json") || seen.Swap(true) {
			return
		}
		first := renewed()
		mysqltest.Eventually(t, func() bool { return renewed().Renewed != first.Renewed }, "the intent is renewed while the manifest is put")
	})
	s.backUp(inChunks, func(c *Config) { c.tuning.renewEvery = 20 * time.Millisecond })
	if !seen.Load() {
		t.Error("no manifest was put")
	}
}
