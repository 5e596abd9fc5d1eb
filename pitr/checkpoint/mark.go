package checkpoint

import (
	"cmp"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/rewriter"
)

// Mark is a place between two row changes of the log: in front of it lie all changes of the entries
// before Entry and the first Rows changes of Entry itself. The zero value has nothing in front of it.
type Mark struct {
	Entry binlog.Position `json:"entry"`
	Rows  uint64          `json:"rows"`
}

// Behind is the mark right behind a change.
func Behind(o rewriter.Origin) Mark { return Mark{Entry: o.Entry, Rows: o.Row + 1} }

// Before is the mark right in front of a change.
func Before(o rewriter.Origin) Mark { return Mark{Entry: o.Entry, Rows: o.Row} }

// covers tells whether a change lies in front of the mark.
func (m Mark) covers(o rewriter.Origin) bool { return m.compare(Before(o)) > 0 }

// Earlier returns the one that has less in front of it.
func Earlier(m, n Mark) Mark {
	if m.compare(n) < 0 {
		return m
	}
	return n
}

// Later returns the one that has more in front of it.
func Later(m, n Mark) Mark {
	if m.compare(n) < 0 {
		return n
	}
	return m
}

func (m Mark) compare(n Mark) int {
	switch {
	case m.Entry.IsZero() && n.Entry.IsZero():
		return 0
	case m.Entry.IsZero():
		return -1
	case n.Entry.IsZero():
		return 1
	}
	return cmp.Or(m.Entry.Compare(n.Entry), cmp.Compare(m.Rows, n.Rows))
}
