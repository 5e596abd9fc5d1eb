package pitr

import (
	"context"
	"fmt"
)

// archivedAs names the instance of the store whose archive is that of the target, "" for none. What is restored into such a server
// has to be in its binlog: a later restore from that archive would lack it, and nothing would say so.
func archivedAs(ctx context.Context, c Config, restored string) (string, error) {
	if !c.Target.Facts().LogBin {
		return "", nil
	}
	instances, err := c.Catalog.Instances(ctx)
	if err != nil {
		return "", fmt.Errorf("look whether the target is archived: %w", err)
	}
	for _, instance := range instances {
		is, err := c.isArchivedAs(ctx, instance)
		switch {
		case is:
			return instance, nil
		case err != nil && (ctx.Err() != nil || instance == restored):
			return "", fmt.Errorf("look whether the target is archived: %w", err)
		case err != nil: // what is broken there is nothing of this restore
			c.log().Warn("the archive of another instance cannot be read, to see whether it is the target's", "instance", instance, "error", err)
		}
	}
	return "", nil
}

func (c Config) isArchivedAs(ctx context.Context, instance string) (bool, error) {
	timelines, err := c.Catalog.Timelines(ctx, instance)
	if err != nil {
		return false, err
	}
	for _, timeline := range timelines {
		head, ok, err := c.Catalog.Head(ctx, instance, timeline)
		if err != nil {
			return false, err
		}
		if ok && head.Identity.ServerUUID == c.Target.Facts().ServerUUID {
			return true, nil
		}
	}
	return false, nil
}
