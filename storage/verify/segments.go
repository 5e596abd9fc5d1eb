package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// fileView is what a look saw of one binlog file.
type fileView struct {
	timeline binlog.Timeline
	name     string
	// end is how far the segments go; gaps are what is missing in front of it.
	end  uint64
	gaps []gap
	// sums are the chain's digests at the places where segments begin and end, by who names them.
	sums map[uint64]named256
	// previous is what the file's first segment says of the file before; begun is false where that
	// segment is not there, or cannot be read.
	previous *segment.PreviousFile
	begun    bool
	format   uint32
	// limits are those that the headers name: the objects of the file have to hold them.
	limits []segment.Limit
	epoch  uint64 // of the first segment with limits
}

// gap is a missing range of a file, to exclusive.
type gap struct{ from, to uint64 }

type named256 struct {
	sum binlog.Digest
	key string
}

// cut is what is kept of a segment's header.
type cut struct {
	ref        catalog.SegmentRef
	start, end binlog.Digest
	previous   *segment.PreviousFile
	format     uint32
	limits     []segment.Limit
	epoch      uint64
	read       bool // false: it is broken, only its name tells of it
}

// file looks at the segments of one file.
func (a *archiveLook) file(ctx context.Context, t binlog.Timeline, name string) (*fileView, error) {
	view := &fileView{timeline: t, name: name, sums: map[uint64]named256{}}
	refs, err := a.Catalog.Segments(ctx, a.instance, t, name, 0)
	if err != nil {
		return nil, err
	}
	cuts, err := a.cuts(ctx, refs)
	if err != nil {
		return nil, err
	}
	// By start: a gap is where the next one begins behind the end of all before it.
	for i := range cuts {
		a.put(view, &cuts[i])
	}
	return view, nil
}

// cuts reads the headers, with deep the whole segments. One that has gone since it was listed is
// left out: if no other stands in for it the gap is told.
func (a *archiveLook) cuts(ctx context.Context, refs []catalog.SegmentRef) ([]cut, error) {
	cuts, there := make([]cut, len(refs)), make([]bool, len(refs))
	problems := make([]*Problem, len(refs))
	g, gctx := together(ctx)
	for i, ref := range refs {
		g.Go(func() error {
			a.phase.Doing(ref.Key)
			header, err := a.header(gctx, ref)
			switch {
			case err == nil:
				cuts[i] = cut{ref: ref, start: header.SHA256Start, end: header.SHA256End, previous: header.Previous, format: header.FormatTime,
					limits: header.Limits, epoch: header.Epoch, read: true}
			case errors.Is(err, storage.ErrNotFound):
				return nil
			default:
				p, err := judge(gctx, ref.Key, err)
				if err != nil {
					return err
				}
				cuts[i], problems[i] = cut{ref: ref}, &p
			}
			there[i] = true
			if a.counts {
				a.looked(ref.Size)
				a.phase.Add(progress.Amount{Bytes: ref.Size, Items: 1})
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	kept := cuts[:0]
	for i := range cuts {
		if p := problems[i]; p != nil {
			if a.counts {
				a.proved = append(a.proved, *p)
			}
		}
		if there[i] {
			kept = append(kept, cuts[i])
		}
	}
	return kept, nil
}

func (a *archiveLook) header(ctx context.Context, ref catalog.SegmentRef) (segment.Header, error) {
	if a.deep {
		return a.Catalog.CheckSegment(ctx, ref)
	}
	h, err := a.Catalog.SegmentHeaderOf(ctx, ref)
	if err != nil {
		return h, err
	}
	return h, ref.Fits(h)
}

// put adds the next segment of a file to the view.
func (a *archiveLook) put(f *fileView, c *cut) {
	if c.ref.Start > f.end {
		f.gaps = append(f.gaps, gap{f.end, c.ref.Start})
		a.missing(f, f.end, c.ref.Start)
	}
	f.end = max(f.end, c.ref.End)
	if !c.read {
		return
	}
	if c.ref.Start == 0 {
		f.begun, f.previous = true, c.previous
	}
	if f.format != 0 && c.format != f.format {
		a.note(c.ref.Key, Chain, fmt.Sprintf("it is of a file that began at another time (%d, its neighbours say %d)", c.format, f.format))
	}
	f.format = c.format
	if len(c.limits) > 0 && len(f.limits) == 0 {
		f.epoch = c.epoch
	}
	for _, l := range c.limits {
		f.limits = segment.AddLimit(f.limits, l)
	}
	for at, sum := range map[uint64]binlog.Digest{c.ref.Start: c.start, c.ref.End: c.end} {
		known, ok := f.sums[at]
		switch {
		case !ok:
			f.sums[at] = named256{sum: sum, key: c.ref.Key}
		case known.sum != sum:
			a.note(c.ref.Key, Chain, fmt.Sprintf("up to offset %d it has SHA-256 %s of the file, %s has %s", at, sum, known.key, known.sum))
		}
	}
}

// missing tells that the archive lacks bytes of a file, by the key of the segment that would hold them.
func (a *archiveLook) missing(f *fileView, from, to uint64) {
	a.missingOf(f.timeline, f.name, from, to)
}

func (a *archiveLook) missingOf(t binlog.Timeline, file string, from, to uint64) {
	a.note(catalog.SegmentKey(a.instance, t, file, from, to), Missing,
		fmt.Sprintf("the archive lacks the bytes %d to %d of %s, and no hole is written down there", from, to, file))
}
