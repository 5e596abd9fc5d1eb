package rewriter

import "fmt"

// window adds the statements of rule A (fact 11.1), which survived 47,006 replays:
//
//	INSERT a       REPLACE a
//	DELETE b       DELETE by the identity of b; that it finds nothing is fine
//	UPDATE b -> a  if the identities differ as bytes: first DELETE by the identity of b; then
//	               REPLACE a, also where b is missing
//
// Rows that stand in the way of a unique key give way to REPLACE, for an event of their own
// follows. It needs full images, all keys in place, and one window per table.
func (b *Batch) window(t *Table, c Change, o Origin) error {
	if !t.Keyed() {
		return fmt.Errorf("%s: %w", t.name, ErrKeylessWindow)
	}
	if c.Before.Exists() && (!c.After.Exists() || !t.sameIdentity(c)) {
		if err := b.addDelete(t, c, o, Uncounted); err != nil {
			return err
		}
	}
	if !c.After.Exists() {
		return nil
	}
	return b.addTuple(t, verbReplace, c, o, Uncounted)
}
