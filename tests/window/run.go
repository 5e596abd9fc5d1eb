package window

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Config says what is simulated.
type Config struct {
	// Seed is that of the first history; the others follow it.
	Seed uint64
	// Histories is how many each rule is tried in: so many of tables with a key, and so many of tables without.
	Histories int
	// AtMost, where it is more, is how many may follow for naive rules that have not failed yet.
	AtMost int
	// Log gets a line now and then; nil for none.
	Log io.Writer
}

// targets is how many connections restore, beside the one that makes histories.
const targets = 2

// batch is how many histories are made before their log is read.
const batch = 50

// Start starts a server for the simulator.
func Start(ctx context.Context) (*mysqltest.Server, error) {
	install, err := mysqltest.Find(mysqltest.MySQL97)
	if err != nil {
		return nil, err
	}
	return install.Start(ctx, Options)
}

// Options are those of a server for the simulator: nothing has to survive.
var Options = mysqltest.Options{Relaxed: true, ExtraArgs: []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF"}}

// bench is a server with the sessions of a simulation.
type bench struct {
	db      *sql.DB
	source  *source
	targets []*target
}

func newBench(ctx context.Context, server *mysqltest.Server, targets int) (b *bench, err error) {
	b = new(bench)
	if b.db, err = open(server); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.source, err = newSource(ctx, server, b.db); err != nil {
		return b, err
	}
	for n := range targets {
		t, err := newTarget(ctx, b.db, n+1)
		if err != nil {
			return b, err
		}
		b.targets = append(b.targets, t)
	}
	return b, nil
}

func (b *bench) close() error {
	for _, t := range b.targets {
		t.Close()
	}
	if b.source != nil {
		b.source.Close()
	}
	return b.db.Close()
}

// Run simulates, and returns what every rule made of it. It ends at the first history in which a real rule
// fails, with its story as the error.
func Run(ctx context.Context, server *mysqltest.Server, c Config) (_ *Report, err error) {
	b, err := newBench(ctx, server, targets)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	r := &run{config: c, report: newReport(c.Seed), began: time.Now()}
	made := make(chan *history, batch)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(made)
		return r.make(ctx, b.source, made)
	})
	for _, t := range b.targets {
		group.Go(func() error {
			for h := range made {
				if err := r.judge(ctx, t, h); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	r.report.Took = time.Since(r.began)
	return r.report, err
}

// run is a simulation on its way.
type run struct {
	config Config
	began  time.Time

	mu     sync.Mutex
	report *Report
}

// make makes histories until there are enough.
func (r *run) make(ctx context.Context, s *source, made chan<- *history) error {
	const told = 5000 // seeds between two lines of the log
	for next := r.config.Seed; r.wanted(next); {
		var seeds []uint64
		for ; len(seeds) < batch && r.wanted(next); next++ {
			seeds = append(seeds, next)
		}
		list, err := s.make(ctx, seeds)
		if err != nil {
			return err
		}
		for _, h := range list {
			select {
			case made <- h:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if done := next - r.config.Seed; r.config.Log != nil && done%told < batch {
			fmt.Fprintf(r.config.Log, "%6.1f s: seeds up to %d made\n", time.Since(r.began).Seconds(), next-1)
		}
	}
	return nil
}

// wanted tells whether the history of a seed belongs to the simulation.
func (r *run) wanted(seed uint64) bool {
	n := seed - r.config.Seed
	if n < 2*uint64(r.config.Histories) {
		return true
	}
	return n < 2*uint64(r.config.AtMost) && len(r.unseen()) > 0
}

// unseen are the naive rules that have not failed yet.
func (r *run) unseen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report.Unseen()
}

// judge tries the rules on a history: all of them, or those naive ones that have not failed yet.
func (r *run) judge(ctx context.Context, t *target, h *history) error {
	r.note(func(report *Report) { report.history(h) })
	further := h.seed-r.config.Seed >= 2*uint64(r.config.Histories)
	for n := range rules {
		rule := &rules[n]
		if rule.keyed != h.keyed() {
			continue
		}
		if further {
			failed := false
			r.note(func(report *Report) { failed = report.Rules[n].Failed > 0 })
			if !rule.naive || failed {
				continue
			}
		}
		v, err := t.try(ctx, h, n)
		if err != nil {
			return fmt.Errorf("history of seed %d, %s: %w", h.seed, rule.name, err)
		}
		r.note(func(report *Report) { report.verdict(n, h, v) })
		if v.problem != "" && !rule.naive {
			return fmt.Errorf("%s\n%s", h.story(), v.story(h, n))
		}
	}
	return nil
}

func (r *run) note(do func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(r.report)
}

// Replay makes the history of one seed again and writes down all of it, with what each rule makes of it. The
// error tells that a real rule fails.
func Replay(ctx context.Context, server *mysqltest.Server, seed uint64, out io.Writer) (err error) {
	b, err := newBench(ctx, server, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	return b.replay(ctx, seed, out)
}

func (b *bench) replay(ctx context.Context, seed uint64, out io.Writer) error {
	made, err := b.source.make(ctx, []uint64{seed})
	if err != nil {
		return err
	}
	h := made[0]
	fmt.Fprintln(out, h.story())
	var failed []error
	for n := range rules {
		if rules[n].keyed != h.keyed() {
			continue
		}
		v, err := b.targets[0].try(ctx, h, n)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, v.story(h, n))
		if v.problem != "" && !rules[n].naive {
			failed = append(failed, fmt.Errorf("seed %d: %s fails", seed, rules[n].name))
		}
	}
	return errors.Join(failed...)
}
