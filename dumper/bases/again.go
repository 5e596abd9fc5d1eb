package bases

import (
	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// inWindows is W3: a meaning statement in (D0, D1] of a name it touches gives the name a new
// base, a definition-only one in (d0, d1] has its definition read again.
func (b *Bases) inWindows(s *logged) {
	ignore := false
	failpoint.Inject("W3", func() { ignore = true })
	if ignore {
		return
	}
	for _, t := range s.Touches {
		if t.Role != LikeSource {
			b.inWindow(b.name(t.Name), s)
		}
	}
	if !s.touchesUnnamed() {
		return
	}
	for _, n := range b.order {
		if s.everyTableOf(n.key.Schema) {
			b.inWindow(n, s)
		}
	}
}

func (b *Bases) inWindow(n *name, s *logged) {
	switch {
	case s.NonTransactional && n.takesBack():
		return // the engine takes back what the log does not hold
	case n.needed() && n.progress == reading:
		b.voidsRead(n, s)
		return
	case s.Unlogged && !n.needed() && n.side(s, b.floor) == binlog.After:
		// Made by the log, and then changed by something that the log does not hold.
		b.readAgainAt(n, s, inWindowReason("the log does not hold what a statement did", s))
		return
	case !n.complete():
		return
	}
	if s.DefinitionOnly {
		if n.present() && n.base.DefinitionSide(s.start, b.floor) == binlog.Inside {
			n.progress = rereadDef
			n.behind = s.end
			n.again = append(n.again, inWindowReason("a statement in the definition's window", s))
			b.changed = true
		}
		return
	}
	if b.meaningSide(n, s) != binlog.Inside || b.changesNothing(n, s) {
		return
	}
	why := inWindowReason("a statement in the table's window", s)
	if s.LowWindow && b.cfg.PlaceLow {
		n.settle = true // the clock's low would be behind it with the next file only
	}
	onlyDefinition := false
	failpoint.Inject("R3", func() { onlyDefinition = n.present() })
	if onlyDefinition {
		n.read.First = Mark{High: s.end, Low: n.read.First.Low}
		b.setReadBase(n)
		n.progress, n.behind = rereadDef, s.end
		b.changed = true
		return
	}
	b.readAgainAt(n, s, why)
}

// takesBack tells that the table which was read, or is being read, is one of an engine with transactions.
func (n *name) takesBack() bool {
	if n.progress == reading {
		return !n.opened.High.IsZero() && !n.locks
	}
	return n.complete() && n.present() && !n.read.Locked
}

// meaningSide is R2; a statement without a proved lock is in the window from the low mark on,
// and for one that the log does not hold there is no end of the window. A table that is not there, and has not come since, has no
// rows that it might have changed; one that it made would have been there, locked from before the log has the statement.
func (b *Bases) meaningSide(n *name, s *logged) binlog.Side {
	side := n.side(s, b.floor)
	if side == binlog.After && s.Unlogged && (n.present() || s.brings(n.key) || b.cameBefore(n, s)) {
		return binlog.Inside
	}
	if side != binlog.Skip || !s.LowWindow || n.base.Base != catalog.BaseRead || n.base.Absent {
		return side
	}
	low, known := n.read.First.Low()
	if n.read.Locked {
		low, known = b.lockedLow(n)
	}
	if known && s.start.Before(low) || n.settledAt(s.start) {
		return binlog.Skip
	}
	// An unknown low keeps the backup from being done; the question is asked again then.
	if !known {
		return binlog.Skip
	}
	return binlog.Inside
}

// cameBefore tells whether something behind the base brings a table to the name, or may, in front of s.
func (b *Bases) cameBefore(n *name, s *logged) bool {
	if n.base.Inside {
		return true
	}
	for _, o := range n.statements {
		if o.index >= s.index || n.side(o, b.floor) != binlog.After {
			continue
		}
		if o.brings(n.key) {
			return true
		}
	}
	return false
}

// changesNothing: CREATE TABLE IF NOT EXISTS in the window of a table that was there at D0,
// with no hard statement on it since.
func (b *Bases) changesNothing(n *name, s *logged) bool {
	if !s.IfNotExists || !createsTable(n, s) || !n.present() {
		return false
	}
	for _, o := range n.statements {
		if o.start.Before(n.base.Statements.Low) || o.index >= s.index {
			continue
		}
		if o.Hard && o.on(n.key) {
			return false
		}
	}
	return true
}

func createsTable(n *name, s *logged) bool {
	for _, t := range s.Touches {
		if t.Name == n.key && t.Role == Created {
			return true
		}
	}
	return false
}

// voidsRead lets go of a read that a statement behind its D0 has made void already: its end
// would be in the window.
func (b *Bases) voidsRead(n *name, s *logged) {
	if n.opened.High.IsZero() || s.start.Before(n.opened.High) || s.DefinitionOnly || s.IfNotExists {
		return
	}
	b.readAgainAt(n, s, inWindowReason("a statement while it was being read", s))
}

func inWindowReason(reason string, s *logged) catalog.ReadAgain {
	return catalog.ReadAgain{Reason: reason, Statement: s.Text, Position: s.start}
}

// readAgain takes the name's base away: it needs a new one, at or behind the given place. A
// name that was not asked for is outside from then on (R12).
func (b *Bases) readAgain(n *name, why catalog.ReadAgain, behind binlog.Position) {
	b.changed, b.dirty = true, true
	n.attempt++
	n.progress, n.opened, n.read = idle, Mark{}, TableRead{}
	if !b.cfg.Selected(n.spelled) {
		n.setOutside()
		return
	}
	n.base = catalog.NameBase{}
	n.forced = true
	n.behind = binlog.Later(n.behind, behind)
	n.again = append(n.again, why)
}

// readAgainAt is readAgain for a base that must not be older than statement s; where the log
// shows that the name is absent behind its last statement, that tombstone will do.
func (b *Bases) readAgainAt(n *name, s *logged, why catalog.ReadAgain) {
	b.renew(n, s, nil, why)
}

// renew is readAgainAt; the statement without, whose content does not arrive, is no inside
// tombstone.
func (b *Bases) renew(n *name, s, without *logged, why catalog.ReadAgain) {
	b.readAgain(n, why, s.end)
	if n.outside() {
		return
	}
	on := n.statements
	for i := len(on) - 1; i >= 0 && on[i].index >= s.index; i-- {
		if !on[i].on(n.key) {
			continue
		}
		b.bury(n, on[i], on[i] != without)
		return
	}
}

// bury makes a tombstone of the statement if it takes the name away.
func (b *Bases) bury(n *name, s *logged, mayArrive bool) {
	away, replaced, first := s.leaves(n.key)
	inside := away && replaced && first && mayArrive
	if !n.droppedBy(s) && (!away || replaced) && !inside {
		return
	}
	n.base = catalog.NameBase{
		Base: catalog.BaseTombstone, At: s.start, AtEnd: s.end, Inside: inside, Statement: s.Text,
	}
	n.progress = read
}

// droppedBy tells whether the name is absent right behind the statement because it was dropped. Of a DROP that failed that is sure for a
// name that was not there: discovery did not list it, and nothing in front of the statement names it.
func (n *name) droppedBy(s *logged) bool {
	return s.drops(n.key) && (!s.DropFailed || !n.listed && n.firstStart == s.start)
}

// readAgainFrom is readAgainAt for a place in the log: a row event, or what named the table first.
func (b *Bases) readAgainFrom(n *name, start, end binlog.Position, why string) {
	s := &logged{Statement: &Statement{}, index: b.firstIndexAt(start), start: start, end: end}
	b.readAgainAt(n, s, catalog.ReadAgain{Reason: why, Position: start})
}

// firstIndexAt returns the index of the first statement that starts at or behind p.
func (b *Bases) firstIndexAt(p binlog.Position) int {
	for i, s := range b.statements {
		if !s.start.Before(p) {
			return i
		}
	}
	return len(b.statements)
}
