package mutants

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/tests/history"
)

// Trials says how random histories are made under each mutant.
type Trials struct {
	Seed  uint64 // of the first history
	Times int    // how often a mutant is searched for, each time with other seeds
	Most  int    // histories without a failure after which a mutant has survived a search
	Only  string // failpoint of the one mutant that is tried; empty for all
	// Parallel is how many mutants are tried at once, each on servers of its own; 0 is one.
	Parallel int
}

// Search is what one mutant needed.
type Search struct {
	Mutant
	Needed []int // histories until one failed, of each time, in ascending order; more than Most where none did
	Failed string
	Took   time.Duration
}

// Median returns how many histories the mutant needed half of the times.
func (s *Search) Median() int { return s.Needed[len(s.Needed)/2] }

// Histories runs quick random histories under each mutant until one fails, so often as asked for, and prints how many
// that took. It fails where no history failed for a mutant half of the times: then the generator lacks what the rule is
// for.
func Histories(ctx context.Context, moduleFolder string, t Trials, out io.Writer) (err error) {
	b, err := NewBench(ctx, moduleFolder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	binary := filepath.Join(b.folder, "tripod")
	if _, err = b.goCommand(ctx, "build", "-overlay="+b.overlay, "-o", binary, "./cmd/tripod"); err != nil {
		return err
	}
	searches, err := t.searchAll(ctx, binary, out)
	if err != nil {
		return err
	}
	return t.report(out, searches)
}

// mutants lists those to be tried: each failpoint once.
func (t Trials) mutants() []Mutant {
	var list []Mutant
	tried := map[string]bool{}
	for _, m := range Table {
		if m.Unseen != "" || tried[m.Failpoint] || t.Only != "" && t.Only != m.Failpoint {
			continue
		}
		tried[m.Failpoint] = true
		list = append(list, m)
	}
	return list
}

// searchAll searches for every mutant and prints each as it is done. The result is in the order of the table.
func (t Trials) searchAll(ctx context.Context, binary string, out io.Writer) ([]Search, error) {
	mutants := t.mutants()
	searches := make([]Search, len(mutants))
	var next atomic.Int64
	var printing sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for range max(t.Parallel, 1) {
		g.Go(func() (err error) {
			fleet, err := history.NewFleet("")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, fleet.Stop(context.WithoutCancel(ctx))) }()
			for i := int(next.Add(1)) - 1; i < len(mutants); i = int(next.Add(1)) - 1 {
				s, err := t.search(ctx, fleet, binary, mutants[i], t.Seed+uint64(i)*uint64(t.Times*t.Most))
				if err != nil {
					return err
				}
				searches[i] = s
				printing.Lock()
				_, err = fmt.Fprintf(out, "%s: %v histories, %.1f minutes; such as: %.300s\n", s.Failpoint, s.Needed, s.Took.Minutes(), s.Failed)
				printing.Unlock()
				if err != nil {
					return fmt.Errorf("print a search: %w", err)
				}
			}
			return nil
		})
	}
	return searches, g.Wait()
}

// search looks so many times for a history that fails under the mutant.
func (t Trials) search(ctx context.Context, fleet *history.Fleet, binary string, m Mutant, seed uint64) (Search, error) {
	began := time.Now()
	s := Search{Mutant: m}
	features, err := history.ParseFeatures(m.Features)
	if err != nil {
		return s, err
	}
	for range t.Times {
		n, failed := 0, false
		for !failed && n < t.Most {
			c := history.Config{Seed: seed, GTID: n%2 == 0, Writers: history.DefaultWriters, With: features, Binary: binary, Failpoints: module + m.Failpoint + "=return(true)"}
			c.Quick()
			_, err := fleet.Run(ctx, c)
			if ctx.Err() != nil {
				return s, context.Cause(ctx)
			}
			seed++
			n++
			if failed = err != nil && !errors.Is(err, history.ErrTooLittle); failed {
				s.Failed = err.Error()
			}
		}
		if !failed {
			n = t.Most + 1
		}
		s.Needed = append(s.Needed, n)
	}
	slices.Sort(s.Needed)
	s.Took = time.Since(began)
	return s, nil
}

func (t Trials) report(out io.Writer, searches []Search) error {
	w := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	fmt.Fprintf(w, "rule off\tfailpoint\thistories until one failed, %d times\tmedian\tminutes\t\n", t.Times)
	var errs []error
	for _, s := range searches {
		fmt.Fprintf(w, "%s\t%s\t%v\t%d\t%.1f\t\n", s.Rule, s.Failpoint, s.Needed, s.Median(), s.Took.Minutes())
		if s.Median() > t.Most {
			errs = append(errs, fmt.Errorf("%s survived %d histories more often than not", s.Failpoint, t.Most))
		}
	}
	if err := w.Flush(); err != nil {
		errs = append(errs, fmt.Errorf("print the table: %w", err))
	}
	if len(searches) == 0 {
		errs = append(errs, fmt.Errorf("there is no mutant %s for histories", t.Only))
	}
	return errors.Join(errs...)
}
