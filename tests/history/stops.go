package history

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/tripod-db/tripod/tests/truth"
)

// stopFlags are the ways to name a stop point, all three of them; the last one is the end.
func (h *run) stopFlags() []string {
	flags := make([]string, h.Stops)
	for i := range flags {
		flags[i] = []string{"--to-position", "--to-time", "--to-gtid"}[i%3]
		if flags[i] == "--to-gtid" && !h.GTID {
			flags[i] = "--to-position"
		}
	}
	last := len(flags) - 1
	if flags[last] = "--to-gtid"; !h.GTID {
		flags[last] = "" // the end of the archive: the last stop point of all
	}
	h.r.Shuffle(last, func(i, j int) { flags[i], flags[j] = flags[j], flags[i] })
	return flags
}

// takeStopPoints lets the history go on, stops it as often as wanted, and notes what the source held.
func (h *run) takeStopPoints(ctx context.Context) error {
	flags := h.stopFlags()
	// The first of three follows the backup at once; of two that may be all that lies between.
	first := len(flags) > 2 || h.early.IntN(2) == 0
	share := int64(h.Transactions) / int64(len(flags)+1)
	for i, flag := range flags {
		last := i == len(flags)-1
		if i > 0 || !first {
			want := h.writers.committed.Load() + share
			if last {
				want = max(want, int64(h.Transactions))
			}
			if err := h.goOn(ctx, want); err != nil {
				return err
			}
		}
		if last {
			if err := h.ddl.owed(ctx); err != nil {
				return err
			}
		}
		if flag == "" { // nothing may come behind the end
			if err := h.writers.finish(); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		if err := h.stopPoint(ctx, flag); err != nil {
			return err
		}
	}
	err := h.writers.finish()
	h.report.Transactions, h.report.RolledBack = h.writers.committed.Load(), h.writers.rolledBack.Load()
	h.report.AllChanges = len(h.ddl.done)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	h.ddl.close()
	return nil
}

// goOn lets writers commit, and DDL come between, until there are so many transactions.
func (h *run) goOn(ctx context.Context, transactions int64) error {
	for h.writers.committed.Load() < transactions {
		if h.pace.IntN(4) == 0 {
			if _, err := h.ddl.step(ctx); err != nil {
				return err
			}
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
		if err := h.writers.failed(); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

func (w *writers) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (h *run) stopPoint(ctx context.Context, flag string) error {
	h.writers.gate.Lock()
	defer h.writers.gate.Unlock()
	p := stopPoint{flag: flag}
	var err error
	if p.exact, err = h.moveCounters(ctx); err != nil {
		return err
	}
	h.record.mark(markStop, flag)
	return h.note(ctx, p)
}

// note takes the place and the truth of a stop point while nobody writes.
func (h *run) note(ctx context.Context, p stopPoint) (err error) {
	defer h.report.cost.since(partTruth, time.Now())
	if err := h.dropDiscarded(ctx); err != nil {
		return err
	}
	p.atLeast = map[string]uint64{}
	for n, next := range h.counters {
		p.atLeast[n.schema+"."+n.table] = next
	}
	switch p.flag {
	case "--to-time":
		p.value, err = h.sourceTime(ctx)
	case "--to-gtid":
		p.value, err = h.executed(ctx)
	default:
		p.value, err = h.position(ctx)
	}
	if err != nil {
		return fmt.Errorf("note a stop point: %w", err)
	}
	if p.gtids, err = h.executed(ctx); err != nil {
		return fmt.Errorf("note a stop point: %w", err)
	}
	if p.truth, err = truth.Take(ctx, h.source, schemas...); err != nil {
		return err
	}
	if h.countersFall() {
		p.truth, p.exact = p.truth.CountersMayFall(), nil
	}
	p.truth = p.truth.CountersFell(h.hasFallen)
	maps.DeleteFunc(p.exact, func(table string, _ bool) bool { return h.hasFallen(table) })
	if p.accounts, err = h.takeAccounts(ctx, h.servers.Source); err != nil {
		return err
	}
	if err := h.passTime(ctx, p); err != nil {
		return fmt.Errorf("note a stop point: %w", err)
	}
	h.stops = append(h.stops, p)
	h.report.StopPoints++
	return h.rotate(ctx)
}
