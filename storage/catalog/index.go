package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
)

// IndexVersion is the newest format that this program writes and reads.
const IndexVersion = 1

// Index says what the objects of a closed binlog file hold, so that a reader finds a time, a GTID
// or a table without asking for each of them. It holds nothing that the objects do not hold:
// without it, or where it is damaged, readers go by their frames.
type Index struct {
	Version  int             `json:"version"`
	Timeline binlog.Timeline `json:"timeline"`
	File     string          `json:"file"`
	End      uint64          `json:"end"` // of the file, as is SHA256
	SHA256   binlog.Digest   `json:"file_sha256"`
	// Written is when the index was, by the archiver's clock.
	Written binlog.Time `json:"written"`
	// Objects, expanded one behind the other, are the file. Where one starts before the end of
	// the one before, what that one holds is left out of it.
	Objects []IndexObject `json:"objects"`
	// Segments are the file from 0 to End in smaller steps than the objects, which hold one or more.
	Segments []IndexSegment `json:"segments"`
}

// IndexObject is a segment as it is stored.
type IndexObject struct {
	Name  string `json:"name"` // the last part of its key
	Start uint64 `json:"start"`
	End   uint64 `json:"end"`
	Size  int64  `json:"size"`
}

// IndexSegment is one step: what the frame in front of it would say if it were an object of its
// own. StoredBytes and StoredSHA256 are of its compressed bytes in the object.
type IndexSegment struct {
	segment.Header
	Object int   `json:"object"` // which of Objects
	Offset int64 `json:"offset"` // of its compressed bytes in it
	// OpenXAAtStart are the XA transactions that are prepared, and neither committed nor rolled back, where it starts.
	OpenXAAtStart []segment.OpenXA `json:"open_xa_at_start,omitempty"`
}

// Index returns the index of a file, or an error that wraps storage.ErrNotFound. Any other fault
// is about this object alone: the file can be read without it.
func (c *Catalog) Index(ctx context.Context, instance string, timeline binlog.Timeline, file string) (*Index, error) {
	key := IndexKey(instance, timeline, file)
	x := &Index{}
	if err := c.read(ctx, key, IndexVersion, x); err != nil {
		return nil, err
	}
	if x.Timeline != timeline || x.File != file {
		return nil, storage.Altered(key, "is that of %s of timeline %s", x.File, x.Timeline)
	}
	if err := x.validate(); err != nil {
		return nil, storage.Altered(key, "does not describe a file: %w", err)
	}
	return x, nil
}

// PutIndex replaces the index of a file.
func (c *Catalog) PutIndex(ctx context.Context, instance string, x *Index) error {
	x.Version = IndexVersion
	if err := x.validate(); err != nil {
		return fmt.Errorf("write the index of %s: %w", x.File, err)
	}
	return c.write(ctx, IndexKey(instance, x.Timeline, x.File), x)
}

// Ref names the object of a step.
func (x *Index) Ref(instance string, s *IndexSegment) SegmentRef {
	o := x.Objects[s.Object]
	return x.ref(instance, o)
}

func (x *Index) ref(instance string, o IndexObject) SegmentRef {
	return SegmentRef{Key: SegmentKey(instance, x.Timeline, x.File, o.Start, o.End), Timeline: x.Timeline, File: x.File, Start: o.Start, End: o.End, Size: o.Size}
}

// Refs names the objects.
func (x *Index) Refs(instance string) []SegmentRef {
	refs := make([]SegmentRef, len(x.Objects))
	for i, o := range x.Objects {
		refs[i] = x.ref(instance, o)
	}
	return refs
}

// NewIndexObject describes a stored segment.
func NewIndexObject(ref SegmentRef) IndexObject {
	return IndexObject{Name: segmentName(ref.Start, ref.End), Start: ref.Start, End: ref.End, Size: ref.Size}
}

// validate says what no writer may have meant: steps that are not the file from 0 to its end.
func (x *Index) validate() error {
	if len(x.Segments) == 0 {
		return errors.New("no segments")
	}
	end := uint64(0)
	for i := range x.Segments {
		s := &x.Segments[i]
		if err := s.Validate(); err != nil {
			return err
		}
		if s.Object < 0 || s.Object >= len(x.Objects) {
			return fmt.Errorf("segment at %d lies in object %d of %d", s.Start, s.Object, len(x.Objects))
		}
		o := x.Objects[s.Object]
		stored := int64(s.StoredBytes)
		switch {
		case s.Timeline != x.Timeline || s.File != x.File || s.FormatTime != x.Segments[0].FormatTime:
			return fmt.Errorf("segment at %d is of another file", s.Start)
		case s.Start > end || s.End <= end:
			return fmt.Errorf("segment from %d to %d behind %d", s.Start, s.End, end)
		case s.Start == end && i > 0 && s.SHA256Start != x.Segments[i-1].SHA256End:
			return fmt.Errorf("segment at %d does not follow the one before", s.Start)
		case s.Start < o.Start || s.End > o.End || s.Offset <= 0 || stored < 0 || s.Offset > o.Size-stored:
			return fmt.Errorf("segment at %d does not lie in its object", s.Start)
		}
		end = s.End
	}
	if last := x.Segments[len(x.Segments)-1]; end != x.End || last.SHA256End != x.SHA256 {
		return fmt.Errorf("segments end at %d, the file at %d", end, x.End)
	}
	return nil
}

// OpenSegmentRange returns length bytes of a segment's object from an offset on. Not found is as
// in OpenSegment.
func (c *Catalog) OpenSegmentRange(ctx context.Context, ref SegmentRef, offset, length int64) (io.ReadCloser, error) {
	r, err := c.bucket.Get(ctx, ref.Key, offset, length)
	if err != nil {
		return nil, storage.Fault(fmt.Errorf("read %s: %w", ref.Key, err))
	}
	return r, nil
}
