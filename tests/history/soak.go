package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Defaults of the issue that this judge was written for: what a history holds at least.
const (
	DefaultTransactions = 300
	DefaultChanges      = 5
	DefaultWriters      = 4
)

// Fleet holds a source with GTIDs, one without, and a target, for as many histories as wanted.
type Fleet struct {
	withGTID, without, target *mysqltest.Server
}

// StartFleet starts the three servers below dir (empty: the temporary folder).
func StartFleet(ctx context.Context, dir string) (*Fleet, error) {
	install, err := mysqltest.Find()
	if err != nil {
		return nil, err
	}
	f := &Fleet{}
	for _, s := range []struct {
		into    **mysqltest.Server
		options mysqltest.Options
	}{
		{&f.withGTID, mysqltest.Options{Dir: dir, GTID: true, Relaxed: true}},
		{&f.without, mysqltest.Options{Dir: dir, Relaxed: true}},
		{&f.target, mysqltest.Options{Dir: dir, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true}},
	} {
		if *s.into, err = install.Start(ctx, s.options); err != nil {
			return nil, errors.Join(err, f.Stop(context.WithoutCancel(ctx)))
		}
	}
	return f, nil
}

// Servers picks source and target for a history.
func (f *Fleet) Servers(gtid bool) Servers {
	if gtid {
		return Servers{Source: f.withGTID, Target: f.target}
	}
	return Servers{Source: f.without, Target: f.target}
}

// Stop ends the servers.
func (f *Fleet) Stop(ctx context.Context) error {
	var errs []error
	for _, s := range []*mysqltest.Server{f.withGTID, f.without, f.target} {
		if s != nil {
			errs = append(errs, s.Stop(ctx))
		}
	}
	return errors.Join(errs...)
}

// Soak runs histories with consecutive seeds, two of three with GTIDs, and stops at the first
// that fails, unless GoOn is set. It fails, too, when fewer than 9 of 10 histories had a table read again: such
// histories would not have tried the rules of DDL.
func Soak(ctx context.Context, f *Fleet, c Config, histories int, out io.Writer) error {
	began := time.Now()
	first := c.Seed
	var transactions int64
	var changes, again, points, gtids, rows, failed int
	for i := range histories {
		c.Seed = first + uint64(i)
		c.GTID = i%3 != 2
		r, err := Run(ctx, f.Servers(c.GTID), c)
		if err != nil {
			if !c.GoOn || ctx.Err() != nil {
				return err
			}
			failed++
			fmt.Fprintf(out, "FAILED %v\n", err)
			continue
		}
		if c.GTID {
			gtids++
		}
		if r.ReadAgain > 0 {
			again++
		}
		transactions += r.Transactions
		changes += r.Changes
		points += r.StopPoints
		rows += r.Rows
		fmt.Fprintf(out, "seed %d gtid=%-5v %4d transactions %2d changes inside the backup, %2d read again, %d stop points equal, %d kills, backup %.1f s, restores %.1f s, all %.1f s\n",
			c.Seed, c.GTID, r.Transactions, r.Changes, r.ReadAgain, r.StopPoints, r.Kills, r.Backup.Seconds(), r.Restores.Seconds(), r.Took.Seconds())
	}
	fmt.Fprintf(out, "%d histories (%d with GTIDs, %d without; seeds %d..%d) in %.1f minutes: %d transactions, %d changes inside backups, %d rows backed up, %d restores equal, a table read again in %d histories\n",
		histories, gtids, histories-gtids, first, c.Seed, time.Since(began).Minutes(), transactions, changes, rows, points, again)
	if failed > 0 {
		return fmt.Errorf("%d of %d histories failed", failed, histories)
	}
	if again*10 < histories*9 {
		return fmt.Errorf("a table was read again in only %d of %d histories", again, histories)
	}
	return nil
}
