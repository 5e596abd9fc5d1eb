package archive

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// headersAtOnce is how many segment headers are fetched beside each other: they are small, and
// a store far away answers each after tens of milliseconds.
const headersAtOnce = 8

// layout is how the segments of one file give its bytes from 0 to end.
type layout struct {
	timeline binlog.Timeline
	file     string
	parts    []part
	end      uint64
}

// part is a segment of which the bytes from on are used: those before are in the part before.
type part struct {
	catalog.SegmentRef
	from uint64
}

// layout lists a file's segments and takes, at each place, the longest that starts there, else
// one that reaches over it: different writers cut differently. A gap in front of a segment is a
// fault of code 13. A file without segments has no parts.
func (r *Reader) layout(ctx context.Context, timeline binlog.Timeline, file string) (layout, error) {
	refs, err := r.catalog.Segments(ctx, r.instance, timeline, file, 0)
	if err != nil {
		return layout{}, err
	}
	l := layout{timeline: timeline, file: file}
	for i := 0; i < len(refs); {
		best := part{}
		for ; i < len(refs) && refs[i].Start <= l.end; i++ {
			if refs[i].End <= l.end || refs[i].End <= best.End {
				continue
			}
			best = part{SegmentRef: refs[i], from: l.end}
		}
		if best.End == 0 {
			if i < len(refs) {
				return layout{}, r.missingAt(l.position(l.end))
			}
			break
		}
		l.parts, l.end = append(l.parts, best), best.End
	}
	return l, nil
}

func (l *layout) position(offset uint64) binlog.Position {
	return binlog.Position{Timeline: l.timeline, File: l.file, Pos: offset}
}

// headers returns those of the first n parts.
func (r *Reader) headers(ctx context.Context, l *layout, n int) ([]segment.Header, error) {
	headers := make([]segment.Header, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(headersAtOnce)
	for i := range n {
		g.Go(func() error {
			var err error
			headers[i], err = r.header(ctx, l.parts[i].SegmentRef)
			return err
		})
	}
	return headers, g.Wait()
}

// header returns that of a segment which was listed, and proves that it is the one of that place.
func (r *Reader) header(ctx context.Context, ref catalog.SegmentRef) (segment.Header, error) {
	h, err := r.catalog.SegmentHeader(ctx, ref)
	if err != nil {
		return segment.Header{}, missing(ref.Key, err)
	}
	return h, ref.Fits(h)
}

// damaged says which object an error of package segment is about.
func damaged(ref catalog.SegmentRef, err error) error {
	if errors.Is(err, segment.ErrDamaged) {
		return storage.Altered(ref.Key, "is not the segment that was written: %w", err)
	}
	if errors.Is(err, segment.ErrNewerVersion) {
		return fault.New(fault.CodeFailed, fault.KindVersion, "use a newer tripod to read this store", "read %s: %w", ref.Key, err)
	}
	return err
}
