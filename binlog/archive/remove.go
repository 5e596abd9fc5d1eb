package archive

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// superseded lists, for each object of an index, the segments of its file whose bytes lie in it.
func (k *keeper) superseded(ctx context.Context, x *catalog.Index) (map[int][]catalog.SegmentRef, error) {
	refs, err := k.config.Catalog.Segments(ctx, k.config.Instance, x.Timeline, x.File, 0)
	if err != nil {
		return nil, err
	}
	list := map[int][]catalog.SegmentRef{}
	for _, ref := range refs {
		if slices.ContainsFunc(x.Objects, func(o catalog.IndexObject) bool { return o.Start == ref.Start && o.End == ref.End }) {
			continue
		}
		if i := slices.IndexFunc(x.Objects, func(o catalog.IndexObject) bool { return o.Start <= ref.Start && ref.End <= o.End }); i >= 0 {
			list[i] = append(list[i], ref)
		}
	}
	return list, nil
}

// remove takes away the segments whose bytes an object holds. Which these are is proved once
// more, by the bytes themselves: what is deleted here is nowhere else.
func (k *keeper) remove(ctx context.Context, object catalog.SegmentRef, refs []catalog.SegmentRef) error {
	held, err := k.held(ctx, object, refs)
	if err != nil {
		return err
	}
	for _, ref := range held {
		if err := k.tenure.check(ctx); err != nil {
			return err
		}
		if err := k.config.Catalog.DeleteSegment(ctx, ref); err != nil {
			return err
		}
		failpoint.Inject("removed", nil)
	}
	k.config.Log.Debug("removed segments that a larger one holds", "file", object.File, "start", object.Start, "end", object.End, "segments", len(held))
	return nil
}

// smallOne is what is kept of a segment that is to be removed: there may be several hundred thousand.
type smallOne struct {
	gone, fits bool // fits: it is that of its place
	formatTime uint32
	start, end binlog.Digest // the chain
}

func (k *keeper) small(ctx context.Context, ref catalog.SegmentRef) (smallOne, error) {
	h, err := k.config.Catalog.SegmentHeader(ctx, ref)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return smallOne{gone: true}, nil
	case err != nil:
		return smallOne{}, err
	}
	return smallOne{fits: ref.Fits(h) == nil, formatTime: h.FormatTime, start: h.SHA256Start, end: h.SHA256End}, nil
}

// held reads an object to its end and returns those of the segments whose bytes are in it.
func (k *keeper) held(ctx context.Context, object catalog.SegmentRef, refs []catalog.SegmentRef) (_ []catalog.SegmentRef, err error) {
	small := make([]smallOne, len(refs))
	wanted := map[uint64]binlog.Digest{} // the chain at the ends of segments
	for i, ref := range refs {
		s, err := k.small(ctx, ref)
		if err != nil {
			return nil, err
		}
		if small[i] = s; s.fits {
			wanted[ref.Start], wanted[ref.End] = binlog.Digest{}, binlog.Digest{}
		}
	}
	r, err := k.config.Catalog.OpenSegment(ctx, object)
	if err != nil {
		return nil, missing(object.Key, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h, plain, err := segment.Plain(&faultReader{r, object.Key})
	if err != nil {
		return nil, damaged(object, err)
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	chain, err := binlog.ResumeChain(h.State)
	if err != nil {
		return nil, storage.Altered(object.Key, "has no chain: %w", err)
	}
	offsets := make([]uint64, 0, len(wanted))
	for at := range wanted {
		offsets = append(offsets, at)
	}
	slices.Sort(offsets)
	for _, at := range offsets {
		if at < h.Start || at > h.End {
			continue
		}
		if _, err := io.CopyN(chain, plain, int64(at-chain.Offset())); err != nil {
			return nil, damaged(object, err)
		}
		wanted[at] = chain.Sum()
	}
	if _, err := io.Copy(io.Discard, plain); err != nil { // proves the whole
		return nil, damaged(object, err)
	}
	var held []catalog.SegmentRef
	for i, ref := range refs {
		s := small[i]
		if s.gone {
			continue
		}
		if !s.fits || s.formatTime != h.FormatTime || s.start != wanted[ref.Start] || s.end != wanted[ref.End] {
			k.config.Log.Warn("a segment does not hold what the larger one at its place holds; both stay", "segment", ref.Key, "larger", object.Key)
			continue
		}
		held = append(held, ref)
	}
	return held, nil
}
