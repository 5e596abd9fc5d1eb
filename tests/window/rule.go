package window

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/tripod-db/tripod/rewriter"
)

// Rule is a way of making statements of what the log says.
type rule struct {
	name  string
	naive bool // has to be seen to fail
	keyed bool // of tables with an identity; the others are for tables without
	// steps writes the statements for a target that holds the dump of a history.
	steps func(t *rewriter.Table, h *history, r *rand.Rand) ([]step, error)
	// until is the moment that they lead to; nil for the history's stop.
	until func(h *history) int
}

func (r *rule) end(h *history) int {
	if r.until == nil {
		return h.stop
	}
	return r.until(h)
}

// step is a statement, and how many rows it must affect.
type step struct {
	sql   string
	count int // rewriter.Uncounted: any number
}

func takeStep(s *rewriter.Statement) step { return step{string(s.SQL), s.Count} }

// rules are all of them, the real ones first.
var rules = append(realRules, naiveRules...)

var realRules = []rule{
	{name: "ordered lane: rule A, then the account", keyed: true, steps: ordered},
	{name: "keyed lane: two steps in shards, then the account", keyed: true, steps: keyedLane(twoSteps, trouble{})},
	{name: "keyed lane with changes that pass alone", keyed: true, steps: keyedLane(twoSteps, trouble{large: 4})},
	{name: "keyed lane of a restore that is killed and gone on with", keyed: true, steps: keyedLane(twoSteps, trouble{kills: 2})},
	{name: "tables without a key: the account behind an exact snapshot", steps: exactSnapshot},
}

// replayed calls do for each change of a restore, with the rule of the side of the window that it is on.
func (h *history) replayed(do func(rule rewriter.Rule, c *change, o rewriter.Origin) error) error {
	var o rewriter.Origin
	return h.changes(h.low, h.stop, func(n int, c *change) error {
		rule := rewriter.Window
		if n >= h.high {
			rule = rewriter.Account
		}
		o.Row++
		if err := do(rule, c, o); err != nil {
			return fmt.Errorf("transaction %d: %w", n+1, err)
		}
		return nil
	})
}

// mostLimit is the greatest limit of statements' lengths that is drawn: from one row each to all in one.
const mostLimit = 2000

// ordered writes changes in the order of the log, neighbours joined.
func ordered(t *rewriter.Table, h *history, r *rand.Rand) (list []step, err error) {
	batch, most := rewriter.NewBatch(false), 1+r.IntN(20)
	flush := func() {
		for s := range batch.Statements(1 + r.IntN(mostLimit)) {
			list = append(list, takeStep(&s))
		}
		batch.Reset()
	}
	err = h.replayed(func(rule rewriter.Rule, c *change, o rewriter.Origin) error {
		if batch.Len() >= most {
			flush()
		}
		return batch.Add(t, rule, c.Change, o)
	})
	flush()
	return list, err
}

// exactSnapshot is what remains for tables without a key: the window must be empty (R5), so the
// account begins at the snapshot itself. A change in a window that is not empty is refused.
func exactSnapshot(t *rewriter.Table, h *history, r *rand.Rand) (list []step, err error) {
	batch := rewriter.NewBatch(false)
	err = h.changes(h.low, h.high, func(n int, c *change) error {
		if err := batch.Add(t, rewriter.Window, c.Change, rewriter.Origin{}); !errors.Is(err, rewriter.ErrKeylessWindow) {
			return fmt.Errorf("transaction %d in the window is not refused: %w", n+1, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = h.changes(h.chunks[0].seen, h.stop, func(_ int, c *change) error {
		return batch.Add(t, rewriter.Account, c.Change, rewriter.Origin{})
	})
	for s := range batch.Statements(1 + r.IntN(mostLimit)) {
		list = append(list, takeStep(&s))
	}
	return list, err
}
