package pitr

import (
	"context"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
)

// findArchive finds out whether the store archives the target. What is restored into such a server has to be in its binlog: a later
// restore from that archive would lack it, and nothing would say so.
func (r *run) findArchive(ctx context.Context) (err error) {
	if r.archived, err = archivedAs(ctx, r.config, r.plan.wish.Instance); err != nil || r.archived == "" {
		return err
	}
	r.config.log().Info("the restore is written to the target's binlog, which this store archives", "instance", r.archived)
	if r.plan.Resumes && !r.plan.unfinished.Archived {
		table := schema.Name{Schema: r.plan.unfinished.home, Name: checkpoint.ProgressTable}
		return fault.New(fault.CodeFailed, fault.KindTarget, "begin anew: DROP TABLE "+table.Quoted()+" on the target, and the same command with --force",
			"the target is archived in this store as %s, and an earlier run of this restore kept out of its binlog: a later restore from there would lack what that wrote", r.archived)
	}
	return nil
}

// archivedAs names the instance of the store whose archive is that of the target, "" for none.
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
		case err != nil: // in a binlog the restore does no harm
			c.log().Warn("the archive of another instance cannot be read: it is taken for the target's", "instance", instance, "error", err)
			return instance, nil
		}
	}
	return "", nil
}

func (c Config) isArchivedAs(ctx context.Context, instance string) (bool, error) {
	timelines, err := c.Catalog.Timelines(ctx, instance)
	if err != nil {
		return false, err
	}
	facts := c.Target.Facts()
	for _, timeline := range timelines {
		// The identity of a MariaDB has its host name and port, which change: its server id does for this.
		if facts.Flavor == server.FlavorMariaDB && strings.HasPrefix(string(timeline), fmt.Sprintf("m%d-", facts.ServerID)) {
			return true, nil
		}
		head, ok, err := c.Catalog.Head(ctx, instance, timeline)
		if err != nil {
			return false, err
		}
		if ok && head.Identity.ServerUUID == facts.ServerUUID {
			return true, nil
		}
	}
	return false, nil
}
