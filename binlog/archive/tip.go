package archive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// tip is what is known at the last byte that is held.
type tip struct {
	header   segment.Header // of the segment or extent that ends there
	executed binlog.GTIDSet // at header.Boundary
	commit   binlog.Time    // of the last entry; 0 if unknown
}

// add moves the tip to the end of the next segment.
func (t *tip) add(h segment.Header) {
	t.header = h
	if h.PreviousGTIDs != nil {
		t.executed.AddSet(*h.PreviousGTIDs)
	}
	t.executed.AddSet(h.GTIDs)
	if h.LastCommit != 0 {
		t.commit = h.LastCommit
	}
}

// clone returns a tip that does not follow.
func (t *tip) clone() *tip {
	if t == nil {
		return nil
	}
	return &tip{header: t.header, executed: t.executed.Clone(), commit: t.commit}
}

// end returns the place behind the last byte.
func (t *tip) end() binlog.Position { return t.header.EndPosition() }

// point returns the last boundary between entries.
func (t *tip) point() binlog.Point {
	p := t.end()
	p.Pos = t.header.Boundary
	return binlog.Point{Position: p, GTIDSet: t.executed.String(), Time: t.commit}
}

// joins tells whether a segment goes on where the tip ends, with the same bytes before it.
func (t *tip) joins(h segment.Header) bool {
	if h.Timeline != t.header.Timeline {
		return false
	}
	if h.File == t.header.File {
		return h.Start == t.header.End && h.SHA256Start == t.header.SHA256End && h.FormatTime == t.header.FormatTime
	}
	return h.Previous != nil && *h.Previous == t.asPrevious()
}

// asPrevious describes the tip's file as one that ended at the tip.
func (t *tip) asPrevious() segment.PreviousFile {
	return segment.PreviousFile{File: t.header.File, End: t.header.End, SHA256: t.header.SHA256End}
}

// nextFile returns the name that a server gives to the file after this one.
func nextFile(name string) (string, error) {
	n, err := binlog.FileNumber(name)
	if err != nil {
		return "", err
	}
	dot := strings.LastIndexByte(name, '.')
	return fmt.Sprintf("%s.%0*d", name[:dot], len(name)-dot-1, n+1), nil
}

// timelineOf returns the k-th timeline of a server: base, which is its uuid or, on MariaDB, the name
// of its first timeline, then <base>~2 and so on.
func timelineOf(base string, k int) binlog.Timeline {
	if k <= 1 {
		return binlog.Timeline(base)
	}
	return binlog.Timeline(fmt.Sprintf("%s~%d", base, k))
}

// findBase returns the name of a server's first timeline: its uuid. A server without one (MariaDB) is
// looked for by its server id; what that finds may be of another server with the same id, which the
// comparison of the logs tells. Empty where there is none.
func findBase(ctx context.Context, c *catalog.Catalog, instance, uuid string) (string, error) {
	id, _, isReplicaIdentity := strings.Cut(uuid, "@")
	if !isReplicaIdentity {
		return uuid, nil
	}
	timelines, err := c.Timelines(ctx, instance)
	if err != nil {
		return "", err
	}
	for _, t := range timelines {
		if strings.HasPrefix(string(t), binlog.MariaDBTimelines(id)) && !strings.Contains(string(t), "~") {
			return string(t), nil
		}
	}
	return "", nil
}

// archived is what the store holds of a server.
type archived struct {
	number int    // of the server's timelines; 0 for none
	base   string // the name of the first; empty where that is not known yet
	head   catalog.Head
	tip    *tip // nil before the first segment
}

// findArchived returns the newest timeline of a server in the store, with the tip of what is
// archived of it. It asks for heads and for what lies behind them, never for a whole listing.
func findArchived(ctx context.Context, c *catalog.Catalog, instance, uuid string) (archived, error) {
	base, err := findBase(ctx, c, instance, uuid)
	if err != nil || base == "" {
		return archived{}, err
	}
	number, head, err := newestHead(ctx, c, instance, base)
	if err != nil || number == 0 {
		return archived{base: base}, err
	}
	found := archived{number: number, base: base, head: head}
	found.tip, err = findTip(ctx, c, instance, found.head)
	return found, err
}

