package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// ErrNotArchived: the archive does not reach there yet. It comes inside a fault of code 12;
// whoever knows that an archiver runs may wait and ask again.
var ErrNotArchived = errors.New("the archive does not reach there")

// Reader reads an instance's archive. It keeps nothing between calls, so it sees what an
// archiver adds. Safe for concurrent use.
type Reader struct {
	catalog  *catalog.Catalog
	instance string
	hold     int64
	log      *slog.Logger
}

// holdSegments is enough for segments of the default size with a large event at their end.
const holdSegments = 32 << 20

// Option changes a Reader.
type Option func(*Reader)

// HoldSegments sets up to which size a stored segment is read into memory to be proved before
// its events are yielded. A larger one is read twice.
func HoldSegments(bytes int64) Option { return func(r *Reader) { r.hold = bytes } }

// Log sets where the reader tells what it does without; nowhere without it.
func Log(l *slog.Logger) Option { return func(r *Reader) { r.log = l } }

// Open returns the reader of an instance's archive.
func Open(c *catalog.Catalog, instance string, opts ...Option) *Reader {
	r := &Reader{catalog: c, instance: instance, hold: holdSegments, log: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		o(r)
	}
	return r
}

// Holding returns a reader of the same archive that holds segments up to another size.
func (r *Reader) Holding(bytes int64) *Reader {
	other := *r
	other.hold = bytes
	return &other
}

// Stretch is a part of the archive without a hole: whole files of one timeline, the last of
// which may be open.
type Stretch struct {
	// From is the start of the first file, with the GTID set that was executed before it.
	From binlog.Point
	// To is the last boundary between entries.
	To binlog.Point
	// AsOf is the source's clock up to which everything that was committed is in the stretch, or before it.
	AsOf binlog.Time
	// Hole is what ends the stretch; nil for the last of its timeline.
	Hole *catalog.Hole

	files []string
	// bytes is the end of the stretch in bytes: behind To where an entry is cut off.
	bytes binlog.Position
	head  catalog.Head
}

// String names the stretch as messages do.
func (s Stretch) String() string {
	text := fmt.Sprintf("%s to %s", s.From.Position, s.To.Position)
	if s.AsOf != 0 {
		text += " (as of " + s.AsOf.String() + ")"
	}
	return text
}

// Line returns the stretches in archive order: those of a timeline by position, a timeline
// behind the one whose hole leads to it. An archive without a segment has none.
func (r *Reader) Line(ctx context.Context) ([]Stretch, error) {
	timelines, err := r.catalog.Timelines(ctx, r.instance)
	if err != nil {
		return nil, err
	}
	holes, err := r.catalog.Holes(ctx, r.instance)
	if err != nil {
		return nil, err
	}
	var line []Stretch
	for _, timeline := range inOrder(timelines, holes) {
		var stretches []Stretch
		err := again(func() (err error) {
			stretches, err = r.stretches(ctx, timeline, holes)
			return err
		})
		if err != nil {
			return nil, err
		}
		line = append(line, stretches...)
	}
	return line, nil
}

// inOrder puts each timeline behind the one whose hole leads to it.
func inOrder(timelines []binlog.Timeline, holes []catalog.Hole) []binlog.Timeline {
	next, led := map[binlog.Timeline]binlog.Timeline{}, map[binlog.Timeline]bool{}
	for _, h := range holes {
		if h.From.Timeline != h.To.Timeline {
			next[h.From.Timeline], led[h.To.Timeline] = h.To.Timeline, true
		}
	}
	var order []binlog.Timeline
	for _, t := range timelines {
		for ; !led[t] && t != "" && !slices.Contains(order, t); t = next[t] {
			order = append(order, t)
			led[next[t]] = false
		}
	}
	return order
}

