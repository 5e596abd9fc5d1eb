package archive

import (
	"context"
	"errors"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Run archives a source until ctx ends, whose error it then returns, or, with UntilIdle, until
// everything is archived that the source had at the start. Result is filled in either case.
// Faults: 11 where another archiver holds the lease, source where the source is unfit or has
// another history, those of packages server, stream and storage.
//
// For a backup it waits, for as long as somebody else archives, takes the lease when that
// ends, and gives it to an archiver that asks.
func Run(ctx context.Context, cfg Config) (Result, error) {
	cfg = cfg.withDefaults()
	var result Result
	if err := cfg.check(); err != nil {
		return result, err
	}
	err := cfg.Catalog.EnsureInstance(ctx, catalog.Instance{
		Name: cfg.Instance, Created: binlog.TimeOf(time.Now()), Flavor: cfg.Server.Facts().Flavor,
	})
	if err != nil {
		return result, err
	}
	s, err := openSpool(ctx, cfg.SpoolDir, cfg.Role)
	if err != nil {
		return result, err
	}
	c := &candidate{catalog: cfg.Catalog, instance: cfg.Instance, spool: s, role: cfg.Role, timing: cfg.timing, config: cfg}
	for {
		err = c.once(ctx, &result)
		if cfg.Role == RoleBackup && (errors.Is(err, errAsked) || errors.Is(err, errLeaseLost)) {
			cfg.Log.Info("another writer archives from here on", "why", err)
			continue
		}
		return result, errors.Join(err, s.close())
	}
}

// once waits for the lease and archives while it is held.
func (c *candidate) once(ctx context.Context, result *Result) error {
	t, err := c.take(ctx)
	if err != nil {
		return err
	}
	failpoint.Inject("leased", nil)
	if err := c.spool.removeDead(); err != nil {
		t.giveBack(ctx)
		return err
	}
	w := newWriter(c.config, c.spool, t)
	err = w.run(ctx)
	u := w.uploader
	result.Segments += u.segments
	result.Bytes += u.bytes
	result.End, result.AsOf = u.head.End, u.head.AsOf
	result.Ends = append(result.Ends, w.receiver.ends.list...)
	return err
}
