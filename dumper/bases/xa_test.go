package bases

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
)

// placeLow is a backup of table t on a source whose low mark is a place in the log.
func placeLow(t *testing.T) *Bases {
	t.Helper()
	b := backup(t, "t")
	b.cfg.PlaceLow = true
	return b
}

// xa feeds entry i: the commit of an XA transaction.
func (b *Bases) xa(i int, rows ...string) {
	e := &Entry{Start: place(i), End: place(i + 1), Time: binlog.Time(i + 1), XA: true}
	for _, r := range rows {
		e.Rows = append(e.Rows, RowTouch{Name: named(r)})
	}
	if len(rows) == 0 {
		e.Statements = one(Statement{Text: "XA COMMIT of an unknown transaction", EveryTable: true, LowWindow: true, Unlogged: true})
	}
	b.Receive(e)
}

// readSettled reads t behind a row barrier.
func (b *Bases) readSettled(t *testing.T, barrier int, before, after Mark) {
	t.Helper()
	w := b.want(t, "t")
	if !w.Settle {
		t.Fatal("no row barrier is wanted")
	}
	b.TableDone(w, TableRead{
		Present: true, First: before, DefinitionAfter: after, Chunks: before, Rows: after, After: after, Settled: place(barrier),
	})
}

// A committed XA transaction before a low that is a place in the log may have been invisible.
func TestW1XACommitBeforeAPlaceIsNoProof(t *testing.T) {
	for _, rows := range [][]string{{"t"}, {"excluded", "t"}, nil} {
		b := placeLow(t)
		b.read(t, "t", mark(4, 5), mark(6, 7))
		b.log(0, nil, "t")
		b.log(1, nil, "t")
		b.xa(2, rows...)
		for i := 3; i < 8; i++ {
			b.log(i, nil, "t")
		}
		b.Evaluate()
		b.readSettled(t, 8, mark(8, 8), mark(9, 9))
		b.log(8, nil, "t")
		b.xa(9, "t")
		n := base(t, b.mustBeDone(t), "t")
		if n.Rows.Low != place(8) {
			t.Errorf("row window %v of a read behind a barrier at %v", n.Rows, place(8))
		}
		if len(n.ReadAgain) != 1 || n.ReadAgain[0].Position != place(2) {
			t.Errorf("read again %+v", n.ReadAgain)
		}
	}
}

// So may one before floor, where nothing else counts.
func TestW1XACommitBeforeFloor(t *testing.T) {
	b := placeLow(t)
	b.cfg.First = mark(3, 3)
	b.read(t, "t", mark(4, 5), mark(6, 7))
	b.xa(0, "t")
	for i := 1; i < 8; i++ {
		b.log(i, nil, "t")
	}
	b.Evaluate()
	b.readSettled(t, 8, mark(8, 8), mark(9, 9))
	b.log(8, nil, "t")
	b.log(9, nil, "t")
	if n := base(t, b.mustBeDone(t), "t"); len(n.ReadAgain) != 1 || n.ReadAgain[0].Reason != ReasonXA {
		t.Errorf("read again %+v", n.ReadAgain)
	}
}

// A hard statement behind it waited for it; and where the low is a set of GTIDs, or the
// transaction is in the window, nothing is to be proved.
func TestW1XACommitThatIsProved(t *testing.T) {
	for name, c := range map[string]struct {
		place     bool
		hard, low int
	}{
		"a hard statement":   {true, 3, 4},
		"gtid_executed":      {false, 0, 4},
		"inside the window":  {true, 0, 2},
		"the window's start": {true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := placeLow(t)
			b.cfg.PlaceLow = c.place
			b.read(t, "t", mark(c.low, 5), mark(6, 7))
			for i := range 8 {
				switch {
				case i == 2:
					b.xa(i, "t")
				case i == c.hard && i > 0:
					b.log(i, one(hard(Changed, "t")))
				default:
					b.log(i, nil, "t")
				}
			}
			if n := base(t, b.mustBeDone(t), "t"); len(n.ReadAgain) != 0 {
				t.Errorf("read again %+v", n.ReadAgain)
			}
		})
	}
}

// The ring of touches forgets; what it has forgotten is read again rather than trusted.
func TestW1XACommitLongAgo(t *testing.T) {
	b := placeLow(t)
	b.xa(0, "t")
	for range touchWindow + 1 {
		b.log(1, nil, "excluded")
	}
	b.read(t, "t", mark(2, 2), mark(3, 3))
	b.log(2, nil, "t")
	b.Evaluate()
	b.want(t, "t")
}
