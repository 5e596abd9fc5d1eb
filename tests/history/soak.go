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
		{&f.withGTID, sourceOptions(dir, true)},
		{&f.without, sourceOptions(dir, false)},
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

// sums are over the histories of a soak that did not fail.
type sums struct {
	Report
	histories, gtids, again int
}

func (s *sums) add(r Report, gtid bool) {
	s.histories++
	if gtid {
		s.gtids++
	}
	if r.ReadAgain > 0 {
		s.again++
	}
	s.Transactions += r.Transactions
	s.Changes += r.Changes
	s.Aimed += r.Aimed
	s.StopPoints += r.StopPoints
	s.Counters += r.Counters
	s.Parts += r.Parts
	s.Skips += r.Skips
	s.Definers += r.Definers
	s.Rows += r.Rows
}

// Soak runs histories with consecutive seeds, two of three with GTIDs, and stops at the first
// that fails, unless GoOn is set. It fails, too, when fewer than 9 of 10 histories had a table
// read again: such histories would not have tried the rules of DDL.
func Soak(ctx context.Context, f *Fleet, c Config, histories int, out io.Writer) error {
	began := time.Now()
	first := c.Seed
	var all sums
	for i := range histories {
		c.Seed = first + uint64(i)
		c.GTID = i%3 != 2
		r, err := Run(ctx, f.Servers(c.GTID), c)
		if err != nil {
			if !c.GoOn || ctx.Err() != nil {
				return err
			}
			fmt.Fprintf(out, "FAILED %v\n", err)
			continue
		}
		all.add(r, c.GTID)
		fmt.Fprintf(out, "seed %d gtid=%-5v %4d transactions %2d changes inside the backup (%2d aimed), %2d read again, %d stop points equal, %2d counters exact, %d kills, %d of the backup (%d chunks adopted), backup %.1f s, restores %.1f s, all %.1f s\n",
			c.Seed, c.GTID, r.Transactions, r.Changes, r.Aimed, r.ReadAgain, r.StopPoints, r.Counters, r.Kills, r.BackupKills, r.Adopted, r.Backup.Seconds(), r.Restores.Seconds(), r.Took.Seconds())
	}
	fmt.Fprintf(out, "%d histories (%d with GTIDs, %d without; seeds %d..%d) in %.1f minutes: %d transactions, %d changes inside backups (%d aimed at tables being read), %d rows backed up, "+
		"%d restores equal, and %d of parts, %d without some transactions, %d counters exact, %d definers kept or told; a table read again in %d histories\n",
		all.histories, all.gtids, all.histories-all.gtids, first, c.Seed, time.Since(began).Minutes(), all.Transactions, all.Changes, all.Aimed, all.Rows,
		all.StopPoints, all.Parts, all.Skips, all.Counters, all.Definers, all.again)
	if failed := histories - all.histories; failed > 0 {
		return fmt.Errorf("%d of %d histories failed", failed, histories)
	}
	if all.again*10 < histories*9 {
		return fmt.Errorf("a table was read again in only %d of %d histories", all.again, histories)
	}
	if all.Counters == 0 {
		return errors.New("no AUTO_INCREMENT counter was compared")
	}
	return nil
}
