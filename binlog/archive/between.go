package archive

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
)

// SegmentRange sums up the segments that hold a part of the log.
type SegmentRange struct {
	Count       int    `json:"count"`
	BytesStored uint64 `json:"bytes_stored"`
	First       string `json:"first,omitempty"` // key
	Last        string `json:"last,omitempty"`  // likewise
}

// Between returns the segments that hold the log from one position to another of the same
// timeline. Covers tells whether they do so without a gap.
func (r *Reader) Between(ctx context.Context, from, to binlog.Position) (SegmentRange, error) {
	var s SegmentRange
	files, err := r.catalog.Files(ctx, r.instance, from.Timeline)
	if err != nil {
		return s, fmt.Errorf("list the binlog files from %s to %s: %w", from, to, err)
	}
	for _, file := range files {
		if binlog.CompareFiles(file, from.File) < 0 || binlog.CompareFiles(file, to.File) > 0 {
			continue
		}
		l, err := r.layout(ctx, from.Timeline, file)
		if err != nil {
			return s, err
		}
		for _, p := range l.parts {
			if file == from.File && p.End <= from.Pos || file == to.File && p.from >= to.Pos {
				continue
			}
			s.BytesStored += uint64(p.length())
			if p.Key == s.Last {
				continue // the index knows parts of one object
			}
			s.Count++
			if s.Last = p.Key; s.First == "" {
				s.First = p.Key
			}
		}
	}
	return s, nil
}
