package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
)

// LimitsVersion is the newest format that this program writes and reads.
const LimitsVersion = 1

// Limits are the limits of one binlog file in one object, so that they are known without the
// headers of all its segments. Each holder of the lease has an object of its own: none can
// overwrite what another wrote. They may stand for bytes that never came into the store.
type Limits struct {
	Version  int             `json:"version"`
	Timeline binlog.Timeline `json:"timeline"`
	File     string          `json:"file"`
	Epoch    uint64          `json:"epoch"` // of the lease; 0 without one
	Limits   []segment.Limit `json:"limits"`
}

// Limits returns those of all files of an instance, by timeline and file as texts.
func (c *Catalog) Limits(ctx context.Context, instance string) ([]Limits, error) {
	var list []Limits
	for object, err := range c.bucket.List(ctx, limitsPrefix(instance), "") {
		if err != nil {
			return nil, storage.Fault(fmt.Errorf("list the limits of instance %s: %w", instance, err))
		}
		if !strings.HasSuffix(object.Key, ".json") {
			continue
		}
		l, err := c.limitsAt(ctx, instance, object.Key)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

func (c *Catalog) limitsAt(ctx context.Context, instance, key string) (Limits, error) {
	var l Limits
	if err := c.read(ctx, key, LimitsVersion, &l); err != nil {
		return l, err
	}
	if LimitsKey(instance, l.Timeline, l.File, l.Epoch) != key {
		return l, storage.Altered(key, "is that of %s of timeline %s", l.File, l.Timeline)
	}
	return l, nil
}

// LimitsOf returns what the holder of one lease has written of a file; no limits where it has not.
func (c *Catalog) LimitsOf(ctx context.Context, instance string, timeline binlog.Timeline, file string, epoch uint64) (Limits, error) {
	l, err := c.limitsAt(ctx, instance, LimitsKey(instance, timeline, file, epoch))
	if errors.Is(err, storage.ErrNotFound) {
		return Limits{Timeline: timeline, File: file, Epoch: epoch}, nil
	}
	return l, err
}

// PutLimits replaces the object.
func (c *Catalog) PutLimits(ctx context.Context, instance string, l Limits) error {
	l.Version = LimitsVersion
	return c.write(ctx, LimitsKey(instance, l.Timeline, l.File, l.Epoch), l)
}
