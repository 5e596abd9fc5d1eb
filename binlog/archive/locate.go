package archive

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
)

// fileRead is one file of a stretch with the headers of its parts.
type fileRead struct {
	layout
	headers []segment.Header
}

// read fetches the headers of a file. Of the stretch's last file nothing is taken that lies
// behind the stretch's end, of the others nothing may be missing at their end.
func (r *Reader) read(ctx context.Context, s Stretch, file string) (f *fileRead, err error) {
	err = again(func() error {
		f, err = r.readOnce(ctx, s, file)
		return err
	})
	return f, err
}

func (r *Reader) readOnce(ctx context.Context, s Stretch, file string) (*fileRead, error) {
	l, err := r.layout(ctx, s.From.Timeline, file)
	if err != nil {
		return nil, err
	}
	f := &fileRead{layout: l}
	if file == s.bytes.File {
		if l.end < s.bytes.Pos {
			return nil, r.missingAt(l.position(l.end))
		}
		for len(f.parts) > 0 && f.parts[len(f.parts)-1].from >= s.bytes.Pos {
			f.parts = f.parts[:len(f.parts)-1]
		}
	}
	if len(f.parts) == 0 {
		return nil, r.missingAt(l.position(0))
	}
	f.end = min(f.end, f.parts[len(f.parts)-1].End)
	f.headers, err = r.headers(ctx, f.parts)
	return f, err
}

// entryAt is what a search looks at of an entry.
type entryAt struct {
	gtid   binlog.GTID
	commit binlog.Time
	end    uint64
	// fromHeader: commit is the header's time, which a session may have set.
	fromHeader bool
}

// found is the place of an entry that was searched for.
type found struct {
	before, after binlog.Point // the entry's start and end
	hasBefore     bool         // the searched part has an entry before it
}

// entries walks over the entries that end in part n of a file until match is true of one, and
// returns the places around it; without a match both are behind the part's last entry.
func (r *Reader) entries(ctx context.Context, f *fileRead, n int, match func(entryAt) bool) (found, error) {
	at, set := f.before(n)
	out := found{before: at, after: at}
	asm := event.NewAssembler(f.timeline, event.WithoutRowCounts())
	for e, err := range r.Events(ctx, at.Position) {
		if err != nil {
			return found{}, err
		}
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			return found{}, fmt.Errorf("read the archive: %w", err)
		}
		last := e.End().Pos >= f.headers[n].End // what comes behind the part may be a hole
		if entry == nil {
			if last {
				break
			}
			continue
		}
		out.before = binlog.Point{Position: entry.Start, GTIDSet: out.after.GTIDSet, Time: out.after.Time}
		set.Add(entry.GTID)
		out.after = binlog.Point{Position: entry.End, GTIDSet: set.String(), Time: commitTime(entry)}
		if match(entryAt{gtid: entry.GTID, commit: commitTime(entry), end: entry.End.Pos, fromHeader: entry.CommitTime == 0}) {
			return out, nil
		}
		out.hasBefore = true
		if last {
			break
		}
	}
	out.before = out.after
	return out, nil
}

// gtids returns those of the entries that end in part n: what it holds of the parts before, where
// it overlaps them, ends in these.
func (f *fileRead) gtids(n int) binlog.GTIDSet {
	set := f.headers[n].GTIDs
	if f.parts[n].from == f.headers[n].Start {
		return set
	}
	for _, h := range f.headers[:n] {
		set = set.Minus(h.GTIDs)
	}
	return set
}

// before returns the last boundary at or before the start of part n, with what was executed there.
func (f *fileRead) before(n int) (binlog.Point, binlog.GTIDSet) {
	var set binlog.GTIDSet
	p := binlog.Point{Position: f.position(binlog.FirstOffset)}
	for i, h := range f.headers[:n+1] {
		if h.PreviousGTIDs != nil {
			set.AddSet(*h.PreviousGTIDs)
		}
		if i == n {
			break
		}
		set.AddSet(h.GTIDs)
		if h.LastCommit != 0 {
			p.Time = h.LastCommit
		}
		p.Pos = max(h.Boundary, binlog.FirstOffset)
	}
	p.GTIDSet = set.String()
	return p, set
}
