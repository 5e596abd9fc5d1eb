package archive

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// errAsked: an archiver wants the lease that this backup holds.
var errAsked = errors.New("an archiver asks for the lease")

// tenure is the time for which a writer holds the lease. Without one (single writer) its epoch is 0.
type tenure struct {
	*candidate
	lease catalog.Lease

	mu    sync.Mutex
	count uint64
}

func (t *tenure) epoch() uint64 { return t.lease.Epoch }

// renew makes a beat.
func (t *tenure) renew(ctx context.Context, ended bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	return t.catalog.PutBeat(ctx, t.instance, catalog.Beat{
		Epoch: t.epoch(), Count: t.count, Time: binlog.TimeOf(time.Now()), Ended: ended,
	})
}

// keep renews the lease until ctx ends, or until a backup is asked for it (errAsked).
func (t *tenure) keep(ctx context.Context) error {
	if t.epoch() == 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	beat := time.NewTicker(t.timing.beat)
	defer beat.Stop()
	look := time.NewTicker(min(t.timing.look, t.config.Flush))
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
			if err := t.renew(ctx, false); err != nil && ctx.Err() == nil {
				// As long as nobody takes over the lease is ours, and whoever does is seen before the next upload.
				t.config.Log.Warn("could not renew the lease", "epoch", t.epoch(), "error", err)
			}
		case <-look.C:
			if t.role != RoleBackup {
				continue
			}
			switch _, asked, err := t.catalog.Ask(ctx, t.instance, t.epoch()); {
			case err != nil && ctx.Err() == nil:
				t.config.Log.Warn("could not look whether anybody asks for the lease", "error", err)
			case asked:
				return errAsked
			}
		}
	}
}

// check fails when somebody else has taken the lease, or when that cannot be seen.
func (t *tenure) check(ctx context.Context) error {
	if t.epoch() == 0 {
		return nil
	}
	lost, err := t.catalog.LeaseLost(ctx, t.instance, t.epoch())
	if err != nil {
		return err
	}
	if lost {
		return fault.New(fault.CodeLeaseHeld, fault.KindLease, "let the other archiver do the work",
			"another writer took the lease over after epoch %d: %w", t.epoch(), errLeaseLost)
	}
	return nil
}

// errLeaseLost: a higher epoch is there.
var errLeaseLost = errors.New("the lease is lost")

// giveBack ends the tenure, within limits and also when ctx has ended: nobody need wait for the
// beat to be stale.
func (t *tenure) giveBack(ctx context.Context) {
	if t.epoch() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.timing.ending)
	defer cancel()
	if err := t.renew(ctx, true); err != nil {
		t.config.Log.Warn("could not give the lease back; the next writer waits until it is stale", "epoch", t.epoch(), "error", err)
	}
}

// giveBackIfHeld is giveBack where the store may have taken the lease without saying so. It looks
// first: a beat that says "ended" would end whoever else holds that epoch.
func (t *tenure) giveBackIfHeld(ctx context.Context) {
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.timing.ending)
	defer cancel()
	latest, ok, err := t.catalog.LatestLease(look, t.instance)
	switch {
	case err != nil:
		t.config.Log.Warn("could not see whether the lease was taken", "epoch", t.epoch(), "error", err)
	case ok && latest.Holder == t.lease.Holder:
		t.giveBack(ctx)
	}
}
