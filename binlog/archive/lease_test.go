package archive_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// lease returns the latest one.
func (s *site) lease(t testing.TB) catalog.Lease {
	t.Helper()
	l, _, err := s.catalog().LatestLease(t.Context(), instance)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// awaitLease waits until an epoch is held.
func (s *site) awaitLease(t testing.TB, epoch uint64) catalog.Lease {
	t.Helper()
	mysqltest.Eventually(t, func() bool { return s.lease(t).Epoch >= epoch }, "the next lease")
	return s.lease(t)
}

// elsewhere is the same site with the spool folder of another machine.
func (s *site) elsewhere(t testing.TB) *site {
	t.Helper()
	other := *s
	other.spool = t.TempDir()
	return &other
}

func wantFault(t testing.TB, err error, code int, kind fault.Kind) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || f.Kind != kind {
		t.Fatalf("fault %+v, want code %d, kind %s", f, code, kind)
	}
	if f.Hint == "" {
		t.Errorf("no hint: %v", err)
	}
}

func TestSecondArchiverIsRefused(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	r := s.start(t, s.config(t).WithQuickLease())
	s.untilIdleBeside(t, r)
	_, err := s.tryUntilIdle(t, nil)
	wantFault(t, err, fault.CodeLeaseHeld, fault.KindLease) // the flock of the same spool
	other := s.elsewhere(t)
	_, err = other.tryUntilIdle(t, func(c *archive.Config) { *c = c.WithQuickLease() })
	wantFault(t, err, fault.CodeLeaseHeld, fault.KindLease) // a beat that changes
	if l := s.lease(t); l.Epoch != 1 {
		t.Errorf("the lease was taken: %+v", l)
	}
	r.stop(t)
	other.untilIdle(t, nil) // it was given back: nobody waits
	if l := s.lease(t); l.Epoch != 2 {
		t.Errorf("lease %+v", l)
	}
}

func TestTakeoverByTheSpoolsLockIsImmediate(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	cmd := s.startChild(t)
	s.awaitLease(t, 1)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	start := time.Now()
	s.untilIdle(t, nil)
	// Without the proof it would be 15 s; a busy machine takes one or two.
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("taking over took %v", took)
	}
}

func TestTakeoverOfAHolderThatIsSilent(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	cmd := s.startChild(t)
	s.awaitLease(t, 1)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	other := s.elsewhere(t)
	start := time.Now()
	told := &toldWaits{}
	other.untilIdle(t, func(c *archive.Config) {
		*c = c.WithQuickLease()
		c.Waits = told.begin
	})
	told.check(t, "for the lease, which the archive on host")
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("taken over after %v, before the beat was stale", took)
	}
	if l := s.lease(t); l.Epoch != 2 {
		t.Errorf("lease %+v", l)
	}
}

// toldWaits are the reasons for which an archiver said that it stands still.
type toldWaits struct {
	mu    sync.Mutex
	begun []string
	over  int
}

func (w *toldWaits) begin(why string) func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = append(w.begun, why)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over++
	}
}

// check wants a reason, told once, and no wait left.
func (w *toldWaits) check(t testing.TB, want string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, why := range w.begun {
		if strings.HasPrefix(why, want) {
			n++
		}
	}
	if n != 1 || w.over != len(w.begun) {
		t.Errorf("it waited %q, and %d waits are over; want one that begins with %q", w.begun, w.over, want)
	}
}

func TestArchiverThatLostItsLeaseStops(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	r := s.start(t, s.config(t).WithQuickLease().WithQuickHead())
	s.untilIdleBeside(t, r)
	err := s.catalog().PutLease(t.Context(), instance, catalog.Lease{Epoch: 2, Holder: "another", Spool: "elsewhere", Role: "archive"})
	if err != nil {
		t.Fatal(err)
	}
	<-r.ended
	wantFault(t, r.err, fault.CodeLeaseHeld, fault.KindLease)
	if beat, ok, err := s.catalog().Beat(t.Context(), instance, 2); err != nil || ok {
		t.Errorf("beat of the other holder: %+v %v %v", beat, ok, err)
	}
}

func TestBackupGivesItsLeaseToAnArchiverThatAsks(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	stop := load(t, s.source, time.Millisecond)
	c := s.config(t).WithQuickLease()
	c.Role = archive.RoleBackup
	backup := s.start(t, c)
	if l := s.awaitLease(t, 1); l.Role != "backup" {
		t.Fatalf("lease %+v", l)
	}
	s.awaitFiles(t, 2)
	archiver := s.start(t, s.config(t).WithQuickLease())
	if l := s.awaitLease(t, 2); l.Role != "archive" {
		t.Fatalf("lease %+v", l)
	}
	select {
	case <-backup.ended:
		t.Fatalf("the backup's archiver ended: %v", backup.err)
	default:
	}
	s.awaitFiles(t, 4)
	// The archiver ends: the backup goes on.
	archiver.stop(t)
	if l := s.awaitLease(t, 3); l.Role != "backup" {
		t.Fatalf("lease %+v", l)
	}
	s.awaitFiles(t, 6)
	stop()
	s.untilIdleBeside(t, backup)
	backup.stop(t)
	s.compareFiles(t, s.timeline(t))
	s.readAll(t)
}

func TestArchiverTakesTheLeaseOfAKilledBackup(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	cmd := s.startChild(t, "TRIPOD_ARCHIVE_TEST_ROLE=backup")
	if l := s.awaitLease(t, 1); l.Role != "backup" {
		t.Fatalf("lease %+v", l)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	start := time.Now()
	s.untilIdle(t, nil)
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("taking over took %v", took)
	}
	s.readAll(t)
}

// unconditional is a store without put-if-absent.
type unconditional struct{ storage.Bucket }

func (unconditional) Properties(context.Context) (storage.Properties, error) {
	return storage.Properties{}, nil
}

func TestStoreWithoutPutIfAbsentNeedsSingleWriter(t *testing.T) {
	s := newSite(t, mysqltest.Source(t))
	s.bucket = unconditional{s.bucket}
	_, err := s.tryUntilIdle(t, nil)
	wantFault(t, err, fault.CodeFailed, fault.KindStore)
	if !errors.Is(err, storage.ErrNoConditionalPut) {
		t.Error(err)
	}
	s.untilIdle(t, func(c *archive.Config) { c.SingleWriter = true })
	s.readAll(t)
}
