package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
)

// Resolve returns the position of a stop point: behind the last entry that is applied. applied
// are GTIDs that count as applied though the archive does not hold them: those of a backup's
// lows. Faults: 12 with an OutsideError for a stop point outside the archive; 2 for a file that
// several timelines have.
func (r *Reader) Resolve(ctx context.Context, stop binlog.StopPoint, applied binlog.GTIDSet) (binlog.Point, error) {
	line, err := r.Line(ctx)
	if err != nil {
		return binlog.Point{}, err
	}
	if len(line) == 0 {
		return binlog.Point{}, rangeFault(line, "%s cannot be found", stop)
	}
	switch stop.Kind {
	case binlog.StopTime:
		return r.resolveTime(ctx, line, stop.Time)
	case binlog.StopGTID:
		return r.resolveGTIDs(ctx, line, stop.GTIDs, applied)
	case binlog.StopBeforeGTID:
		return r.resolveBefore(ctx, line, stop.GTIDs)
	case binlog.StopPosition:
		return r.resolvePosition(ctx, line, stop.Position)
	case binlog.StopEnd:
		return line[len(line)-1].To, nil
	}
	return binlog.Point{}, fmt.Errorf("resolve a stop point: unknown kind %d", int(stop.Kind))
}

// resolveTime finds the first entry, in archive order, that was committed later than t.
func (r *Reader) resolveTime(ctx context.Context, line []Stretch, t binlog.Time) (binlog.Point, error) {
	for i, s := range line {
		found, ok, err := r.firstLater(ctx, s, t)
		switch {
		case err != nil:
			return binlog.Point{}, err
		case ok && !found.first:
			return found.Point, nil
		case ok && i == 0 && t >= found.began:
			return found.Point, nil // the archive is older than its first entry
		case ok && i == 0:
			return binlog.Point{}, rangeFault(line, "%s is before the archive's beginning", t)
		case ok:
			return binlog.Point{}, holeFault(*line[i-1].Hole) // everything before the hole is earlier, and later than its as_of
		case t <= s.AsOf:
			return s.To, nil
		}
	}
	last := line[len(line)-1]
	return binlog.Point{}, rangeFault(line, "%s is later than what is archived, which is as of %s", t, last.AsOf)
}

// later is where the first entry that is too late begins.
type later struct {
	binlog.Point
	first bool        // there is none before it in the stretch
	began binlog.Time // when the stretch's first file was begun, in whole seconds
}

func (r *Reader) firstLater(ctx context.Context, s Stretch, t binlog.Time) (later, bool, error) {
	before, last := false, binlog.Time(0)
	for i, file := range s.files {
		f, err := r.read(ctx, s, file)
		if err != nil {
			return later{}, false, err
		}
		found := later{}
		if i == 0 {
			const microseconds = 1_000_000
			found.began = binlog.Time(f.headers[0].FormatTime) * microseconds
		}
		for n, h := range f.headers {
			p, is, err := r.laterIn(ctx, s, i, f, n, t, last)
			if err != nil {
				return later{}, false, err
			}
			if !is {
				before = before || h.Entries > 0
				if h.LastCommit != 0 {
					last = h.LastCommit
				}
				continue
			}
			found.Point, found.first = withLastCommit(p.before, last), !before && !p.hasBefore
			return found, true, nil
		}
	}
	return later{}, false, nil
}

// withLastCommit is a point whose last commit, where its own file tells none, was that of the files before.
func withLastCommit(p binlog.Point, last binlog.Time) binlog.Point {
	if p.Time == 0 {
		p.Time = last
	}
	return p
}

