package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// What the random numbers of a seed are for: each use has a sequence of its own.
const (
	drawTransactions uint64 = iota + 1
	drawSchedule
	drawRule // and the rule's number
)

// history is what one seed makes.
type history struct {
	seed  uint64
	shape int

	first  []string   // statements that fill the table
	wished [][]string // statements of each transaction

	def    *schema.Table
	table  *rewriter.Table // the source's
	logged []transaction   // what was logged of each transaction
	states []state         // before the first transaction, and behind each
	schedule
}

// transaction is what was logged of one.
type transaction []change

// change is one row's change: its images, and the literals of all columns in them.
type change struct {
	rewriter.Change
	before, after row // nil where there is none
	from, to      int // the chunks that they lie in
}

// row holds the literals of all columns, generated ones too.
type row []string

func (r row) String() string { return "(" + strings.Join(r, ",") + ")" }

// state is what a table holds, in any order. It is not changed once made.
type state []row

func (s state) sorted() []string {
	list := make([]string, len(s))
	for i, r := range s {
		list[i] = r.String()
	}
	slices.Sort(list)
	return list
}

// with returns the state behind a change. Rows are told apart by all their bytes, which holds
// whether they have a key or not.
func (s state) with(c change) (state, error) {
	next := slices.Clone(s)
	if c.before != nil {
		at := slices.IndexFunc(next, func(r row) bool { return slices.Equal(r, c.before) })
		if at < 0 {
			return nil, fmt.Errorf("the log changes a row %s that is not there", c.before)
		}
		next = slices.Delete(next, at, at+1)
	}
	if c.after != nil {
		next = append(next, c.after)
	}
	return next, nil
}

func (s state) behind(t transaction) (state, error) {
	var err error
	for _, c := range t {
		if s, err = s.with(c); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// draw begins a history: its table and what shall happen to it.
func draw(seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, drawTransactions))
	h := &history{seed: seed, shape: r.IntN(len(keyedShapes))}
	if seed%2 == 1 {
		h.shape = len(keyedShapes) + r.IntN(len(keylessShapes))
	}
	w := writer{r: r, shape: &shapes[h.shape], table: sourceName(h.shape)}
	h.first = w.first()
	for range 4 + r.IntN(8) {
		h.wished = append(h.wished, w.transaction())
	}
	return h
}

func (h *history) keyed() bool { return h.shape < len(keyedShapes) }

// take notes what was logged of the next transaction; the one that fills the table comes first.
func (h *history) take(changes []rewriter.Change) error {
	t := make(transaction, len(changes))
	for i, c := range changes {
		t[i].Change = c
		var err error
		if t[i].before, err = h.literals(c.Map, c.Before); err != nil {
			return err
		}
		if t[i].after, err = h.literals(c.Map, c.After); err != nil {
			return err
		}
	}
	if h.states == nil {
		// The rows of the history before are not this one's.
		t = slices.DeleteFunc(t, func(c change) bool { return c.before != nil })
		first, err := state{}.behind(t)
		h.states = []state{first}
		return err
	}
	next, err := h.states[len(h.states)-1].behind(t)
	h.logged, h.states = append(h.logged, t), append(h.states, next)
	return err
}

func (h *history) literals(m *event.TableMap, im event.Image) (row, error) {
	if !im.Exists() {
		return nil, nil
	}
	if im.NumColumns() != len(h.def.Columns) {
		return nil, fmt.Errorf("an image of %s has %d columns, the table %d", h.def.Name, im.NumColumns(), len(h.def.Columns))
	}
	r := make(row, len(h.def.Columns))
	for i := range r {
		literal, err := event.AppendLiteral(nil, &h.def.Columns[i], &m.Columns[i], im, i)
		if err != nil {
			return nil, fmt.Errorf("read an image of %s: %w", h.def.Name, err)
		}
		r[i] = string(literal)
	}
	return r, nil
}

// changes calls do for each change of the transactions behind from, up to to.
func (h *history) changes(from, to int, do func(n int, c *change) error) error {
	for n := from; n < to; n++ {
		for i := range h.logged[n] {
			if err := do(n, &h.logged[n][i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// inside counts the changes in the window.
func (h *history) inside() (n int) {
	for _, t := range h.logged[h.low:h.high] {
		n += len(t)
	}
	return n
}