// stretches returns those of one timeline.
func (r *Reader) stretches(ctx context.Context, timeline binlog.Timeline, holes []catalog.Hole) ([]Stretch, error) {
	head, ok, err := r.catalog.Head(ctx, r.instance, timeline)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, storage.Missing(catalog.HeadKey(r.instance, timeline), storage.ErrNotFound)
	}
	files, err := r.catalog.Files(ctx, r.instance, timeline)
	if err != nil {
		return nil, err
	}
	var out []Stretch
	for _, h := range holes {
		if h.From.Timeline != timeline {
			continue
		}
		n := 0
		for n < len(files) && binlog.CompareFiles(files[n], h.From.File) <= 0 {
			n++
		}
		if n > 0 {
			out = append(out, Stretch{files: files[:n], Hole: &h, To: h.End, AsOf: h.AsOf, bytes: h.From, head: head})
		}
		files = files[n:]
	}
	if len(files) > 0 {
		t, err := findTip(ctx, r.catalog, r.instance, head)
		if err != nil {
			return nil, err
		}
		if t != nil {
			out = append(out, Stretch{files: files, To: t.point(), AsOf: head.AsOf, bytes: t.end(), head: head})
		}
	}
	for i := range out {
		if err := r.setFrom(ctx, timeline, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// setFrom fills From, and checks that no file is missing between the stretch's first and last.
func (r *Reader) setFrom(ctx context.Context, timeline binlog.Timeline, s *Stretch) error {
	s.From.Position = binlog.Position{Timeline: timeline, File: s.files[0]}
	first, ok, err := joining(ctx, r.catalog, r.instance, timeline, s.files[0], 0, func(segment.Header) bool { return true })
	if err != nil {
		return err
	}
	if !ok {
		return r.missingAt(s.From.Position)
	}
	if first.PreviousGTIDs != nil {
		s.From.GTIDSet = first.PreviousGTIDs.String()
	}
	if last := s.files[len(s.files)-1]; binlog.CompareFiles(last, s.bytes.File) < 0 {
		return r.missingAt(binlog.Position{Timeline: timeline, File: s.bytes.File})
	}
	return nil
}

// missingAt is the fault of bytes that the archive must hold and does not.
func (r *Reader) missingAt(p binlog.Position) error {
	return fault.New(fault.CodeDifference, fault.KindIntegrity,
		"get the object back from a copy of the store, or take a new backup", "%w", &lackingError{p})
}

// lackingError says where a segment lacks, as far as one look tells. While an archiver writes, a file may have grown, and
// others been begun, since it was listed: whoever finds one looks again, and believes it when it lacks at the same place.
type lackingError struct{ at binlog.Position }

func (e *lackingError) Error() string {
	return fmt.Sprintf("the archive lacks the segment at %s, and no hole is written down there", e.at)
}

// holeFault is the fault of a range that a hole interrupts.
func holeFault(h catalog.Hole) error {
	return fault.New(fault.CodeRange, fault.KindHole, "choose a stop point before the hole, or a backup that begins behind it",
		"the archive has a hole from %s to %s: %s", h.From, h.To, h.Reason)
}

// OutsideError says that the archive does not hold a place, and what it does hold. Whoever knows
// the backups too tells Err with what can be restored.
type OutsideError struct {
	Err  error
	Line []Stretch
}

// Error implements error.
func (e *OutsideError) Error() string {
	held := "nothing"
	if len(e.Line) > 0 {
		var texts []string
		for _, s := range e.Line {
			texts = append(texts, s.String())
		}
		held = strings.Join(texts, ", then ")
	}
	return fmt.Sprintf("%v; the archive holds %s", e.Err, held)
}

// Unwrap returns what is outside.
func (e *OutsideError) Unwrap() error { return e.Err }

// rangeFault is the fault of a place that the archive does not hold, with an OutsideError.
func rangeFault(line []Stretch, format string, args ...any) error {
	return fault.New(fault.CodeRange, fault.KindRange, "choose a stop point inside what the archive holds; tripod list shows it",
		"%w", &OutsideError{Err: fmt.Errorf(format, args...), Line: line})
}

// stretchOf returns the stretch that holds a file.
func stretchOf(line []Stretch, p binlog.Position) (Stretch, bool) {
	for _, s := range line {
		if s.From.Timeline == p.Timeline && slices.Contains(s.files, p.File) {
			return s, true
		}
	}
	return Stretch{}, false
}
