package bases

import (
	"slices"
	"sort"

	"github.com/tripod-db/tripod/binlog"
)

// hiddenChanges are the entries that changed or deleted rows of one table, of which nobody knows from the
// log what its foreign keys made of that.
type hiddenChanges struct {
	list []hiddenChange
	// old stands for those that have left the list: any of them, at the place of the last.
	old *hiddenChange
}

type hiddenChange struct {
	start, end binlog.Position
	time       binlog.Time // of its commit
	Hidden
}

// mostHidden bounds what is kept of one table. What is older counts as one change of everything in it, which may
// have a table be read again for nothing.
const mostHidden = 1 << 12

func (h *hiddenChanges) add(start, end binlog.Position, at binlog.Time, what Hidden) {
	if !what.Deletes && len(what.Changed) == 0 {
		return
	}
	if len(h.list) == mostHidden {
		half := mostHidden / 2
		for i := range h.list[:half] {
			h.forget(&h.list[i])
		}
		h.list = append(h.list[:0], h.list[half:]...)
	}
	h.list = append(h.list, hiddenChange{start, end, at, what})
}

func (h *hiddenChanges) forget(c *hiddenChange) {
	if h.old == nil {
		h.old = &hiddenChange{}
	}
	h.old.start, h.old.end, h.old.time = c.start, c.end, c.time
	h.old.Deletes = h.old.Deletes || c.Deletes
	for _, i := range c.Changed {
		if at, found := slices.BinarySearch(h.old.Changed, i); !found {
			h.old.Changed = slices.Insert(h.old.Changed, at, i)
		}
	}
}

// within returns those in the window, the newest last.
func (h *hiddenChanges) within(w binlog.Window) []hiddenChange {
	from := sort.Search(len(h.list), func(i int) bool { return !h.list[i].start.Before(w.Low) })
	to := sort.Search(len(h.list), func(i int) bool { return !h.list[i].start.Before(w.High) })
	if from == 0 && h.old != nil && !h.old.start.Before(w.Low) && w.Low.Before(w.High) {
		return append([]hiddenChange{*h.old}, h.list[:to]...)
	}
	if to <= from {
		return nil
	}
	return h.list[from:to]
}
