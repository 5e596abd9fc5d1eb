package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
)

// LeaseVersion is the newest format of lease, beat and ask that this program writes and reads.
const LeaseVersion = 1

// Lease says who writes an instance's archive: the holder of the highest epoch.
type Lease struct {
	Version int    `json:"version"`
	Epoch   uint64 `json:"epoch"` // 1 for the first
	// Holder is random and differs for every lease that is ever taken.
	Holder string `json:"holder"`
	// Spool is the random id that lies in the holder's spool folder: whoever holds the flock of
	// that folder knows that the holder is dead.
	Spool string      `json:"spool"`
	Role  string      `json:"role"` // archive, backup
	Host  string      `json:"host"` // for people
	PID   int         `json:"pid"`  // likewise
	Taken binlog.Time `json:"taken"`
}

// Beat is what the holder changes every few seconds. Only that it changes means something:
// its time is the holder's clock, for people.
type Beat struct {
	Version int         `json:"version"`
	Epoch   uint64      `json:"epoch"`
	Count   uint64      `json:"count"`
	Time    binlog.Time `json:"time"`
	// Ended: the holder gave the lease back, nobody need wait for it.
	Ended bool `json:"ended,omitempty"`
}

// Ask is another archiver's wish to have the lease.
type Ask struct {
	Version int         `json:"version"`
	Epoch   uint64      `json:"epoch"` // of the lease that is asked for
	By      string      `json:"by"`    // random id of who asks
	Role    string      `json:"role"`  // archive, backup
	Host    string      `json:"host"`
	Time    binlog.Time `json:"time"`
}

// LatestLease returns the lease of the highest epoch; ok is false where nobody ever held one.
func (c *Catalog) LatestLease(ctx context.Context, instance string) (lease Lease, ok bool, err error) {
	epoch, err := c.highestEpoch(ctx, instance, 0)
	if err != nil || epoch == 0 {
		return Lease{}, false, err
	}
	if err := c.read(ctx, leaseKey(instance, epoch), LeaseVersion, &lease); err != nil {
		return Lease{}, false, err
	}
	if lease.Epoch != epoch {
		return Lease{}, false, storage.Altered(leaseKey(instance, epoch), "is the lease of epoch %d", lease.Epoch)
	}
	return lease, true, nil
}

// LeaseLost tells whether somebody holds a higher epoch. A holder asks before each upload. Where its
// own lease is not found either, the store is not the one that it was, and nothing belongs there.
func (c *Catalog) LeaseLost(ctx context.Context, instance string, epoch uint64) (bool, error) {
	highest, err := c.highestEpoch(ctx, instance, epoch)
	if err == nil && highest == 0 {
		return false, fault.New(fault.CodeFailed, fault.KindStore, "look whether the store was unmounted, emptied or replaced; bring it back, or stop this archiver and start a new archive",
			"the store lacks the lease of instance %s that was taken there (epoch %d)", instance, epoch)
	}
	return highest > epoch, err
}

// highestEpoch returns the highest epoch of which there is a lease, looking from one on; 0 for none.
func (c *Catalog) highestEpoch(ctx context.Context, instance string, from uint64) (uint64, error) {
	prefix := leasePrefix(instance)
	var highest uint64
	for object, err := range c.bucket.List(ctx, prefix, prefix+digits(from)) {
		if err != nil {
			return 0, storage.Fault(fmt.Errorf("look for the lease of instance %s: %w", instance, err))
		}
		name, isLease := strings.CutSuffix(object.Key[len(prefix):], ".json")
		if !isLease {
			continue
		}
		epoch, err := strconv.ParseUint(name, 10, 64)
		if err != nil {
			return 0, storage.Altered(object.Key, "is no lease")
		}
		highest = max(highest, epoch)
	}
	return highest, nil
}

// PutLease takes the lease of lease.Epoch, or fails with a fault of code 11 that wraps
// storage.ErrExists when somebody else has it. A store that cannot put if absent gives
// storage.ErrNoConditionalPut.
func (c *Catalog) PutLease(ctx context.Context, instance string, lease Lease) error {
	if lease.Epoch == 0 || lease.Holder == "" {
		return fmt.Errorf("take the lease of instance %s: it needs an epoch and a holder", instance)
	}
	lease.Version = LeaseVersion
	err := c.create(ctx, leaseKey(instance, lease.Epoch), lease)
	if errors.Is(err, storage.ErrExists) {
		return fault.New(fault.CodeLeaseHeld, fault.KindLease, "stop the other archiver, or let it do the work",
			"take the lease of instance %s: %w", instance, err)
	}
	return err
}

// Beat returns the holder's last beat; ok is false where it has not made one yet.
func (c *Catalog) Beat(ctx context.Context, instance string, epoch uint64) (beat Beat, ok bool, err error) {
	ok, err = c.readOptional(ctx, beatKey(instance, epoch), &beat)
	return beat, ok, err
}

// PutBeat replaces the beat of beat.Epoch.
func (c *Catalog) PutBeat(ctx context.Context, instance string, beat Beat) error {
	beat.Version = LeaseVersion
	return c.write(ctx, beatKey(instance, beat.Epoch), beat)
}

// Ask returns the last wish to have the lease of this epoch; ok is false where there is none.
func (c *Catalog) Ask(ctx context.Context, instance string, epoch uint64) (ask Ask, ok bool, err error) {
	ok, err = c.readOptional(ctx, askKey(instance, epoch), &ask)
	return ask, ok, err
}

// PutAsk asks the holder of ask.Epoch for the lease.
func (c *Catalog) PutAsk(ctx context.Context, instance string, ask Ask) error {
	ask.Version = LeaseVersion
	return c.write(ctx, askKey(instance, ask.Epoch), ask)
}

func (c *Catalog) readOptional(ctx context.Context, key string, v any) (bool, error) {
	err := c.read(ctx, key, LeaseVersion, v)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
