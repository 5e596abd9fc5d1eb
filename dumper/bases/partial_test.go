package bases

import "testing"

func TestR5PartialImageInTheWindow(t *testing.T) {
	for _, c := range []struct {
		name  string
		key   Columns
		touch RowTouch
		again bool
		rule  bool // B
	}{
		{"a full image", NewColumns(1), RowTouch{}, false, false},
		{"an image lacks columns", NewColumns(1), RowTouch{Partial: true}, false, true},
		{"one changes another column", NewColumns(1), RowTouch{Partial: true, Changed: NewColumns(0, 2)}, false, true},
		{"one changes the key", NewColumns(1), RowTouch{Partial: true, Changed: NewColumns(1)}, true, false},
		{"a diff lacks its document", NewColumns(1), RowTouch{Partial: true, Diff: true}, true, false},
		{"one of a table whose rows it does not tell apart", EveryColumn, RowTouch{Partial: true}, true, false},
	} {
		b := backup(t, "t")
		w := b.want(t, "t")
		b.TableDone(w, TableRead{Present: true, First: mark(0, 0), DefinitionAfter: mark(2, 2), Chunks: mark(0, 0), Rows: mark(2, 2), After: mark(2, 2), Identity: c.key})
		c.touch.Name = named("t")
		b.Receive(&Entry{Start: place(0), End: place(1), Rows: []RowTouch{c.touch}})
		b.log(1, nil, "t")
		if c.again {
			b.mustNotBeDone(t, c.name)
			continue
		}
		if n := base(t, b.mustBeDone(t), "t"); n.PartialImages != c.rule {
			t.Errorf("%s: partial images %v", c.name, n.PartialImages)
		}
	}
}

// TestR5PartialImagesInFrontOfTheRead: where the low mark is the start of a file, what changed a key in front of the
// read stays in the window however often the table is read, until a row barrier is the low mark.
func TestR5PartialImagesInFrontOfTheRead(t *testing.T) {
	b := placeLow(t)
	lean := func(i int) {
		b.Receive(&Entry{Start: place(i), End: place(i + 1), Rows: []RowTouch{{Name: named("t"), Partial: true, Diff: true}}})
	}
	b.read(t, "t", mark(0, 3), mark(0, 4))
	lean(0)
	b.log(1, nil, "t")
	lean(2)
	b.log(3, nil, "t")
	b.log(4, nil, "t")
	b.Evaluate()
	b.readSettled(t, 5, mark(0, 6), mark(0, 8))
	lean(5) // behind the barrier, in front of the read
	b.log(6, nil, "t")
	lean(7)
	b.log(8, nil, "t")
	b.Evaluate()
	b.readSettled(t, 9, mark(0, 10), mark(0, 11))
	b.log(9, nil, "t")
	b.log(10, nil, "t")
	b.log(11, nil)
	n := base(t, b.mustBeDone(t), "t")
	if n.Rows.Low != place(9) || len(n.ReadAgain) != 2 || n.ReadAgain[1].Position != place(7) {
		t.Errorf("row window %v, read again %+v", n.Rows, n.ReadAgain)
	}
}

// Where the touch lies inside of the read, or the low mark is a set of GTIDs, no barrier would help.
func TestR5PartialImagesInTheReadNeedNoBarrier(t *testing.T) {
	for _, c := range []struct {
		place bool
		at    int
	}{{true, 3}, {false, 2}} {
		b := placeLow(t)
		b.cfg.PlaceLow = c.place
		b.read(t, "t", mark(0, 3), mark(0, 4))
		for i := range 5 {
			touch := RowTouch{Name: named("t"), Diff: i == c.at}
			b.Receive(&Entry{Start: place(i), End: place(i + 1), Rows: []RowTouch{touch}})
		}
		b.Evaluate()
		if w := b.want(t, "t"); w.Settle {
			t.Errorf("%+v: a barrier is wanted", c)
		}
	}
}

// TestR5PartialImagesBeyondTheRing: of touches that are forgotten one by one, what any of them has
// changed is known; one before the window is no matter.
func TestR5PartialImagesBeyondTheRing(t *testing.T) {
	var r touches
	n := new(name)
	r.add(n, touch{start: place(1), partial: true, changed: NewColumns(70)})
	r.add(n, touch{start: place(2), partial: true, changed: NewColumns(3)})
	for i := range touchWindow {
		r.add(n, touch{start: place(3 + i), partial: true})
	}
	for _, c := range []struct {
		key  Columns
		want bool
	}{{NewColumns(3), true}, {NewColumns(99), true}, {NewColumns(4), false}} {
		if got, ok := r.lastDivergingBefore(n, place(1000), c.key); ok != c.want || ok && got.start != place(2) {
			t.Errorf("key %b: %v, %v", c.key, got, ok)
		}
	}
}
