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
	indexed  bool // by the file's index, without a look at its objects
}

// part is a segment, or a step of one that the index knows, of which the bytes from on are used:
// those before are in the part before.
type part struct {
	catalog.SegmentRef
	from uint64
	// header and offset, of the compressed bytes in the object, are those of the index; without it
	// the frame in front of the object says them.
	header *segment.Header
	offset int64
	object catalog.SegmentRef // the whole of it
	front  bool               // the part is the object's first
	back   bool               // the part is the object's last
}

// length is how many bytes of the object are read for the part: a frame in front of it is proved too.
func (p part) length() int64 {
	if p.front {
		return p.offset + p.Size
	}
	return p.Size
}

// layout returns that of a file by its index, which closed files have, else by a listing. A file
// without segments has no parts.
func (r *Reader) layout(ctx context.Context, timeline binlog.Timeline, file string) (layout, error) {
	x, err := r.catalog.Index(ctx, r.instance, timeline, file)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return r.listed(ctx, timeline, file)
	case err != nil && !unusable(err):
		return layout{}, err
	case err != nil:
		r.log.Warn("the index of a binlog file is of no use; reading without it", "file", file, "error", err)
		return r.listed(ctx, timeline, file)
	}
	l := layout{timeline: timeline, file: file, end: x.End, indexed: true, parts: make([]part, len(x.Segments))}
	end := uint64(0)
	for i := range x.Segments {
		s := &x.Segments[i]
		ref := x.Ref(r.instance, s)
		p := part{SegmentRef: ref, from: end, header: &s.Header, offset: s.Offset, object: ref, front: s.Start == ref.Start, back: s.End == ref.End}
		p.Start, p.End, p.Size = s.Start, s.End, int64(s.StoredBytes)
		l.parts[i] = p
		end = s.End
	}
	return l, nil
}

// unusable tells damage of an index from a store that cannot be read.
func unusable(err error) bool {
	kind := fault.Of(err).Kind
	return kind == fault.KindIntegrity || kind == fault.KindVersion
}

// listed lists a file's segments and takes, at each place, the longest that starts there, else
// one that reaches over it: different writers cut differently. A gap in front of a segment is a
// fault of code 13.
func (r *Reader) listed(ctx context.Context, timeline binlog.Timeline, file string) (layout, error) {
	refs, err := r.catalog.Segments(ctx, r.instance, timeline, file, 0)
	if err != nil {
		return layout{}, err
	}
	l := layout{timeline: timeline, file: file}
	l.parts, l.end = longest(refs)
	for _, ref := range refs {
		if ref.Start > l.end {
			return layout{}, r.missingAt(l.position(l.end))
		}
	}
	return l, nil
}

// longest takes segments from offset 0 on, as far as they go without a gap. They come by start.
func longest(refs []catalog.SegmentRef) (parts []part, end uint64) {
	for i := 0; i < len(refs); {
		best := part{}
		for ; i < len(refs) && refs[i].Start <= end; i++ {
			if refs[i].End <= end || refs[i].End <= best.End {
				continue
			}
			best = part{SegmentRef: refs[i], from: end}
		}
		if best.End == 0 {
			break
		}
		parts, end = append(parts, best), best.End
	}
	return parts, end
}

func (l *layout) position(offset uint64) binlog.Position {
	return binlog.Position{Timeline: l.timeline, File: l.file, Pos: offset}
}

// headers returns those of some parts.
func (r *Reader) headers(ctx context.Context, parts []part) ([]segment.Header, error) {
	headers := make([]segment.Header, len(parts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(headersAtOnce)
	for i, p := range parts {
		if p.header != nil {
			headers[i] = *p.header
			continue
		}
		g.Go(func() error {
			var err error
			headers[i], err = r.header(ctx, p)
			return err
		})
	}
	return headers, g.Wait()
}

// header returns that of a part; of a segment which was listed it proves that it is the one of that place.
func (r *Reader) header(ctx context.Context, p part) (segment.Header, error) {
	if p.header != nil {
		return *p.header, nil
	}
	h, err := r.catalog.SegmentHeader(ctx, p.SegmentRef)
	if err != nil {
		return segment.Header{}, missing(p.Key, err)
	}
	return h, p.Fits(h)
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
