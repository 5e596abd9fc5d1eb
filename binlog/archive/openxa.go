package archive

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
)

// OpenXA returns the XA transactions that are prepared, and neither committed nor rolled back, at a
// boundary between entries: those of which the archive holds the prepare without a gap, in the order
// of their ids. Faults are those of Events.
func (r *Reader) OpenXA(ctx context.Context, at binlog.Position) (open []segment.OpenXA, err error) {
	err = again(func() (err error) {
		open, err = r.openXA(ctx, at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look which XA transactions are prepared at %s: %w", at, err)
	}
	return open, nil
}

func (r *Reader) openXA(ctx context.Context, at binlog.Position) ([]segment.OpenXA, error) {
	l, err := r.layout(ctx, at.Timeline, at.File)
	if err != nil {
		return nil, err
	}
	if l.end < at.Pos || l.end == 0 {
		return nil, r.notHeld(ctx, at)
	}
	open, from, err := r.openAtFrame(ctx, &l, at.Pos)
	if err != nil || at.AtOrBefore(from) {
		return open, err
	}
	if none, err := r.withoutXA(ctx, &l, from.Pos, at.Pos); err != nil || none {
		return open, err
	}
	asm := event.NewAssembler(at.Timeline, event.WithoutRowCounts())
	seen := limit.NewCollector(limit.Source{}, limit.PreparedIn(open))
	for e, err := range r.Events(ctx, from) {
		if err != nil {
			return nil, err
		}
		if asm.AtBoundary() && at.AtOrBefore(e.Position) {
			break
		}
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		if entry != nil {
			seen.End(entry)
		}
		if asm.AtBoundary() && at.AtOrBefore(e.End()) {
			break // what comes next may be a hole
		}
	}
	return seen.Open(), nil
}

// openAtFrame returns what the frame of the last segment in front of an offset says is open, and
// the boundary at which that is so.
func (r *Reader) openAtFrame(ctx context.Context, l *layout, offset uint64) ([]segment.OpenXA, binlog.Position, error) {
	before := -1
	for i := range l.parts {
		if l.parts[i].End <= offset {
			before = i
		}
	}
	if before >= 0 {
		h, err := r.header(ctx, l.parts[before])
		// An entry that is open at the segment's end has prepared and ended nothing yet.
		return h.OpenXA, l.position(max(h.Boundary, binlog.FirstOffset)), err
	}
	first, err := r.header(ctx, l.parts[0])
	if err != nil {
		return nil, binlog.Position{}, err
	}
	open, err := r.openBefore(ctx, &first)
	return open, l.position(binlog.FirstOffset), err
}

// withoutXA tells whether a segment says that in it, between two offsets and around them, nothing is prepared,
// committed or rolled back. Those of earlier versions do not say.
func (r *Reader) withoutXA(ctx context.Context, l *layout, from, to uint64) (bool, error) {
	for i := range l.parts {
		if l.parts[i].Start > from || l.parts[i].End < to {
			continue
		}
		h, err := r.header(ctx, l.parts[i])
		if err != nil {
			return false, err
		}
		if h.Content != nil && !h.Content.XA {
			return true, nil
		}
	}
	return false, nil
}

// openBefore returns what the file before leaves prepared.
func (r *Reader) openBefore(ctx context.Context, first *segment.Header) ([]segment.OpenXA, error) {
	if first.Previous == nil {
		return nil, nil
	}
	l, err := r.layout(ctx, first.Timeline, first.Previous.File)
	if err != nil || len(l.parts) == 0 {
		return nil, err
	}
	h, err := r.header(ctx, l.parts[len(l.parts)-1])
	return h.OpenXA, err
}
