package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
)

// ErrConflict: the store holds another segment of the same bytes' place. Two histories were
// archived under one timeline, or two writers disagree about what the source sent.
var ErrConflict = errors.New("the store holds other bytes for the same part of the binlog")

// SegmentRef names one segment: the bytes from Start to End, exclusive, of a binlog file.
type SegmentRef struct {
	Key      string
	Timeline binlog.Timeline
	File     string
	Start    uint64
	End      uint64
	Size     int64 // of the object, in bytes
}

// Timelines returns the timelines of which the instance's archive holds something, in byte
// order, which says nothing about which came first.
func (c *Catalog) Timelines(ctx context.Context, instance string) ([]binlog.Timeline, error) {
	folders, err := c.folders(ctx, binlogPrefix(instance))
	if err != nil {
		return nil, err
	}
	var timelines []binlog.Timeline
	for _, folder := range folders {
		name, ok := Unescape(folder)
		if !ok {
			return nil, storage.Altered(binlogPrefix(instance)+folder+"/", "is not the folder of a timeline")
		}
		timelines = append(timelines, binlog.Timeline(name))
	}
	return timelines, nil
}

// Files returns the binlog files of which the archive holds something, in the order of their
// numbers (never of their names).
func (c *Catalog) Files(ctx context.Context, instance string, timeline binlog.Timeline) ([]string, error) {
	folders, err := c.folders(ctx, timelinePrefix(instance, timeline))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, folder := range folders {
		name, whole := Unescape(folder)
		if !whole {
			if name, err = c.longFile(ctx, timelinePrefix(instance, timeline)+folder+"/"); err != nil {
				return nil, err
			}
		}
		if _, err := binlog.FileNumber(name); err != nil {
			continue // no server writes such a file: the folder is not tripod's
		}
		files = append(files, name)
	}
	slices.SortFunc(files, binlog.CompareFiles)
	return files, nil
}

// longFile returns the name of a binlog file that is too long for a key: its segments say it.
// It is empty for a folder without segments.
func (c *Catalog) longFile(ctx context.Context, prefix string) (string, error) {
	for object, err := range c.bucket.List(ctx, prefix, "") {
		if err != nil {
			return "", storage.Fault(fmt.Errorf("list %s: %w", prefix, err))
		}
		if _, _, ok := parseSegmentName(object.Key[len(prefix):]); ok {
			header, err := c.SegmentHeader(ctx, SegmentRef{Key: object.Key})
			return header.File, err
		}
	}
	return "", nil
}

// Segments returns the segments of one binlog file that start at or behind from, by start and
// then by end. They may overlap: a reader takes the longest that starts at its place.
//
// A listing takes its time, and of what is put meanwhile it may hold the later and lack the earlier. So one with a
// gap counts when the next one has that gap too.
func (c *Catalog) Segments(ctx context.Context, instance string, timeline binlog.Timeline, file string, from uint64) ([]SegmentRef, error) {
	refs, err := c.listSegments(ctx, instance, timeline, file, from)
	for err == nil {
		at, gap := firstGap(refs, from)
		if !gap {
			break
		}
		var next []SegmentRef
		if next, err = c.listSegments(ctx, instance, timeline, file, from); err != nil {
			break
		}
		still, gap := firstGap(next, from)
		refs = next
		if gap && still == at {
			break
		}
	}
	return refs, err
}

// firstGap returns where a segment is missing in front of another one.
func firstGap(refs []SegmentRef, from uint64) (at uint64, gap bool) {
	for _, ref := range refs {
		if ref.Start > from {
			return from, true
		}
		from = max(from, ref.End)
	}
	return 0, false
}

func (c *Catalog) listSegments(ctx context.Context, instance string, timeline binlog.Timeline, file string, from uint64) ([]SegmentRef, error) {
	prefix := filePrefix(instance, timeline, file)
	start := ""
	if from > 0 {
		start = prefix + digits(from)
	}
	var refs []SegmentRef
	for object, err := range c.bucket.List(ctx, prefix, start) {
		if err != nil {
			return nil, storage.Fault(fmt.Errorf("list the segments of %s: %w", file, err))
		}
		from, to, ok := parseSegmentName(object.Key[len(prefix):])
		if !ok {
			continue // the index, and what later versions put beside it
		}
		refs = append(refs, SegmentRef{Key: object.Key, Timeline: timeline, File: file, Start: from, End: to, Size: object.Size})
	}
	return refs, nil
}

