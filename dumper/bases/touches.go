package bases

import "github.com/tripod-db/tripod/binlog"

// touch is one entry's row events on one table.
type touch struct {
	start, end binlog.Position
	time       binlog.Time
	partial    bool
	diff       bool
	changed    Columns
	xa         bool
}

// touchWindow is how many row touches of all tables are kept one by one. A base's H is known
// within about two ticks of the clock (200 ms); at 100,000 touches a second that is a third
// of the window. Behind it only the last touch of each table is kept, which may make a
// recoverable_from later than needed, or a read be made again, and is never wrong.
const touchWindow = 1 << 16

type namedTouch struct {
	name *name
	touch
}

// touches is a ring of the newest row touches.
type touches struct {
	ring []namedTouch
	next int
}

func (r *touches) add(n *name, t touch) {
	if n.firstTouch.IsZero() {
		n.firstTouch = t.start
	}
	n.lastTouch = t
	n.anyPartial = n.anyPartial || t.partial || t.diff
	n.anyXA = n.anyXA || t.xa
	nt := namedTouch{name: n, touch: t}
	if len(r.ring) < touchWindow {
		r.ring = append(r.ring, nt)
		return
	}
	old := &r.ring[r.next]
	old.name.oldTouch = old.touch
	if old.partial {
		old.name.oldPartial = old.touch
	}
	if old.diff || old.changed != 0 {
		before := old.name.oldChange
		old.name.oldChange = old.touch
		old.name.oldChange.diff = old.diff || before.diff
		old.name.oldChange.changed |= before.changed
	}
	if old.xa {
		old.name.oldXA = old.touch
	}
	*old = nt
	r.next = (r.next + 1) % touchWindow
}

// lastBefore returns the newest touch of n that starts before high, or a newer one when that
// is forgotten.
func (r *touches) lastBefore(n *name, high binlog.Position) (touch, bool) {
	if n.lastTouch.start.IsZero() || n.lastTouch.start.Before(high) {
		return n.lastTouch, !n.lastTouch.start.IsZero()
	}
	return r.search(n, high, func(touch) bool { return true }, n.oldTouch)
}

// lastPartialBefore is lastBefore for touches with a partial image.
func (r *touches) lastPartialBefore(n *name, high binlog.Position) (touch, bool) {
	if !n.anyPartial {
		return touch{}, false
	}
	return r.search(n, high, func(t touch) bool { return t.partial }, n.oldPartial)
}

// lastDivergingBefore is lastBefore for touches that converge with no row of unknown age: a JSON diff
// without its document, or a partial image that changes one of these columns; of EveryColumn each partial image.
func (r *touches) lastDivergingBefore(n *name, high binlog.Position, key Columns) (touch, bool) {
	switch {
	case !n.anyPartial:
		return touch{}, false
	case key == EveryColumn:
		return r.lastPartialBefore(n, high)
	}
	diverges := func(t touch) bool { return t.diff || t.changed&key != 0 }
	old := n.oldChange
	if !diverges(old) {
		old = touch{}
	}
	return r.search(n, high, diverges, old)
}

// lastXABefore is lastBefore for the commits of XA transactions.
func (r *touches) lastXABefore(n *name, high binlog.Position) (touch, bool) {
	if !n.anyXA {
		return touch{}, false
	}
	return r.search(n, high, func(t touch) bool { return t.xa }, n.oldXA)
}

// search goes from the newest touch backward; old stands for those that have left the ring.
func (r *touches) search(n *name, high binlog.Position, counts func(touch) bool, old touch) (touch, bool) {
	for i := range r.ring {
		t := &r.ring[(r.next-1-i+2*len(r.ring))%len(r.ring)]
		if t.name == n && t.start.Before(high) && counts(t.touch) {
			return t.touch, true
		}
	}
	return old, !old.start.IsZero()
}
