package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/tripod-db/tripod/internal/schema"
)

// schedule says how the dump of a history was made, and where its restore ends. A moment i is the
// one behind the first i transactions.
type schedule struct {
	low, high int // the window (low, high]: all of low is in every chunk, nothing past high in any
	stop      int // where the restore ends, at or behind high
	cuts      []place
	chunks    []chunk
	load      []int // the order in which chunks are loaded
}

// chunk is a range of rows between two cuts, in key order.
type chunk struct {
	seen int   // the moment of its snapshot
	late []int // transactions before that moment that the snapshot does not show (fact 14.5)
	rows []row
}

// place is where a row lies in the order of the identity: the rank of each of its columns.
type place []uint64

// ranks holds how a server orders text, per column: equal values have equal ranks.
type ranks map[string]map[string]uint64

// plan draws the schedule of a history.
func (h *history) plan(texts ranks) error {
	r := rand.New(rand.NewPCG(h.seed, drawSchedule))
	last := len(h.logged)
	h.low, h.high = r.IntN(last/2), last-r.IntN(last/2)
	h.stop = h.high + r.IntN(last-h.high+1)
	if err := h.cut(r, texts); err != nil {
		return err
	}
	moments := make([]int, len(h.cuts)+1)
	for i := range moments {
		moments[i] = h.low + r.IntN(h.high-h.low+1)
	}
	switch r.IntN(3) {
	case 0: // one snapshot
		for i := range moments {
			moments[i] = moments[0]
		}
	case 1: // as a walk goes
		slices.Sort(moments)
	default: // as several workers do
	}
	unordered := h.keyed() && r.IntN(3) == 0
	for _, seen := range moments {
		c := chunk{seen: seen}
		if unordered {
			c.late = h.late(r, seen)
		}
		h.chunks = append(h.chunks, c)
	}
	h.load = r.Perm(len(h.chunks))
	if err := h.assign(texts); err != nil {
		return err
	}
	return h.read(texts)
}

// assign notes of each change which chunks its rows lie in.
func (h *history) assign(texts ranks) error {
	return h.changes(0, len(h.logged), func(_ int, c *change) (err error) {
		if c.before != nil {
			c.from, err = h.chunkOf(c.before, texts)
		}
		if err == nil && c.after != nil {
			c.to, err = h.chunkOf(c.after, texts)
		}
		return err
	})
}

// cut draws up to three cuts of the table, at rows that it held at some time. A table without an
// identity is read in one piece.
func (h *history) cut(r *rand.Rand, texts ranks) error {
	if !h.keyed() {
		return nil
	}
	var rows []row
	for _, s := range h.states {
		rows = append(rows, s...)
	}
	for range r.IntN(4) {
		if len(rows) == 0 {
			break
		}
		p, err := h.place(rows[r.IntN(len(rows))], texts)
		if err != nil {
			return err
		}
		h.cuts = append(h.cuts, p)
	}
	slices.SortFunc(h.cuts, slices.Compare[place])
	h.cuts = slices.CompactFunc(h.cuts, slices.Equal[place])
	return nil
}

// read fills the chunks.
func (h *history) read(texts ranks) error {
	for i := range h.chunks {
		c := &h.chunks[i]
		seen := h.states[h.low]
		for n := h.low; n < c.seen; n++ {
			if slices.Contains(c.late, n) {
				continue
			}
			var err error
			if seen, err = seen.behind(h.logged[n]); err != nil {
				return fmt.Errorf("see the table without transactions %v: %w", c.late, err)
			}
		}
		for _, r := range seen {
			at, err := h.chunkOf(r, texts)
			if err != nil {
				return err
			}
			if at == i {
				c.rows = append(c.rows, r)
			}
		}
		if err := h.sort(c.rows, texts); err != nil {
			return err
		}
	}
	return nil
}

// sort puts rows into key order; without a key they have none.
func (h *history) sort(rows []row, texts ranks) error {
	if !h.keyed() {
		return nil
	}
	places := make(map[string]place, len(rows))
	for _, r := range rows {
		var err error
		if places[r.String()], err = h.place(r, texts); err != nil {
			return err
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return slices.Compare(places[a.String()], places[b.String()]) })
	return nil
}

// chunkOf returns the number of the chunk that a row lies in.
func (h *history) chunkOf(r row, texts ranks) (int, error) {
	if len(h.cuts) == 0 {
		return 0, nil
	}
	p, err := h.place(r, texts)
	if err != nil {
		return 0, err
	}
	at, found := slices.BinarySearchFunc(h.cuts, p, slices.Compare[place])
	if found {
		at++
	}
	return at, nil
}

func (h *history) place(r row, texts ranks) (place, error) {
	identity, _ := h.def.IdentityColumns()
	p := make(place, len(identity))
	for n, i := range identity {
		var err error
		if p[n], err = texts.rank(h.def, i, r[i]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// rank tells where a value lies in the order of its column.
func (t ranks) rank(def *schema.Table, column int, literal string) (uint64, error) {
	if n, err := strconv.ParseUint(literal, 10, 64); err == nil {
		return n, nil
	}
	name := def.Name.Name + "." + def.Columns[column].Name
	rank, known := t[name][literal]
	if !known {
		return 0, fmt.Errorf("nobody has said where %s lies in the order of %s", literal, name)
	}
	return rank, nil
}

// late draws, of the transactions between low and a moment, some that had not become visible though
// later ones had. That happens among transactions that are committed side by side, which have
// no row and no value of a unique key in common; one that waited for a late one is late too.
func (h *history) late(r *rand.Rand, seen int) (list []int) {
	held := map[string]bool{}
	for n := h.low; n < seen; n++ {
		touched := h.touched(h.logged[n])
		if r.IntN(4) > 0 && !slices.ContainsFunc(touched, func(s string) bool { return held[s] }) {
			continue
		}
		list = append(list, n)
		for _, s := range touched {
			held[s] = true
		}
	}
	return list
}

// touched names what a transaction has locked: the values in the unique keys of its rows. Where
// values can be equal that differ as bytes it is the whole key.
func (h *history) touched(t transaction) (list []string) {
	keys, exact := h.table.UniqueKeys()
	for _, c := range t {
		for _, r := range []row{c.before, c.after} {
			if r == nil {
				continue
			}
			if !exact {
				return []string{""}
			}
			for n, columns := range keys {
				text := strconv.Itoa(n)
				for _, i := range columns {
					text += "," + r[i]
				}
				list = append(list, text)
			}
		}
	}
	return list
}
