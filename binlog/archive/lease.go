package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// candidate is a writer that has no lease yet.
type candidate struct {
	catalog  *catalog.Catalog
	instance string
	spool    *spool
	role     Role
	timing   timing
	config   Config
}

// watched is what a candidate knows of the present lease: only that the beat changes, seen by
// the candidate's own clock, says that the holder lives.
type watched struct {
	lease catalog.Lease
	beat  catalog.Beat
	since time.Time // when this beat was seen first
	asked bool
}

// take returns the lease, or waits for it as the role demands. Faults: 11 where another
// archiver holds it, usage where the store cannot tell two writers apart.
func (c *candidate) take(ctx context.Context) (*tenure, error) {
	alone, err := c.catalog.SingleWriterOnly(ctx)
	if err != nil {
		return nil, err
	}
	if alone {
		if !c.config.SingleWriter {
			return nil, storage.Fault(fmt.Errorf("take the lease of instance %s: %w", c.instance, storage.ErrNoConditionalPut))
		}
		return &tenure{candidate: c}, nil
	}
	var seen *watched
	var told uint64 // the epoch of the lease that is waited for
	over := func() {}
	defer func() { over() }()
	for {
		t, err := c.try(ctx, &seen)
		if t != nil || err != nil {
			return t, err
		}
		if seen != nil && seen.lease.Epoch != told {
			over()
			told = seen.lease.Epoch
			over = c.config.Waits(fmt.Sprintf("for the lease, which the %s on host %s (process %d) has", seen.lease.Role, seen.lease.Host, seen.lease.PID))
		}
		if err := sleep(ctx, c.timing.look); err != nil {
			return nil, err
		}
	}
}

// try takes the lease if it can be had now. Nil without an error: look again.
func (c *candidate) try(ctx context.Context, seen **watched) (*tenure, error) {
	lease, ok, err := c.catalog.LatestLease(ctx, c.instance)
	if err != nil {
		return nil, err
	}
	if !ok {
		return c.put(ctx, 1)
	}
	beat, _, err := c.catalog.Beat(ctx, c.instance, lease.Epoch)
	if err != nil {
		return nil, err
	}
	if !beat.Ended {
		dead, release, err := c.spool.isDead(lease.Spool)
		if err != nil {
			return nil, spoolFault("look at the spool of the lease's holder", err)
		}
		if dead {
			t, err := c.put(ctx, lease.Epoch+1)
			return t, errors.Join(err, release())
		}
	}
	w := *seen
	if w == nil || w.lease.Epoch != lease.Epoch {
		w = &watched{lease: lease, beat: beat, since: time.Now()}
		*seen = w
	}
	alive := w.beat.Count != beat.Count
	if alive {
		w.beat, w.since = beat, time.Now()
	}
	switch {
	case beat.Ended:
		if reserved, err := c.isReserved(ctx, w); err != nil || reserved {
			return nil, err
		}
		return c.put(ctx, lease.Epoch+1)
	case time.Since(w.since) > c.timing.stale:
		c.config.Log.Warn("the lease's holder has not been heard of; taking over", "epoch", lease.Epoch, "host", lease.Host, "pid", lease.PID)
		return c.put(ctx, lease.Epoch+1)
	case c.role == RoleArchive && lease.Role == string(RoleArchive) && alive:
		return nil, heldFault(lease)
	case c.role == RoleArchive && lease.Role == string(RoleBackup) && !w.asked:
		w.asked = true
		return nil, c.ask(ctx, lease)
	}
	return nil, nil
}

func heldFault(lease catalog.Lease) error {
	return fault.New(fault.CodeLeaseHeld, fault.KindLease, "stop the other archiver, or let it do the work",
		"another archiver holds the lease (epoch %d, host %s, process %d)", lease.Epoch, lease.Host, lease.PID)
}

// isReserved tells whether the lease was given back to somebody who asked for it: a backup
// leaves it to an archiver, for as long as that may need to see it.
func (c *candidate) isReserved(ctx context.Context, w *watched) (bool, error) {
	if c.role != RoleBackup || time.Since(w.since) > c.timing.stale {
		return false, nil
	}
	_, asked, err := c.catalog.Ask(ctx, c.instance, w.lease.Epoch)
	return asked, err
}

func (c *candidate) ask(ctx context.Context, lease catalog.Lease) error {
	c.config.Log.Info("a backup holds the lease; asking for it", "epoch", lease.Epoch, "host", lease.Host)
	return c.catalog.PutAsk(ctx, c.instance, catalog.Ask{
		Epoch: lease.Epoch, By: c.spool.id, Role: string(c.role), Host: hostname(), Time: binlog.TimeOf(time.Now()),
	})
}

// put takes the lease of an epoch, unless somebody else was quicker.
func (c *candidate) put(ctx context.Context, epoch uint64) (*tenure, error) {
	lease := catalog.Lease{
		Epoch: epoch, Holder: randomID(), Spool: c.spool.id, Role: string(c.role),
		Host: hostname(), PID: os.Getpid(), Taken: binlog.TimeOf(time.Now()),
	}
	t := &tenure{candidate: c, lease: lease}
	err := c.catalog.PutLease(ctx, c.instance, lease)
	if errors.Is(err, storage.ErrExists) {
		// Ours all the same where the store's answer was lost and the put tried again.
		latest, ok, err := c.catalog.LatestLease(ctx, c.instance)
		if err != nil {
			return nil, err
		}
		if !ok || latest.Holder != lease.Holder {
			return nil, nil
		}
	} else if err != nil {
		t.giveBackIfHeld(ctx)
		return nil, err
	}
	if err := t.renew(ctx, false); err != nil {
		t.giveBack(ctx)
		return nil, err
	}
	c.config.Log.Info("took the lease", "epoch", epoch, "role", string(c.role))
	return t, nil
}

// hostname is for people.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
