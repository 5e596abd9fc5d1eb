package pitr

import (
	"cmp"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/rewriter"
)

// mark is a place between two row changes of the log: in front of it lie all changes of the entries
// before Entry and the first Rows changes of Entry itself. The zero value has nothing in front of it.
type mark struct {
	Entry binlog.Position `json:"entry"`
	Rows  uint64          `json:"rows"`
}

// behind is the mark right behind a change.
func behind(o rewriter.Origin) mark { return mark{Entry: o.Entry, Rows: o.Row + 1} }

// before is the mark right in front of a change.
func before(o rewriter.Origin) mark { return mark{Entry: o.Entry, Rows: o.Row} }

// covers tells whether a change lies in front of the mark.
func (m mark) covers(o rewriter.Origin) bool { return m.compare(before(o)) > 0 }

// earlier returns the one that has less in front of it.
func earlier(m, n mark) mark {
	if m.compare(n) < 0 {
		return m
	}
	return n
}

// later returns the one that has more in front of it.
func later(m, n mark) mark {
	if m.compare(n) < 0 {
		return n
	}
	return m
}

func (m mark) compare(n mark) int {
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
