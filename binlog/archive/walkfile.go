package archive

import (
	"bufio"
	"context"
	"errors"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage"
)

// file yields the events of one file from an offset on, and behind end, which moves along. What compaction has
// taken away since the layout was made is looked for anew.
func (w *walk) file(ctx context.Context, l *layout, offset uint64, end *tip) error {
	if offset <= binlog.FirstOffset {
		offset = 0
	}
	for {
		err := w.parts(ctx, l, offset, end)
		if err == nil || !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		next, errAgain := w.reader.relaid(ctx, l)
		if errAgain != nil {
			return errAgain
		}
		if next == nil {
			return err
		}
		*l = *next
	}
}

// grown returns the layout of a file that has more by now than was read of it, up to end. err is that of the
// file behind it, which did not join.
func (r *Reader) grown(ctx context.Context, end *tip, find findLayout, err error) (layout, error) {
	var lacking *lackingError
	if !errors.As(err, &lacking) {
		return layout{}, err
	}
	l, errAgain := find(ctx, end.header.Timeline, end.header.File)
	if errAgain != nil {
		return layout{}, errAgain
	}
	if l.end <= end.header.End {
		return layout{}, err
	}
	return l, nil
}

// relaid returns a layout of the same bytes by other objects; nil where there is none.
func (r *Reader) relaid(ctx context.Context, l *layout) (*layout, error) {
	for _, again := range []findLayout{r.layout, r.listed} {
		next, err := again(ctx, l.timeline, l.file)
		if err != nil {
			return nil, err
		}
		if next.end >= l.end && !slices.EqualFunc(next.parts, l.parts, func(a, b part) bool { return a.Key == b.Key }) {
			return &next, nil
		}
	}
	return nil, nil
}

// again calls do anew where what it listed was taken away by compaction before it was read, and where a segment
// seemed to lack because more was written meanwhile.
func again(do func() error) error {
	const tries = 3 // an object that is missing is missing each time
	var last binlog.Position
	for n := 1; ; n++ {
		err := do()
		var lacking *lackingError
		switch {
		case errors.As(err, &lacking) && lacking.at != last:
			last = lacking.at
		case !errors.Is(err, storage.ErrNotFound), n >= tries:
			return err
		}
	}
}

// parts yields the events behind end, or behind an offset, and moves end along.
func (w *walk) parts(ctx context.Context, l *layout, offset uint64, end *tip) error {
	known := &knownHeaders{reader: w.reader, parts: l.parts}
	if err := w.findCut(ctx, known); err != nil {
		return err
	}
	asked := 0 // the parts before this were asked of
	var undone undoneAhead
	for i := 0; i < len(l.parts); i++ {
		p := l.parts[i]
		if p.End <= end.header.End || p.End <= offset && p.End != l.end {
			continue
		}
		p.from = max(p.from, end.header.End) // another layout may have led here
		if w.skip != nil && i >= asked {
			n, skipped, err := w.leaveOut(ctx, known, i, max(p.from, offset))
			if err != nil {
				return err
			}
			if asked = i + n; skipped {
				i = asked - 1
				if end.header, err = known.at(ctx, i); err != nil {
					return err
				}
				continue
			}
		}
		if w.formatOf != l.file && max(offset, p.from) > binlog.FirstOffset {
			if err := w.format(ctx, l); err != nil {
				return err
			}
		}
		w.formatOf = l.file
		if err := undone.look(ctx, known, i); err != nil {
			return err
		}
		w.undone = undone.ranges
		h, err := w.part(ctx, l, p, offset, end)
		if err != nil {
			return err
		}
		end.header = h
	}
	return nil
}

// findCut finds where the entry begins that the file ends inside of.
func (w *walk) findCut(ctx context.Context, known *knownHeaders) error {
	w.cut = 0
	if !w.whole || len(known.parts) == 0 {
		return nil
	}
	last, err := known.at(ctx, len(known.parts)-1)
	if err == nil && last.EndsInside {
		w.cut = last.Boundary
	}
	return err
}

// leaveOut asks whether the unit of part i, of which the bytes from on are to be read, may be left
// out, and tells how many parts it is.
func (w *walk) leaveOut(ctx context.Context, known *knownHeaders, i int, from uint64) (n int, skipped bool, err error) {
	n, unit, err := known.unit(ctx, i)
	if err != nil {
		return n, false, err
	}
	unit.Whole = unit.Whole && unit.Start == from
	if !w.skip(unit) || !unit.Whole {
		return n, false, nil
	}
	if !w.yield(Event{Position: unit.StartPosition(), Skipped: unit.End - unit.Start}, nil) {
		return n, true, errStopped
	}
	return n, true, nil
}

// knownHeaders are those of a layout, fetched as they are needed.
type knownHeaders struct {
	reader  *Reader
	parts   []part
	first   int // of those that are here
	headers []segment.Header
}

// headersAhead is how many frames are fetched together where no index holds them.
const headersAhead = 64

// at returns the header of part i.
func (k *knownHeaders) at(ctx context.Context, i int) (segment.Header, error) {
	if i < k.first || i >= k.first+len(k.headers) {
		headers, err := k.reader.headers(ctx, k.parts[i:min(i+headersAhead, len(k.parts))])
		if err != nil {
			return segment.Header{}, err
		}
		k.first, k.headers = i, headers
	}
	return k.headers[i-k.first], nil
}

// unit returns the parts from i to the first that ends between entries, n of them, as one.
func (k *knownHeaders) unit(ctx context.Context, i int) (n int, unit *Unit, err error) {
	ends := false
	for n = 0; i+n < len(k.parts) && !ends; n++ {
		h, err := k.at(ctx, i+n)
		if err != nil {
			return 0, nil, err
		}
		ends = !h.EndsInside
		if n == 0 {
			unit = &Unit{Header: h, Whole: !h.BeginsInside}
		} else {
			unit.StoredBytes += h.StoredBytes
			if unit.Append(&h) != nil { // they overlap
				unit.Whole, unit.End = false, h.End
			}
		}
		unit.Whole = unit.Whole && unit.Content != nil && h.Start == k.parts[i+n].from
	}
	unit.Whole = unit.Whole && ends
	return n, unit, nil
}

// format yields a file's format description event: by what is known of it, else by its first segment.
func (w *walk) format(ctx context.Context, l *layout) error {
	h, err := w.reader.header(ctx, l.parts[0])
	if err != nil {
		return err
	}
	if len(h.Format) > 0 {
		w.event = append(w.event[:0], h.Format...)
		return w.emit(l.position(binlog.FirstOffset))
	}
	_, plain, err := w.reader.open(ctx, l.parts[0])
	if err != nil {
		return err
	}
	b := bufio.NewReaderSize(plain, readAhead)
	_, err = b.Discard(binlog.FirstOffset)
	if err == nil {
		err = w.next(b)
	}
	if err == nil {
		err = w.emit(l.position(binlog.FirstOffset))
	}
	return errors.Join(err, plain.Close())
}
