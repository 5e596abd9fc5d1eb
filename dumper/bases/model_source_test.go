package bases

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// mSource is the random source: a log, the state as the log has it, and the state that
// readers see, which lags behind the log (fact 1.1).
type mSource struct {
	rng     *rand.Rand
	log     []mEntry
	visible []bool
	pending int
	gtids   uint64 // gtid_executed: entries by number
	file    int    // first entry of the current file
	initial *mState
	logged  *mState
	seen    *mState
	ordered bool // binlog_order_commits
	lowMode int
	limit   int
	ddl     int
	profile int
	columns int8
	comment int8
	trace   []string
	tracing bool
}

// the ways in which a low mark is found
const (
	lowGTIDs = iota
	lowFile
	lowExact
)

func (w *mSource) n(k int) int { return w.rng.IntN(k) }

func (w *mSource) note(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func newSource(rng *rand.Rand) *mSource {
	w := &mSource{rng: rng, columns: 1}
	w.ordered, w.lowMode = w.n(2) == 0, w.n(3)
	w.limit, w.ddl, w.profile = 4+w.n(22), w.n(4), w.n(4)
	s := &mState{}
	s.schemas[0], s.schemas[1] = mSchema{exists: true}, mSchema{exists: w.n(2) == 0}
	for n := range s.tables {
		if !s.schemas[schemaOf(n)].exists || w.n(2) == 0 {
			continue
		}
		t := &mTable{def: w.newDef()}
		s.tables[n] = t
		for i := range w.n(4) {
			r := mRow{k: int8(i), u: int8(w.n(3))}
			for j := range t.def.nc {
				r.x[j] = int8(w.n(3))
			}
			if t.def.uniq && slices.ContainsFunc(t.rows, func(q mRow) bool { return q.u == r.u }) {
				r.u = 0
			}
			t.rows = append(t.rows, r)
		}
	}
	w.initial, w.logged, w.seen = s, s.clone(), s.clone()
	return w
}

func (w *mSource) newDef() mDef {
	d := mDef{keyed: true, nc: 1}
	switch w.n(4) {
	case 1:
		d.uniq = true
	case 2:
		d.keyed = w.n(2) == 0
	}
	return d
}

// locked tells whether a statement in flight stands in the way: it holds names exclusively.
func (w *mSource) locked(on, source uint16, onSchema uint8) bool {
	for i := range w.log {
		e := &w.log[i]
		if !w.visible[i] && (e.on&(on|source) != 0 || e.source&on != 0 || e.onSchema&onSchema != 0) {
			return true
		}
	}
	return false
}

// rowsInFlight tells whether a transaction in flight has changed rows of these names.
func (w *mSource) rowsInFlight(on uint16) bool {
	for i := range w.log {
		if w.visible[i] {
			continue
		}
		for j := range w.log[i].rows {
			if on&bit(w.log[i].rows[j].n) != 0 {
				return true
			}
		}
	}
	return false
}

// rowLocked tells whether a transaction in flight holds one of the rows.
func (w *mSource) rowLocked(n int, keyed bool, rows ...mRow) bool {
	for i := range w.log {
		if w.visible[i] {
			continue
		}
		for _, ev := range w.log[i].rows {
			if ev.n != n {
				continue
			}
			if !keyed {
				return true
			}
			for _, held := range []*mRow{ev.before, ev.after} {
				if held != nil && slices.ContainsFunc(rows, func(r mRow) bool {
					return r.k == held.k || r.u != 0 && r.u == held.u
				}) {
					return true
				}
			}
		}
	}
	return false
}

func (w *mSource) add(e mEntry) {
	if e.kind != kTransaction {
		switch e.kind {
		case kCreate, kSelect:
			e.effective = e.def
			e.effective.charset = w.logged.schemas[schemaOf(e.n)].charset
		case kLike:
			e.effective = w.logged.tables[e.m].def
		}
		w.logged.apply(&e)
	}
	w.log, w.visible = append(w.log, e), append(w.visible, false)
	w.pending++
	w.note("log %2d: %s", len(w.log)-1, e.String())
	if w.n(3) != 2 && (!w.ordered || w.pending == 1) {
		w.show(len(w.log) - 1)
	}
}

func (w *mSource) show(i int) {
	w.visible[i] = true
	w.pending--
	w.seen.apply(&w.log[i])
	w.note("        entry %d becomes visible", i)
	if w.n(3) != 2 && (!w.ordered || w.gtids&(1<<i-1) == 1<<i-1) {
		w.gtids |= 1 << i
	}
}

func (w *mSource) step() {
	if len(w.log) >= w.limit || w.pending > 4 {
		return
	}
	if w.n(8) >= 7-w.ddl {
		w.statement()
	} else {
		w.transaction()
	}
}

func (w *mSource) showOne() {
	if w.pending == 0 {
		return
	}
	skip := 0
	if !w.ordered {
		skip = w.n(w.pending)
	}
	for i := range w.log {
		if w.visible[i] {
			continue
		}
		if skip == 0 {
			w.show(i)
			return
		}
		skip--
	}
}

func (w *mSource) addGTIDs() {
	for i := range w.log {
		if w.visible[i] && w.gtids&(1<<i) == 0 {
			w.gtids |= 1 << i
			if w.n(2) == 0 {
				return
			}
		}
	}
}

func (w *mSource) rotate() {
	if w.pending == 0 {
		w.file = len(w.log)
		w.note("        rotation: the file starts at %d", w.file)
	}
}

// low is a low mark as the first entry that it does not contain.
func (w *mSource) low() int {
	switch w.lowMode {
	case lowGTIDs:
		return bits.TrailingZeros64(^w.gtids)
	case lowFile:
		return w.file
	}
	if i := slices.Index(w.visible, false); i >= 0 {
		return i
	}
	return len(w.log)
}

// blocked tells whether a reader of the name waits for a statement in flight.
func (w *mSource) blocked(n int) bool {
	for i := range w.log {
		if !w.visible[i] && w.log[i].on&bit(n) != 0 && !w.log[i].noop {
			return true
		}
	}
	return false
}

func (w *mSource) schemaBlocked(d int) bool {
	for i := range w.log {
		if !w.visible[i] && w.log[i].onSchema&(1<<d) != 0 && !w.log[i].noop {
			return true
		}
	}
	return false
}

func (w *mSource) existing() []int {
	var names []int
	for n, t := range w.logged.tables {
		if t != nil {
			names = append(names, n)
		}
	}
	return names
}

// drain lets everything become visible.
func (w *mSource) drain() {
	for w.pending > 0 {
		w.showOne()
	}
}
