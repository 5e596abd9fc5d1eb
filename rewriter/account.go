package rewriter

// account adds the statement behind the window: a strict INSERT, an UPDATE or a DELETE by
// identity. Each must affect exactly one row (fact 11.9; the session counts found rows, not
// changed ones), and INSERT must meet no duplicate.
func (b *Batch) account(t *Table, c Change, o Origin) error {
	if !t.Keyed() {
		return b.keyless(t, c, o)
	}
	switch {
	case !c.Before.Exists():
		return b.addTuple(t, verbInsert, c, o, 1)
	case !c.After.Exists():
		return b.addDelete(t, c, o, 1)
	}
	return b.addUpdate(t, c, o, 1)
}