// resolveGTIDs finds the last entry, in archive order, of a set.
func (r *Reader) resolveGTIDs(ctx context.Context, line []Stretch, set, applied binlog.GTIDSet) (binlog.Point, error) {
	begin, err := binlog.ParseGTIDSet(line[0].From.GTIDSet)
	if err != nil {
		return binlog.Point{}, err
	}
	missing, last := set.Minus(begin).Minus(applied), -1
	for i, s := range line {
		held, err := s.gtids()
		if err != nil {
			return binlog.Point{}, err
		}
		// Those of the lows too, where the archive holds them: an older backup may serve them.
		if left := set.Minus(held); !left.Equal(set) {
			last = i
		}
		missing = missing.Minus(held)
	}
	switch {
	case !missing.IsEmpty():
		return binlog.Point{}, rangeFault(line, "the GTIDs %s are nowhere", missing)
	case last < 0:
		return binlog.Point{}, rangeFault(line, "the GTIDs %s lie before everything that is archived", set)
	}
	s := line[last]
	for _, file := range slices.Backward(s.files) {
		f, err := r.read(ctx, s, file)
		if err != nil {
			return binlog.Point{}, err
		}
		for n := range slices.Backward(f.headers) {
			gtids := f.gtids(n)
			if set.Minus(gtids).Equal(set) {
				continue
			}
			rest := set.Minus(set.Minus(gtids))
			p, err := r.entries(ctx, f, n, func(e entryAt) bool {
				rest = rest.Minus(single(e.gtid))
				return rest.IsEmpty()
			})
			return p.after, err
		}
	}
	return binlog.Point{}, r.missingAt(s.From.Position)
}

// gtids returns those of the entries in the stretch.
func (s Stretch) gtids() (binlog.GTIDSet, error) {
	from, err := binlog.ParseGTIDSet(s.From.GTIDSet)
	if err != nil {
		return binlog.GTIDSet{}, err
	}
	to, err := binlog.ParseGTIDSet(s.To.GTIDSet)
	return to.Minus(from), err
}

func single(g binlog.GTID) binlog.GTIDSet {
	var s binlog.GTIDSet
	s.Add(g)
	return s
}

// resolveBefore finds where the entry of a GTID begins.
func (r *Reader) resolveBefore(ctx context.Context, line []Stretch, set binlog.GTIDSet) (binlog.Point, error) {
	g, ok := set.Single()
	if !ok {
		return binlog.Point{}, fault.New(fault.CodeUsage, fault.KindUsage, "name one GTID with --before-gtid", "%s is not one GTID", set)
	}
	for _, s := range line {
		held, err := s.gtids()
		if err != nil {
			return binlog.Point{}, err
		}
		if !held.Contains(g) {
			continue
		}
		last := binlog.Time(0)
		for _, file := range s.files {
			f, err := r.read(ctx, s, file)
			if err != nil {
				return binlog.Point{}, err
			}
			for n, h := range f.headers {
				if h.GTIDs.Contains(g) {
					p, err := r.entries(ctx, f, n, func(e entryAt) bool { return e.gtid == g })
					return withLastCommit(p.before, last), err
				}
				if h.LastCommit != 0 {
					last = h.LastCommit
				}
			}
		}
	}
	return binlog.Point{}, rangeFault(line, "the GTID %s is nowhere", g)
}

// resolvePosition finds the last boundary between entries at or before a position.
func (r *Reader) resolvePosition(ctx context.Context, line []Stretch, p binlog.Position) (binlog.Point, error) {
	if p.Timeline == "" {
		timeline, err := uniqueTimeline(line, p.File)
		if err != nil {
			return binlog.Point{}, err
		}
		p.Timeline = timeline
	}
	s, ok := stretchOf(line, p)
	if !ok {
		return binlog.Point{}, rangeFault(line, "the file of %s is not archived", p)
	}
	f, err := r.read(ctx, s, p.File)
	if err != nil {
		return binlog.Point{}, err
	}
	if p.Pos > f.end {
		return binlog.Point{}, rangeFault(line, "%s lies behind the %d bytes that are archived of the file", p, f.end)
	}
	n := len(f.headers) - 1
	for n > 0 && f.parts[n].from >= p.Pos {
		n--
	}
	found, err := r.entries(ctx, f, n, func(e entryAt) bool { return e.end > p.Pos })
	return found.before, err
}

// uniqueTimeline returns the only timeline that has a file.
func uniqueTimeline(line []Stretch, file string) (binlog.Timeline, error) {
	var has []binlog.Timeline
	for _, s := range line {
		if slices.Contains(s.files, file) && !slices.Contains(has, s.From.Timeline) {
			has = append(has, s.From.Timeline)
		}
	}
	switch len(has) {
	case 1:
		return has[0], nil
	case 0:
		return "", rangeFault(line, "the file %s is not archived", file)
	}
	return "", fault.New(fault.CodeUsage, fault.KindUsage, fmt.Sprintf("name the timeline: --to-position %s/%s:POS", has[len(has)-1], file),
		"the file %s is in the timelines %v", file, has)
}
