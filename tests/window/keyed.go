package window

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/rewriter"
)

// half makes the statements of one key in one of the two steps of the keyed lane.
type half func(l *rewriter.Latest, b *rewriter.Batch, images *event.ImageReader, i int) error

// share is what one connection writes between two points at which it waits for the others.
type share struct {
	half half
	keys []int
}

// order says how a generation is written: the shares of each entry are written side by side, and no
// entry begins before the one in front of it has ended.
type order func(keys int, r *rand.Rand) [][]share

// twoSteps is what the lane does: all deletions, then all upserts, each in shards.
func twoSteps(keys int, r *rand.Rand) (list [][]share) {
	shards := cutKeys(keys, r)
	for _, h := range []half{(*rewriter.Latest).Delete, (*rewriter.Latest).Upsert} {
		var step []share
		for _, s := range shards {
			step = append(step, share{h, s})
		}
		list = append(list, step)
	}
	return list
}

// cutKeys cuts the sorted keys into shards.
func cutKeys(keys int, r *rand.Rand) (shards [][]int) {
	size := 1 + r.IntN(4)
	for i := range keys {
		if i%size == 0 {
			shards = append(shards, nil)
		}
		last := len(shards) - 1
		shards[last] = append(shards[last], i)
	}
	return shards
}

// mostGathered is the greatest number of changes of a generation that is drawn, from one on.
const mostGathered = 16

// trouble says what befalls the keyed lane: one thing in so many, 0 for none.
type trouble struct {
	large int // changes that are large, and pass alone through the ordered lane
	kills int // generations in which the restore is killed, and gone on with
}

// keyedLane writes of each key of a generation only the last image, in an order. All keyed tables are
// tried, also those with text in a key, which a restore keeps in the ordered lane.
func keyedLane(o order, t trouble) func(*rewriter.Table, *history, *rand.Rand) ([]step, error) {
	return func(table *rewriter.Table, h *history, r *rand.Rand) ([]step, error) {
		l := lane{table: table, order: o, trouble: t, r: r}
		err := h.replayed(func(rule rewriter.Rule, c *change, origin rewriter.Origin) error {
			if oneIn(t.large, r) {
				return l.alone(rule, c, origin)
			}
			return l.add(taken{rule, c, origin})
		})
		if err == nil {
			err = l.flush()
		}
		return l.steps, err
	}
}

func oneIn(n int, r *rand.Rand) bool { return n > 0 && r.IntN(n) == 0 }

// lane is the keyed lane of one table.
type lane struct {
	table   *rewriter.Table
	order   order
	trouble trouble
	r       *rand.Rand
	latest  *rewriter.Latest // what gathers; nil for nothing
	taken   []taken          // what it is made of
	left    int              // how many changes still have room in it
	steps   []step
}

// taken is a change that the lane has taken.
type taken struct {
	rule   rewriter.Rule
	change *change
	origin rewriter.Origin
}

func (l *lane) add(t taken) error {
	if l.latest != nil && (l.left == 0 || t.rule == rewriter.Account && l.latest.Window()) { // R9
		if err := l.flush(); err != nil {
			return err
		}
	}
	if l.latest == nil {
		l.latest, l.taken, l.left = rewriter.NewLatest(l.table), nil, 1+l.r.IntN(mostGathered)
	}
	l.left--
	l.taken = append(l.taken, t)
	return l.latest.Add(t.rule, t.change.Change, t.origin)
}

// alone writes a change between all before it and all behind it.
func (l *lane) alone(rule rewriter.Rule, c *change, o rewriter.Origin) error {
	if err := l.flush(); err != nil {
		return err
	}
	large, err := rewriter.NewLarge(false, l.table, rule, c.Change, o)
	if err != nil {
		return err
	}
	for s := range large.Statements(1) {
		var text bytes.Buffer
		if _, err := s.WriteTo(&text); err != nil {
			return err
		}
		l.steps = append(l.steps, step{text.String(), s.Count})
	}
	return nil
}

// flush writes what has gathered.
func (l *lane) flush() error {
	if l.latest == nil {
		return nil
	}
	list, err := l.generation()
	for err == nil && oneIn(l.trouble.kills, l.r) {
		// What a killed restore may have written of a generation is written again, without account.
		l.steps = append(l.steps, list[:l.r.IntN(len(list)+1)]...)
		l.latest = rewriter.NewLatest(l.table)
		for _, t := range l.taken {
			if err := l.latest.Add(rewriter.Window, t.change.Change, t.origin); err != nil {
				return err
			}
		}
		list, err = l.generation()
	}
	l.steps, l.latest = append(l.steps, list...), nil
	return err
}

// generation makes the statements of what has gathered.
func (l *lane) generation() (list []step, err error) {
	l.latest.Sort()
	for _, side := range l.order(l.latest.Len(), l.r) {
		queues := make([][]step, len(side))
		for i, s := range side {
			if queues[i], err = l.share(s); err != nil {
				return nil, err
			}
		}
		list = append(list, interleave(queues, l.r)...)
	}
	return list, nil
}

func (l *lane) share(s share) (list []step, err error) {
	var images event.ImageReader
	batch := rewriter.NewBatch(false)
	for _, i := range s.keys {
		if err := s.half(l.latest, batch, &images, i); err != nil {
			return nil, fmt.Errorf("write key %d: %w", i, err)
		}
	}
	for statement := range batch.Statements(1 + l.r.IntN(mostLimit)) {
		list = append(list, takeStep(&statement))
	}
	return list, nil
}

// interleave puts the statements of several connections into one of the orders in which a server may
// meet them.
func interleave(queues [][]step, r *rand.Rand) (list []step) {
	for {
		var waiting []int
		for i := range queues {
			if len(queues[i]) > 0 {
				waiting = append(waiting, i)
			}
		}
		if len(waiting) == 0 {
			return list
		}
		i := waiting[r.IntN(len(waiting))]
		list, queues[i] = append(list, queues[i][0]), queues[i][1:]
	}
}
