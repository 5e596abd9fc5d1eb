package bases

import "testing"

// readLocked reads t behind its table lock; barrier is where one stood, -1 for nowhere.
func (b *Bases) readLocked(t *testing.T, barrier int, before, after Mark) {
	t.Helper()
	r := TableRead{Present: true, First: before, DefinitionAfter: after, Chunks: before, Rows: after, After: after, Locked: true}
	if barrier >= 0 {
		r.Settled = place(barrier)
	}
	b.TableDone(b.want(t, "t"), r)
}

// The low mark of a table without transactions is the barrier's place, whatever the clock says.
func TestW1LockedTableHasTheBarriersLow(t *testing.T) {
	for _, low := range []int{1, 5} {
		b := backup(t, "t")
		b.readLocked(t, 3, mark(low, 5), mark(6, 7))
		for i := range 9 {
			b.log(i, nil, "t")
		}
		if rows := base(t, b.mustBeDone(t), "t").Rows; rows.Low != place(3) || rows.High != place(7) {
			t.Errorf("row window %v", rows)
		}
	}
}

// Without a barrier the last row event in front of the read proves all that come before it, and not
// itself. Where there is none the table is read again, behind a barrier.
func TestW1LockedTableWithoutABarrier(t *testing.T) {
	b := backup(t, "t", "u")
	b.read(t, "u", mark(5, 5), mark(6, 6))
	b.readLocked(t, -1, mark(5, 5), mark(6, 7))
	for i, name := range []string{"t", "u", "t", "u", "u", "t", "t", "t"} {
		b.log(i, nil, name)
	}
	if rows := base(t, b.mustBeDone(t), "t").Rows; rows.Low != place(2) {
		t.Errorf("row window %v: entry 2 may be invisible, the one before it is not", rows)
	}

	b = backup(t, "t", "u")
	b.read(t, "u", mark(5, 5), mark(6, 6))
	b.readLocked(t, -1, mark(5, 5), mark(6, 7))
	for i := range 8 {
		b.log(i, nil, "u")
	}
	b.mustNotBeDone(t, "nothing proves what the read of t holds")
	b.Evaluate()
	if w := b.Wanted(); len(w) != 1 || !w[0].Settle {
		t.Fatalf("wanted are %v, want a barrier", w)
	}
	b.readLocked(t, 8, mark(8, 8), mark(9, 9))
	b.log(8, nil, "t")
	b.log(9, nil, "t")
	n := base(t, b.mustBeDone(t), "t")
	if n.Rows.Low != place(8) || len(n.ReadAgain) != 1 || n.ReadAgain[0].Reason != ReasonLocked {
		t.Errorf("%+v", n)
	}
}
