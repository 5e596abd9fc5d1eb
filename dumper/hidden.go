package dumper

import (
	"bytes"
	"slices"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
)

// hides notes what a rows event changed whose cascades, if it had some, are not logged. Its flags tell, not the
// source's settings, which may have been others when it was written.
func (w *watch) hides(rows *event.Rows) error {
	if !rows.HidesCascades() {
		return nil
	}
	if w.hidden == nil {
		w.hidden = map[schema.Name]bases.Hidden{}
	}
	h := w.hidden[rows.Table.Name]
	if rows.Action == event.Delete {
		h.Deletes = true
		w.hidden[rows.Table.Name] = h
		return nil
	}
	err := rows.Each(func(before, after event.Image) error {
		for i := range min(before.NumColumns(), after.NumColumns()) {
			at, known := slices.BinarySearch(h.Changed, i)
			// What an after image lacks is as it was; of what a before image lacks nobody knows what it was. A JSON
			// diff is in no key.
			same := !after.Present(i) || before.Present(i) && before.IsNull(i) == after.IsNull(i) && bytes.Equal(before.Raw(i), after.Raw(i))
			if !known && !same {
				h.Changed = slices.Insert(h.Changed, at, i)
			}
		}
		return nil
	})
	w.hidden[rows.Table.Name] = h
	return err
}
