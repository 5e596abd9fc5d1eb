package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Defaults of the issue that this judge was written for: what a history holds at least.
const (
	DefaultTransactions = 300
	DefaultChanges      = 5
	DefaultWriters      = 4
	DefaultStops        = 3
	DefaultRows         = 70
)

// Quick makes histories that take little time, so that many can be had: few tables with few rows, two stop points of those kinds that
// the seed draws, and of what features restore beside them one thing. What is compared of each restore stays the same.
func (c *Config) Quick() {
	c.Transactions, c.Changes, c.Stops, c.Rows = 120, 3, 2, 30
	c.Tables, c.Judges = 4, 1
	c.Between, c.Pause = 8*time.Millisecond, 25*time.Millisecond
}

// sums are over the histories of a soak that did not fail.
type sums struct {
	Report
	cost                    *cost
	histories, gtids, again int
	little, failed          int
	histogram               map[string]int            // in how many histories each feature was
	did                     map[string]int            // what it did at least, in all
	places                  map[string]map[string]int // where its DDL fell
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
	s.Compared.add(r.Compared)
	s.cost.add(r.cost)
	if s.histogram == nil {
		s.histogram, s.did, s.places = map[string]int{}, map[string]int{}, map[string]map[string]int{}
	}
	for feature, n := range r.Features {
		s.histogram[feature]++
		s.did[feature] += n
	}
	for feature, phases := range r.Phases {
		if s.places[feature] == nil {
			s.places[feature] = map[string]int{}
		}
		addTo(s.places[feature], phases)
	}
}

// features is a table of what each feature did.
func (s *sums) features() string {
	var b strings.Builder
	for _, f := range features {
		fmt.Fprintf(&b, "  %-14s in %3d histories, %6d times", f.Name, s.histogram[f.Name], s.did[f.Name])
		if len(f.DDL) > 0 {
			fmt.Fprintf(&b, "; DDL %s the backup", places(s.places[f.Name]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Soak is many histories with consecutive seeds.
type Soak struct {
	Config        // of each; its seed is that of the first
	Histories int // of each setting
	Settings  []Setting
	Parallel  int // so many at once, each on servers of its own
}

// Run runs the histories of each setting and prints what they held. It stops at the first that fails, unless GoOn is set. It
// fails, too, when fewer than 9 of 10 histories had a table read again, or held what they were asked for: such
// histories would not have tried the rules.
func (s *Soak) Run(ctx context.Context, out io.Writer) error {
	var errs []error
	for _, setting := range s.Settings {
		err := s.setting(ctx, setting, out)
		if err != nil && (!s.GoOn || ctx.Err() != nil) {
			return err
		}
		errs = append(errs, err)
		s.Seed += uint64(s.Histories)
	}
	return errors.Join(errs...)
}

// trial is one history of a soak.
type trial struct {
	Config
	report Report
	err    error
}

func (s *Soak) setting(ctx context.Context, setting Setting, out io.Writer) error {
	began := time.Now()
	trials, done := make(chan Config), make(chan trial)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(trials)
		for i := range s.Histories {
			select {
			case trials <- setting.apply(s.Config, i):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	workers, workersCtx := errgroup.WithContext(ctx)
	for range max(s.Parallel, 1) {
		workers.Go(func() error { return work(workersCtx, trials, done) })
	}
	g.Go(func() error {
		defer close(done)
		return workers.Wait()
	})
	all := sums{cost: newCost()}
	own, err := ownTime()
	if err != nil {
		return err
	}
	g.Go(func() error { return s.collect(ctx, done, &all, out) })
	if err := g.Wait(); err != nil {
		return err
	}
	now, err := ownTime()
	if err != nil {
		return err
	}
	all.cost.used("writers and judge", now-own)
	fmt.Fprintf(out, "setting %s: %s in %.1f minutes\n%s%s", setting.Name, all.total(s.Seed, s.Histories), time.Since(began).Minutes(), all.features(), all.cost.each(all.histories))
	return all.judge(s.Histories)
}

// work runs histories on a fleet of its own.
func work(ctx context.Context, trials <-chan Config, done chan<- trial) (err error) {
	fleet, err := NewFleet("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.Stop(context.WithoutCancel(ctx))) }()
	for c := range trials {
		t := trial{Config: c}
		t.report, t.err = fleet.Run(ctx, c)
		select {
		case done <- t:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// collect sums up until all are done, or one has failed that ends the soak.
func (s *Soak) collect(ctx context.Context, done <-chan trial, all *sums, out io.Writer) error {
	for t := range done {
		switch {
		case errors.Is(t.err, ErrTooLittle):
			all.little++
			fmt.Fprintf(out, "seed %d: every restore was equal, but %v\n", t.Seed, t.err)
		case t.err != nil && (!s.GoOn || ctx.Err() != nil):
			return t.err
		case t.err != nil:
			all.failed++
			fmt.Fprintf(out, "FAILED %v\n", t.err)
			continue
		}
		r := t.report
		all.add(r, t.GTID)
		fmt.Fprintf(out, "seed %d gtid=%-5v %4d transactions %2d changes inside the backup (%2d aimed), %2d read again, %d stop points equal, %2d counters exact, %d kills, %d of the backup (%d chunks adopted), backup %.1f s, restores %.1f s, all %.1f s\n",
			t.Seed, t.GTID, r.Transactions, r.Changes, r.Aimed, r.ReadAgain, r.StopPoints, r.Counters, r.Kills, r.BackupKills, r.Adopted, r.Backup.Seconds(), r.Restores.Seconds(), r.Took.Seconds())
	}
	return nil
}

func (s *sums) total(first uint64, histories int) string {
	return fmt.Sprintf("%d histories equal (%d with GTIDs, %d without; seeds %d..%d): %d transactions, %d changes inside backups (%d aimed at tables being read), %d rows backed up, "+
		"%d stop points equal, and %d restores of parts, %d without some transactions; compared in %d restores: %d tables, %d rows, %d definitions; %d counters exact, %d definers kept or told; a table read again in %d histories; %d histories held too little, %d failed",
		s.histories, s.gtids, s.histories-s.gtids, first, first+uint64(histories)-1, s.Transactions, s.Changes, s.Aimed, s.Rows,
		s.StopPoints, s.Parts, s.Skips, s.Compared.Restores, s.Compared.Tables, s.Compared.Rows, s.Compared.Definitions, s.Counters, s.Definers, s.again, s.little, s.failed)
}

func (s *sums) judge(histories int) error {
	switch {
	case s.failed > 0:
		return fmt.Errorf("%d of %d histories failed", s.failed, histories)
	case s.again*10 < histories*9:
		return fmt.Errorf("a table was read again in only %d of %d histories", s.again, histories)
	case s.little*10 > histories:
		return fmt.Errorf("%d of %d histories held too little", s.little, histories)
	case s.Counters == 0:
		return errors.New("no AUTO_INCREMENT counter was compared")
	}
	return nil
}
