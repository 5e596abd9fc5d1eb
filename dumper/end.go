package dumper

import (
	"context"
	"time"
)

// boundEnd ends the walk at the key that is the table's last now, of a table that has more than a chunk:
// one that grows as fast as it is read would never be read to its end. To look for the last key is to read
// the range behind it, and to find nothing there: it belongs to the row window like every SELECT, so that
// whatever comes into that range later is not in the window's low (W1), and is replayed.
func (w *walker) boundEnd(ctx context.Context) error {
	if w.part.until != nil || !w.path.certain() {
		return nil
	}
	before, err := w.before(ctx, w.want)
	if err != nil {
		return err
	}
	last, err := w.key(ctx, "TRUE", order(reversed(w.path.parts)), 0)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if last == nil {
		// What is wrong with the table or the connection the next chunk will tell. An empty table has an end.
		w.cfg.Log.Debug("the last key of a table was not found", "table", w.want.Name.String(), "error", err)
		return nil
	}
	w.parts.ends(w.part, last, before, w.tickAfter(time.Now()))
	return nil
}
