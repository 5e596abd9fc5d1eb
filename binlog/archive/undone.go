package archive

import (
	"context"
	"slices"

	"github.com/tripod-db/tripod/binlog"
)

// undoneAhead is what the entries of a file take back, known when the first of their events is read: segments tell
// it of the entries that end in them.
type undoneAhead struct {
	ranges []binlog.OffsetRange // in order
	added  int                  // of the parts before this the headers were looked at
	sure   int                  // of the parts before this everything is known
}

// look makes known what the entries of part i take back.
func (u *undoneAhead) look(ctx context.Context, known *knownHeaders, i int) error {
	if i < u.sure {
		return nil
	}
	h, err := known.at(ctx, i)
	if err != nil {
		return err
	}
	u.ranges = slices.DeleteFunc(u.ranges, func(r binlog.OffsetRange) bool { return r.End <= h.Start })
	u.add(i, h.Undone)
	u.sure = i + 1
	for open := h.EndsInside; open && u.sure < len(known.parts); {
		if h, err = known.at(ctx, u.sure); err != nil {
			return err
		}
		u.add(u.sure, h.Undone)
		if h.EndsInside && h.Boundary >= h.Start {
			return nil // the entry has ended there, and another is open at the end
		}
		open = h.EndsInside
		u.sure++
	}
	return nil
}

func (u *undoneAhead) add(i int, ranges []binlog.OffsetRange) {
	if i < u.added {
		return
	}
	u.ranges, u.added = append(u.ranges, ranges...), i+1
}
