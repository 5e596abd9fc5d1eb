package archive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// keepEvent is the memory of an event that is kept in any case.
const keepEvent = 1 << 20

// readAhead is how much of a segment is decompressed at once.
const readAhead = 256 << 10

// Event is one event of the archive.
type Event struct {
	// Position is where the event starts.
	binlog.Position
	// Raw are its bytes as in the file, valid until the next event is asked for.
	Raw []byte
	// Skipped is set instead of Raw: so many bytes of whole entries from Position on are left out.
	Skipped uint64
	// Undone: the entry that the event is in takes its change back, if the table is a transactional one. Known of
	// entries whose end the archive holds.
	Undone bool
}

// End returns where the event ends.
func (e Event) End() binlog.Position {
	p := e.Position
	p.Pos += uint64(len(e.Raw)) + e.Skipped
	return p
}

// EventsOption changes what Events yields.
type EventsOption func(*walk)

// Unit is one or several segments of one file as if they were one (package segment, Append).
type Unit struct {
	segment.Header // StoredBytes is what is to be read of them
	// Whole: they hold whole entries, and what is in them is known. No other unit is left out.
	Whole bool
}

// Skip leaves out, without reading it, each whole unit of which skip returns true. It is asked in
// archive order, of each unit behind the events in front of it. What is left out is yielded as one
// Event with Skipped.
func Skip(skip func(*Unit) bool) EventsOption { return func(w *walk) { w.skip = skip } }

// WholeEntries leaves out what a server that was killed while it wrote an entry has left of it at the end of a file
// (MariaDB; event.Assembler.OnCutOff): nobody has to take back what came of its events.
func WholeEntries() EventsOption { return func(w *walk) { w.whole = true } }

// Events yields every event from a position on, in archive order, until the archive of that
// timeline ends. from is a file's start (0 or 4) or a boundary between entries; where it lies
// inside a file, the file's format description comes first, at its own position. Every segment is
// proved before its first event is yielded. Errors end the walk: code 12 for a hole and for a
// place that is not held, 13 for a segment that is missing, truncated or altered.
func (r *Reader) Events(ctx context.Context, from binlog.Position, opts ...EventsOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := &walk{reader: r, yield: yield}
		for _, o := range opts {
			o(w)
		}
		if err := w.run(ctx, from); err != nil && !errors.Is(err, errStopped) {
			yield(Event{}, err)
		}
	}
}

// errStopped: the consumer has enough.
var errStopped = errors.New("stopped")

// walk goes over the events of a timeline.
type walk struct {
	reader   *Reader
	yield    func(Event, error) bool
	skip     func(*Unit) bool     // nil: nothing is left out
	whole    bool                 // entries that have no end are left out
	undone   []binlog.OffsetRange // what entries of the present segment take back, and maybe others
	cut      uint64               // where such an entry begins in the present file; 0 for nowhere
	formatOf string               // the file whose format was yielded
	event    []byte
	spare    int // bytes of events since one that needed the half of event
}

func (w *walk) run(ctx context.Context, from binlog.Position) error {
	r := w.reader
	// The head first: what it names has to be found by the listings that come after it.
	head, ok, err := r.catalog.Head(ctx, r.instance, from.Timeline)
	if err != nil {
		return err
	}
	holes, err := r.catalog.Holes(ctx, r.instance)
	if err != nil {
		return err
	}
	l, err := r.layout(ctx, from.Timeline, from.File)
	if err != nil {
		return err
	}
	if !ok || l.end == 0 || from.Pos > l.end {
		return r.notHeld(ctx, from)
	}
	offset, end := from.Pos, &tip{}
	for {
		if err := w.file(ctx, &l, offset, end); err != nil {
			return err
		}
		if hole, ok := holeAt(holes, end.end()); ok {
			return holeFault(hole)
		}
		found := false
		var next layout
		err = again(func() (err error) {
			next, found, err = r.following(ctx, end, r.layout)
			return err
		})
		switch {
		case err != nil:
			if l, err = r.grown(ctx, end, r.layout, err); err != nil {
				return err
			}
			if w.cut > 0 { // it goes on
				offset, end = w.cut, &tip{}
			}
		case !found:
			return r.checkEnd(head, end.end())
		default:
			l, offset, end = next, 0, &tip{}
		}
	}
}

// notHeld is the fault of a place that the archive lacks, as far as the head tells: whoever
// waits for an archiver asks often.
func (r *Reader) notHeld(ctx context.Context, p binlog.Position) error {
	head, ok, err := r.catalog.Head(ctx, r.instance, p.Timeline)
	if err != nil {
		return err
	}
	held := "nothing of that timeline"
	if ok {
		held = fmt.Sprintf("the timeline up to %s", head.End.Position)
	}
	return fault.New(fault.CodeRange, fault.KindRange, "choose a place inside what the archive holds; tripod list shows it",
		"%s is not in the archive, which holds %s: %w", p, held, ErrNotArchived)
}

// holeAt returns the hole that begins at a place.
func holeAt(holes []catalog.Hole, p binlog.Position) (catalog.Hole, bool) {
	for _, h := range holes {
		if h.From == p {
			return h, true
		}
	}
	return catalog.Hole{}, false
}

// checkEnd fails where the archive's head names a segment that was not found.
func (r *Reader) checkEnd(head catalog.Head, end binlog.Position) error {
	last := binlog.Position{Timeline: end.Timeline, File: head.Last.File, Pos: head.Last.End}
	if head.Last != (catalog.HeadSegment{}) && end.Before(last) {
		return r.missingAt(end)
	}
	return nil
}

