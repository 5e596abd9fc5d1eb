package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage"
)

// HeadVersion and HoleVersion are the newest formats that this program writes and reads.
const (
	HeadVersion = 1
	HoleVersion = 1
)

// Head says how far the archive of a timeline reaches. It is replaced with every flush, so it
// may lie behind the segments, never before them.
type Head struct {
	Version int `json:"version"`
	// End is the last boundary between entries that the archive holds; with GTIDs its GTID set.
	End binlog.Point `json:"end"`
	// Last is the segment that holds the archive's last byte: behind it the next one is looked
	// for. Zero before the first segment.
	Last HeadSegment `json:"last,omitzero"`
	// AsOf is the source's clock, read before a file:pos that the store now covers.
	AsOf     binlog.Time  `json:"as_of,omitzero"`
	Epoch    uint64       `json:"epoch"` // of the lease it was written under
	Identity HeadIdentity `json:"identity"`
}

// HeadSegment names a segment of the head's timeline: the bytes from Start to End, exclusive, of File.
type HeadSegment struct {
	File  string `json:"file"`
	Start uint64 `json:"start"`
	End   uint64 `json:"end"`
}

// HeadIdentity is what the next connection compares with what the source says about itself
// (DESIGN section 6, "Identity").
type HeadIdentity struct {
	ServerUUID string `json:"server_uuid"`
	// Started is when the source was last started, by its own clock.
	Started binlog.Time `json:"started,omitzero"`
	// FormatCreated is the header time, in seconds, of the newest file's format event;
	// FormatSHA256 is the hash of that event's bytes.
	FormatCreated uint32 `json:"format_created,omitempty"`
	FormatSHA256  string `json:"format_sha256,omitempty"`
}

// Head returns a timeline's head; ok is false where there is none yet.
func (c *Catalog) Head(ctx context.Context, instance string, timeline binlog.Timeline) (head Head, ok bool, err error) {
	err = c.read(ctx, HeadKey(instance, timeline), HeadVersion, &head)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return Head{}, false, nil
	case err != nil:
		return Head{}, false, err
	}
	return head, true, nil
}

// PutHead replaces the head of head.End's timeline.
func (c *Catalog) PutHead(ctx context.Context, instance string, head Head) error {
	if head.End.Timeline == "" {
		return fmt.Errorf("write the head of instance %s: its end names no timeline", instance)
	}
	head.Version = HeadVersion
	return c.write(ctx, HeadKey(instance, head.End.Timeline), head)
}

// Hole is a part of the log that was gone before it was read. From is the first missing byte,
// To the first that is held again, perhaps in another timeline.
type Hole struct {
	Version int             `json:"version"`
	From    binlog.Position `json:"from"`
	To      binlog.Position `json:"to"`
	Found   binlog.Time     `json:"found"` // this machine's clock
	// End is the last boundary between entries in front of the hole, AsOf the source's clock up
	// to which that is everything.
	End    binlog.Point `json:"end,omitzero"`
	AsOf   binlog.Time  `json:"as_of,omitzero"`
	Reason string       `json:"reason"`
}

// Holes returns the instance's holes by timeline and, inside one, in the order of the log.
func (c *Catalog) Holes(ctx context.Context, instance string) ([]Hole, error) {
	prefix := holesPrefix(instance)
	var holes []Hole
	for object, err := range c.bucket.List(ctx, prefix, "") {
		if err != nil {
			return nil, storage.Fault(fmt.Errorf("list the holes of instance %s: %w", instance, err))
		}
		hole, err := c.holeAt(ctx, instance, object.Key)
		if err != nil {
			return nil, err
		}
		holes = append(holes, hole)
	}
	slices.SortFunc(holes, func(a, b Hole) int {
		if a.From.Timeline != b.From.Timeline {
			return strings.Compare(string(a.From.Timeline), string(b.From.Timeline))
		}
		return a.From.Compare(b.From)
	})
	return holes, nil
}

func (c *Catalog) holeAt(ctx context.Context, instance, key string) (Hole, error) {
	var hole Hole
	if err := c.read(ctx, key, HoleVersion, &hole); err != nil {
		return hole, err
	}
	if HoleKey(instance, hole.From) != key {
		return hole, storage.Altered(key, "is that of a hole at %s", hole.From)
	}
	return hole, nil
}

// PutHole writes a hole down. It has to be there before the next byte is accepted; writing
// the same hole again is fine.
func (c *Catalog) PutHole(ctx context.Context, instance string, hole Hole) error {
	if hole.From.IsZero() || hole.From.Timeline == "" {
		return fmt.Errorf("write a hole of instance %s: its beginning is unknown", instance)
	}
	hole.Version = HoleVersion
	return c.write(ctx, HoleKey(instance, hole.From), hole)
}
