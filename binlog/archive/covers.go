package archive

import (
	"context"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Covers returns nil when the archive holds every byte from one position to another of the
// same timeline (W4): segments without a gap, files that join, no hole. Faults: 12 with kind
// hole for a hole; 12 wrapping ErrNotArchived where the archive does not reach to yet; 13 for a
// segment that is missing. It looks at names, of objects that are there and not of an index, and at
// the headers where files meet; Events proves contents.
func (r *Reader) Covers(ctx context.Context, from, to binlog.Position) error {
	return again(func() error { return r.covers(ctx, from, to) })
}

func (r *Reader) covers(ctx context.Context, from, to binlog.Position) error {
	holes, err := r.catalog.Holes(ctx, r.instance)
	if err != nil {
		return err
	}
	if hole, ok := holeBetween(holes, from, to); ok {
		return holeFault(hole)
	}
	l, err := r.listed(ctx, from.Timeline, from.File)
	if err != nil {
		return err
	}
	if l.end == 0 || from.Pos > l.end {
		return r.notHeld(ctx, from)
	}
	for binlog.CompareFiles(l.file, to.File) < 0 {
		last, err := r.header(ctx, l.parts[len(l.parts)-1])
		if err != nil {
			return err
		}
		end := &tip{header: last}
		if hole, ok := holeAt(holes, end.end()); ok {
			return holeFault(hole)
		}
		next, ok, err := r.following(ctx, end, r.listed)
		switch {
		case err != nil:
			if l, err = r.grown(ctx, end, r.listed, err); err != nil {
				return err
			}
		case !ok:
			return r.notHeld(ctx, to)
		default:
			l = next
		}
	}
	if to.Pos > l.end {
		return r.notHeld(ctx, to)
	}
	return nil
}

// holeBetween returns the first hole that begins at or behind from and before to. Positions of
// different timelines have a hole between them by their nature.
func holeBetween(holes []catalog.Hole, from, to binlog.Position) (catalog.Hole, bool) {
	for _, h := range holes {
		if h.From.Timeline != from.Timeline || h.From.Before(from) {
			continue
		}
		if to.Timeline != from.Timeline || h.From.Before(to) {
			return h, true
		}
	}
	return catalog.Hole{}, false
}
