package archive

import (
	"context"
	"fmt"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage/catalog"
)

// closed is a closed file with what the frames of its segments say.
type closed struct {
	layout
	first, last segment.Header
	// headers are those of all parts; nil where there are more than may be held at once.
	headers []segment.Header
	// openXA are the XA transactions that are prepared where the file starts.
	openXA []segment.OpenXA
}

// makeIndex puts the index of a file over the segments that are there.
func (k *keeper) makeIndex(ctx context.Context, c *closed) error {
	x := c.index()
	for i, p := range c.parts {
		h := c.headers[i]
		x.Segments[i].Object, x.Segments[i].Offset = i, p.Size-int64(h.StoredBytes)
		x.Objects = append(x.Objects, catalog.NewIndexObject(p.SegmentRef))
	}
	return k.putIndex(ctx, x)
}

// index is that of the file with its objects left out.
func (c *closed) index() *catalog.Index {
	x := &catalog.Index{Timeline: c.timeline, File: c.file, End: c.end, SHA256: c.last.SHA256End}
	open := c.openXA
	for _, h := range c.headers {
		x.Segments = append(x.Segments, catalog.IndexSegment{Header: h, OpenXAAtStart: open})
		open = h.OpenXA
	}
	return x
}

func (k *keeper) putIndex(ctx context.Context, x *catalog.Index) error {
	if err := k.tenure.check(ctx); err != nil {
		return err
	}
	x.Written = binlog.TimeOf(k.config.now())
	if err := k.config.Catalog.PutIndex(ctx, k.config.Instance, x); err != nil {
		return err
	}
	k.config.Log.Debug("indexed a closed binlog file", "file", x.File, "segments", len(x.Segments))
	failpoint.Inject("indexed", nil)
	return nil
}

// look reads the frames of a closed file's segments, and what is in those of earlier versions.
// Nil where the file is not whole.
func (k *keeper) look(ctx context.Context, f closedFile) (*closed, error) {
	refs, err := k.config.Catalog.Segments(ctx, k.config.Instance, f.timeline, f.name, 0)
	if err != nil {
		return nil, err
	}
	l := layout{timeline: f.timeline, file: f.name}
	l.parts, l.end = smallest(refs)
	if len(l.parts) == 0 {
		return nil, nil
	}
	c := &closed{layout: l}
	if len(l.parts) <= k.config.timing.headersHeld {
		if c.headers, err = k.reader.headers(ctx, l.parts); err != nil {
			return nil, err
		}
	}
	if c.first, err = k.header(ctx, c, 0); err != nil {
		return nil, err
	}
	if c.last, err = k.header(ctx, c, len(l.parts)-1); err != nil {
		return nil, err
	}
	end := &tip{header: c.last}
	holes, err := k.config.Catalog.Holes(ctx, k.config.Instance)
	if err != nil {
		return nil, err
	}
	if _, atHole := holeAt(holes, end.end()); !atHole {
		if _, ok, err := k.reader.following(ctx, end, k.reader.layout); err != nil || !ok {
			return nil, err
		}
	}
	if c.openXA, err = k.reader.openBefore(ctx, &c.first); err != nil {
		return nil, err
	}
	return c, k.fillContents(ctx, c)
}

// header returns that of part i.
func (k *keeper) header(ctx context.Context, c *closed, i int) (segment.Header, error) {
	if c.headers != nil {
		return c.headers[i], nil
	}
	return k.reader.header(ctx, c.parts[i])
}

// smallest takes the segments that were written first where large ones are there too, as a writer
// leaves them that was killed.
func smallest(refs []catalog.SegmentRef) (parts []part, end uint64) {
	whole, wholeEnd := longest(refs)
	for _, ref := range refs { // by start, then by end
		if ref.Start == end {
			parts, end = append(parts, part{SegmentRef: ref, from: end}), ref.End
		}
	}
	if end < wholeEnd || len(parts) < len(whole) { // some of them have gone
		return whole, wholeEnd
	}
	return parts, end
}

// fillContents reads the events of a file whose segments do not all say what is in them. Where there
// are too many of these it stays unknown, and nobody leaves them out.
func (k *keeper) fillContents(ctx context.Context, c *closed) error {
	unknown := false
	for i := range c.headers {
		unknown = unknown || c.headers[i].Content == nil
	}
	if !unknown {
		return nil
	}
	facts := k.config.Server.Facts()
	source := limit.Source{LowerCaseTableNames: facts.LowerCaseTableNames, Flavor: facts.Flavor, Version: facts.Version}
	statements := limit.NewCollector(source, nil)
	var open segment.Content
	asm := event.NewAssembler(c.timeline, event.WithoutRowCounts())
	asm.OnBegin(func(*event.Entry) error { statements.Begin(); return nil })
	asm.OnRows(func(_ *event.Entry, rows *event.Rows) error { addRows(&open, rows, source); return nil })
	asm.OnQuery(func(e *event.Entry, q *event.Query) error { addStatement(&open, e, statements.Query(e, q)); return nil })
	contents := make([]segment.Content, len(c.headers))
	at := 0
	for e, err := range k.reader.Events(ctx, c.position(0)) {
		if err != nil {
			return err
		}
		if event.Type(e.Raw[4]) == event.TypeFormatDescription && e.Pos == binlog.FirstOffset {
			c.headers[0].Format = append([]byte(nil), e.Raw...)
		}
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if entry != nil {
			// The earliest versions wrote no limits: whoever wants to know has to read.
			open.More = open.More || len(statements.End(entry)) > 0 && len(c.headers[at].Limits) == 0
			addEntry(&open, entry)
		}
		end := e.End().Pos
		if asm.AtBoundary() || end >= c.headers[at].End {
			contents[at].Add(&open)
			open = segment.Content{}
		}
		if end >= c.headers[at].End {
			at++
		}
		if end >= c.end {
			break // what comes behind it may be a hole
		}
	}
	for i := range c.headers {
		c.headers[i].Content = &contents[i]
	}
	return nil
}