// CurrentTimeline returns the timeline under which the binlog of a server is archived now, or
// will be when its archive begins: its uuid, or <uuid>~2 and so on behind a new beginning. uuid is
// Facts.ServerUUID. For a server without a real one (MariaDB) it is empty as long as nothing is archived:
// the name comes from the file with which the archive begins (stream.Timeline).
func CurrentTimeline(ctx context.Context, c *catalog.Catalog, instance, uuid string) (binlog.Timeline, error) {
	base, err := findBase(ctx, c, instance, uuid)
	if err != nil || base == "" {
		return "", err
	}
	k, _, err := newestHead(ctx, c, instance, base)
	return timelineOf(base, k), err
}

// newestHead returns the last of a server's timelines that has a head; 0 for none.
func newestHead(ctx context.Context, c *catalog.Catalog, instance, base string) (number int, newest catalog.Head, err error) {
	for k := 1; ; k++ {
		head, ok, err := c.Head(ctx, instance, timelineOf(base, k))
		if err != nil || !ok {
			return number, newest, err
		}
		number, newest = k, head
	}
}

// findTip goes from a head to the last segment that joins: the head may lie behind.
func findTip(ctx context.Context, c *catalog.Catalog, instance string, head catalog.Head) (*tip, error) {
	executed, err := binlog.ParseGTIDSet(head.End.GTIDSet)
	if err != nil {
		return nil, storage.Altered(catalog.HeadKey(instance, head.End.Timeline), "holds no GTID set: %w", err)
	}
	t := &tip{executed: executed, commit: head.End.Time}
	if last := head.Last; last != (catalog.HeadSegment{}) {
		ref := catalog.SegmentRef{
			Key:      catalog.SegmentKey(instance, head.End.Timeline, last.File, last.Start, last.End),
			Timeline: head.End.Timeline, File: last.File, Start: last.Start, End: last.End,
		}
		if t.header, err = c.SegmentHeader(ctx, ref); err != nil {
			return nil, missing(ref.Key, err)
		}
	} else {
		first, ok, err := joining(ctx, c, instance, head.End.Timeline, head.End.File, 0, func(segment.Header) bool { return true })
		if err != nil || !ok {
			return nil, err
		}
		t.add(first)
	}
	for {
		next, ok, err := t.next(ctx, c, instance)
		if err != nil {
			return nil, err
		}
		if !ok {
			return t, nil
		}
		t.add(next)
	}
}

// next returns the segment behind the tip, in its file or as the first of the next one.
func (t *tip) next(ctx context.Context, c *catalog.Catalog, instance string) (segment.Header, bool, error) {
	h, ok, err := joining(ctx, c, instance, t.header.Timeline, t.header.File, t.header.End, t.joins)
	if err != nil || ok {
		return h, ok, err
	}
	file, err := nextFile(t.header.File)
	if err != nil {
		return segment.Header{}, false, err
	}
	return joining(ctx, c, instance, t.header.Timeline, file, 0, t.joins)
}

// missing turns not-found of an object that another one names into a fault of code 13.
func missing(key string, err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Missing(key, err)
	}
	return err
}

// joining returns the longest segment that starts at an offset of a file and is accepted.
func joining(ctx context.Context, c *catalog.Catalog, instance string, timeline binlog.Timeline, file string, start uint64,
	accept func(segment.Header) bool,
) (segment.Header, bool, error) {
	refs, err := c.Segments(ctx, instance, timeline, file, start)
	if err != nil {
		return segment.Header{}, false, err
	}
	var found segment.Header
	for _, ref := range refs {
		if ref.Start != start {
			break
		}
		h, err := c.SegmentHeader(ctx, ref)
		if err != nil {
			return segment.Header{}, false, err
		}
		if accept(h) && h.End > found.End {
			found = h
		}
	}
	return found, found.End > 0, nil
}