// findLayout is Reader.layout, or Reader.listed.
type findLayout func(context.Context, binlog.Timeline, string) (layout, error)

// following returns the layout of the file behind end; ok is false where there is none yet.
func (r *Reader) following(ctx context.Context, end *tip, find findLayout) (l layout, ok bool, err error) {
	h := end.header
	name, err := nextFile(h.File)
	if err != nil {
		return layout{}, false, err
	}
	if l, err = find(ctx, h.Timeline, name); err != nil {
		return layout{}, false, err
	}
	if l.end == 0 { // a server may skip numbers
		files, err := r.catalog.Files(ctx, r.instance, h.Timeline)
		if err != nil {
			return layout{}, false, err
		}
		// The next number first: the file may have come meanwhile, before one that is listed.
		candidates := []string{name}
		for _, file := range files {
			if binlog.CompareFiles(file, h.File) > 0 && file != name {
				candidates = append(candidates, file)
				break
			}
		}
		for _, file := range candidates {
			if l, err = find(ctx, h.Timeline, file); err != nil || l.end > 0 {
				break
			}
		}
		if err != nil || l.end == 0 {
			return layout{}, false, err
		}
	}
	first, err := r.header(ctx, l.parts[0])
	if err != nil {
		return layout{}, false, err
	}
	return l, true, r.checkJoin(end, first)
}

// checkJoin fails where a file's first segment does not join the end of the file before.
func (r *Reader) checkJoin(end *tip, first segment.Header) error {
	switch {
	case end.joins(first):
		return nil
	case first.Previous != nil && first.Previous.File == end.header.File && first.Previous.End == end.header.End:
		return fault.New(fault.CodeDifference, fault.KindIntegrity, "get the object back from a copy of the store, or take a new backup",
			"%s does not follow the archived bytes of %s", first.StartPosition(), end.header.File)
	}
	return r.missingAt(end.end())
}

// part yields the events of one segment that are not in the part before, which ends at end.
func (w *walk) part(ctx context.Context, l *layout, p part, offset uint64, end *tip) (_ segment.Header, err error) {
	h, plain, err := w.reader.open(ctx, p)
	if err != nil {
		return segment.Header{}, err
	}
	defer func() { err = errors.Join(err, plain.Close()) }()
	if end.header.File != "" {
		if err := skipOverlap(plain, h, p, end.header); err != nil {
			return segment.Header{}, err
		}
	}
	b := bufio.NewReaderSize(plain, readAhead)
	at := h.Start
	if end.header.File != "" {
		at = p.from
	}
	if at == 0 {
		if at = binlog.FirstOffset; h.End < at {
			return segment.Header{}, storage.Altered(p.Key, "ends inside the file's magic")
		}
		magic := make([]byte, binlog.FirstOffset)
		if _, err := io.ReadFull(b, magic); err != nil || string(magic) != stream.Magic {
			return segment.Header{}, storage.Altered(p.Key, "does not begin as a binlog file: %w", errors.Join(err, event.ErrMalformed))
		}
	}
	if skip := max(offset, at) - at; skip > 0 {
		if _, err := io.CopyN(io.Discard, b, int64(min(skip, h.End-at))); err != nil {
			return segment.Header{}, damaged(p.SegmentRef, err)
		}
		at += min(skip, h.End-at)
	}
	for at < h.End && (w.cut == 0 || at < w.cut) {
		if err := ctx.Err(); err != nil {
			return segment.Header{}, err
		}
		if err := w.next(b); err != nil {
			return segment.Header{}, damaged(p.SegmentRef, fmt.Errorf("read event at %s: %w", l.position(at), err))
		}
		if err := w.emit(l.position(at)); err != nil {
			return segment.Header{}, err
		}
		at += uint64(len(w.event))
	}
	return h, nil
}

// skipOverlap leads over what the part before holds too, and proves that it is the same.
func skipOverlap(plain io.Reader, h segment.Header, p part, before segment.Header) error {
	chain, err := binlog.ResumeChain(h.State)
	if err != nil {
		return storage.Altered(p.Key, "has no chain: %w", err)
	}
	if _, err := io.CopyN(chain, plain, int64(p.from-h.Start)); err != nil {
		return damaged(p.SegmentRef, err)
	}
	if chain.Sum() != before.SHA256End || h.FormatTime != before.FormatTime {
		return storage.Altered(p.Key, "does not follow the segment that ends at %d", before.End)
	}
	return nil
}

// next reads the next event into w.event.
func (w *walk) next(b *bufio.Reader) error {
	head, err := b.Peek(event.HeaderSize)
	if err != nil {
		return unexpected(err)
	}
	size := int(binary.LittleEndian.Uint32(head[9:]))
	if size < event.HeaderSize {
		return fmt.Errorf("event of %d bytes: %w", size, event.ErrMalformed)
	}
	w.reserve(size)
	w.event = w.event[:size]
	_, err = io.ReadFull(b, w.event)
	return unexpected(err)
}

// reserve makes room for an event. The memory of a large one is kept as long as others come that
// need it.
func (w *walk) reserve(size int) {
	if w.spare += size; size > cap(w.event)/2 {
		w.spare = 0
	}
	if cap(w.event) < size || cap(w.event) > keepEvent && w.spare > cap(w.event) {
		w.event, w.spare = nil, 0 // not both at once (promise 8)
		w.event = make([]byte, size)
	}
}

// unexpected makes an early end an error of its own kind.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (w *walk) emit(at binlog.Position) error {
	if !w.yield(Event{Position: at, Raw: w.event, Undone: binlog.InRanges(w.undone, at.Pos)}, nil) {
		return errStopped
	}
	return nil
}