// PutSegment stores the segment of ref's place unless it is there. One that holds the same
// bytes of the same history is fine, however it was compressed and under whichever lease it was
// put; another is ErrConflict, a damaged one a fault of code 13.
func (c *Catalog) PutSegment(ctx context.Context, instance string, ref SegmentRef, data []byte) error {
	key := SegmentKey(instance, ref.Timeline, ref.File, ref.Start, ref.End)
	err := c.createAlone(ctx, key, data)
	if !errors.Is(err, storage.ErrExists) {
		return err
	}
	ours, err := segment.DecodeHeader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	theirs, err := c.checkSegment(ctx, key)
	if err != nil {
		return err
	}
	if theirs.SHA256Start != ours.SHA256Start || theirs.SHA256End != ours.SHA256End {
		return fmt.Errorf("write %s: %w", key, ErrConflict)
	}
	return nil
}

// checkSegment reads a whole segment and returns its header.
func (c *Catalog) checkSegment(ctx context.Context, key string) (_ segment.Header, err error) {
	r, err := c.OpenSegment(ctx, SegmentRef{Key: key})
	if err != nil {
		return segment.Header{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	header, err := segment.Check(r)
	return header, segmentFault(key, err)
}

// SegmentHeader returns the header of a segment without reading what lies behind it. Damage is
// a fault of code 13, a newer version one of code 1.
func (c *Catalog) SegmentHeader(ctx context.Context, ref SegmentRef) (_ segment.Header, err error) {
	r, err := c.OpenSegment(ctx, ref)
	if err != nil {
		return segment.Header{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	header, err := segment.DecodeHeader(r)
	return header, segmentFault(ref.Key, err)
}

// SegmentHeaderOf is SegmentHeader of an object of a listing: one that is not as long as its header says is altered.
func (c *Catalog) SegmentHeaderOf(ctx context.Context, ref SegmentRef) (_ segment.Header, err error) {
	r, err := c.OpenSegment(ctx, ref)
	if err != nil {
		return segment.Header{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	frame := countingReader{r: r}
	header, err := segment.DecodeHeader(&frame)
	if err != nil {
		return header, segmentFault(ref.Key, err)
	}
	if want := frame.n + int64(header.StoredBytes); ref.Size != want {
		return header, storage.Altered(ref.Key, "has %d bytes instead of %d", ref.Size, want)
	}
	return header, nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// segmentFault says what an error of package segment means for the object under key.
func segmentFault(key string, err error) error {
	switch {
	case errors.Is(err, segment.ErrDamaged):
		return storage.Altered(key, "is not the segment that was written: %w", err)
	case errors.Is(err, segment.ErrNewerVersion):
		return newer(key, err)
	case err != nil:
		return storage.Fault(fmt.Errorf("read %s: %w", key, err))
	}
	return nil
}

// OpenSegment returns the whole object. A segment that compaction took away since it was
// listed is storage.ErrNotFound: list the file's segments again and go on. Whoever reads it
// checks its hashes (package segment).
func (c *Catalog) OpenSegment(ctx context.Context, ref SegmentRef) (io.ReadCloser, error) {
	r, err := c.bucket.Get(ctx, ref.Key, 0, -1)
	if err != nil {
		return nil, storage.Fault(fmt.Errorf("read %s: %w", ref.Key, err))
	}
	return r, nil
}

// PutLargeSegment stores a segment that holds the bytes of several, from a body that may be read
// more than once. One that is there is left as it is: whoever put it reads it back in any case.
func (c *Catalog) PutLargeSegment(ctx context.Context, instance string, ref SegmentRef, body io.ReadSeeker, size int64) error {
	key := SegmentKey(instance, ref.Timeline, ref.File, ref.Start, ref.End)
	err := c.bucket.PutIfAbsent(ctx, key, body, size)
	if errors.Is(err, storage.ErrNoConditionalPut) {
		var there bool
		if there, err = c.has(ctx, key); err != nil || there {
			return err
		}
		err = c.bucket.Put(ctx, key, body, size)
	}
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return storage.Fault(fmt.Errorf("write %s: %w", key, err))
	}
	return nil
}

// DeleteSegment removes a segment. One that is not there is fine.
func (c *Catalog) DeleteSegment(ctx context.Context, ref SegmentRef) error {
	if err := c.bucket.Delete(ctx, ref.Key); err != nil {
		return storage.Fault(fmt.Errorf("delete %s: %w", ref.Key, err))
	}
	return nil
}
