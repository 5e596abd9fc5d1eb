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
//
// An UPDATE whose image says only in part what the row is afterwards sets what it says, if the row
// is there (fact 11.7's rule M): a later event of the row made it, or took it away, if it is not. Then
// secondary unique keys must be absent until the window is over (rule B, where REPLACE is what INSERT ..
// ON DUPLICATE KEY UPDATE would be), and no UPDATE of the window may change a key (R5).
func (b *Batch) window(t *Table, c Change, o Origin) error {
	if !t.Keyed() {
		return fmt.Errorf("%s: %w", t.name, ErrKeylessWindow)
	}
	if c.Partial() {
		return b.addUpdate(t, c, o, Uncounted)
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
