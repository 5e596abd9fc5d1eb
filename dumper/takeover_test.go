package dumper

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	r, m := s.backUp(inChunks, soon, func(c *Config) { c.SpoolDir = other })
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
