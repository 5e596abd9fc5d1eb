package bases

import (
	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
)

// Why rows have a table read again (R5).
const (
	ReasonKeyless = "a row event in the window of a table without a key"
	ReasonPartial = "a partial row image in the table's window that changes a key, or a document that it lacks"
	ReasonLocked  = "nothing proves that the last row of a table without transactions was visible to the read"
)

// rowLow returns L of a table that was read: the later of the low before its earliest chunk (or
// the row barrier, which a snapshot has as its low anyway, fact 15.2) and the end of the last hard meaning statement on it at or before D0. It is not known
// before the stream has resolved the low and passed D0.
func (b *Bases) rowLow(n *name) (binlog.Position, bool) {
	if n.base.Absent {
		return n.base.Statements.Low, true
	}
	low, known := n.read.Chunks.Low()
	switch {
	case n.read.Keyless:
	case n.read.Locked:
		low, known = b.lockedLow(n)
	case !n.read.Settled.IsZero():
		low, known = n.read.Settled, true
	}
	failpoint.Inject("W1", func() { low, known = n.read.Chunks.High, true })
	if !known {
		return binlog.Position{}, false
	}
	if s := n.lastHard(); s != nil {
		return binlog.Later(low, s.end), true
	}
	return low, true
}

// lockedLow is the low mark of a table that was read behind its table lock: the place of the barrier.
// Without one its writers prove it: they come one after the other, each in the log before the next
// one begins, so behind a row event of the table every earlier one is visible. It is not known while
// there is none between floor and the read; then a barrier has nobody to wait for (see provedLocked).
func (b *Bases) lockedLow(n *name) (binlog.Position, bool) {
	high := n.read.First.High
	switch {
	case !n.read.Settled.IsZero():
		return n.read.Settled, true
	case !b.passed(high):
		return binlog.Position{}, false
	}
	if last, ok := b.rows.lastBefore(n, high); ok && last.start.Before(high) {
		return last.start, true
	}
	return n.firstTouch, !n.firstTouch.IsZero() && n.firstTouch.Before(high)
}

// provedLocked has tables read again, behind a barrier, of which no row event proves that what the log
// held before the read was visible to it (W1).
func (b *Bases) provedLocked() {
	for _, n := range b.order {
		if !n.complete() || !n.present() || !n.read.Locked || !b.passed(n.read.First.High) {
			continue
		}
		if _, known := b.lockedLow(n); known {
			continue
		}
		n.settle = true
		b.readAgainFrom(n, n.read.First.High, n.read.First.High, ReasonLocked)
	}
}

// lastHard returns the last hard meaning statement on the name at or before D0: it and every
// transaction on the name before it are in what was read. Nil for none since floor.
func (n *name) lastHard() *logged {
	for i := len(n.statements) - 1; i >= 0; i-- {
		s := n.statements[i]
		if s.start.Before(n.base.Statements.Low) && s.Hard && !s.DefinitionOnly && s.on(n.key) {
			return s
		}
	}
	return nil
}

// setRows completes the row window of a base, when the stream has got that far.
func (b *Bases) setRows(n *name) bool {
	low, known := b.rowLow(n)
	if !known {
		return false
	}
	n.base.Rows.Low = low
	failpoint.Inject("W2", func() { n.base.Rows.High = binlog.Later(low, n.read.Chunks.High) })
	if !n.touchesFinal && b.passed(n.base.Rows.High) {
		n.touched, _ = b.rows.lastBefore(n, n.base.Rows.High)
		n.partial, _ = b.rows.lastPartialBefore(n, n.base.Rows.High)
		n.diverging, _ = b.rows.lastDivergingBefore(n, n.base.Rows.High, n.read.Identity)
		n.touchesFinal = true
	}
	return n.touchesFinal
}

func (b *Bases) passed(p binlog.Position) bool {
	return !b.received.IsZero() && !b.received.Before(p)
}

// nothingInRowWindows is R5: no row event in the window of a keyless table, in that of others no
// partial image that changes a key, and no JSON diff without its document. What else partial images do
// there converges while secondary unique keys are absent (fact 11.7).
func (b *Bases) nothingInRowWindows() {
	var off bool
	failpoint.Inject("R5", func() { off = true })
	for _, n := range b.order {
		if !n.complete() || !n.present() || !b.setRows(n) {
			continue
		}
		if off {
			continue
		}
		if n.read.Keyless && inRowWindow(n, n.touched) {
			b.readAgainFrom(n, n.touched.start, n.touched.end, ReasonKeyless)
			continue
		}
		if inRowWindow(n, n.diverging) {
			if b.cfg.PlaceLow && !n.read.Locked && n.diverging.start.Before(n.read.First.High) {
				n.settle = true // the clock's low may stay in front of it however often the table is read
			}
			b.readAgainFrom(n, n.diverging.start, n.diverging.end, ReasonPartial)
		}
	}
}

func inRowWindow(n *name, t touch) bool {
	return !t.start.IsZero() && n.base.Rows.Side(t.start) != binlog.Skip
}
