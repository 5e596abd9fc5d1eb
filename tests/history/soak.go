package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Defaults of the issue that this judge was written for: what a history holds at least.
const (
	DefaultTransactions = 300
	DefaultChanges      = 5
	DefaultWriters      = 4
	DefaultStops        = 3
	DefaultRows         = 70
)

// Quick makes histories that take little time, so that many can be had: few tables with few rows, and more stop points.
func (c *Config) Quick() {
	c.Transactions, c.Changes, c.Stops, c.Rows, c.Tables = 120, 3, 6, 30, 4
}

// sums are over the histories of a soak that did not fail.
type sums struct {
	Report
	histories, gtids, again int
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
		r, err := f.Run(ctx, c)
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
	fmt.Fprint(out, all.features())
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
