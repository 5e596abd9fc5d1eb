package pitr

import (
	"cmp"
	"context"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Range is a part of the archive in which a restore of everything serves every stop point.
type Range struct {
	From binlog.Point `json:"from"`
	To   binlog.Point `json:"to"`
	// AsOf is the source's clock up to which To is good; 0 where something else than the archive's
	// end, or a hole, ends the range.
	AsOf binlog.Time `json:"-"`
}

// RangeEnd is where the range of one table ends for some backups, which serve every other table
// behind it with --exclude.
type RangeEnd struct {
	// Name is "*"."*" where it may be any table.
	schema.Name
	Position binlog.Point `json:"position"`
	Reason   string       `json:"reason"`
	Backups  []string     `json:"backups"`
}

// Recoverable says which stop points the backups serve, and where tables end. Nothing in it
// promises what a restore refuses, as far as the archive's limits tell: segments of earlier
// versions tell nothing.
func Recoverable(ctx context.Context, r *archive.Reader, manifests []*catalog.Manifest, line []archive.Stretch) ([]Range, []RangeEnd, error) {
	limits, err := r.Limits(ctx, line)
	if err != nil {
		return nil, nil, err
	}
	return recoverable(manifests, line, limits)
}

// recoverable is pure. Manifests come oldest first.
func recoverable(manifests []*catalog.Manifest, line []archive.Stretch, limits []archive.Limited) (ranges []Range, ends []RangeEnd, err error) {
	for _, s := range line {
		var reaching []reach
		for i, m := range manifests {
			from := m.RecoverableFrom.Position
			if from.Timeline != s.To.Timeline || from.Before(s.From.Position) || s.To.Position.Before(from) {
				continue
			}
			b := reach{number: i, from: m.RecoverableFrom, to: s.To, asOf: s.AsOf}
			if err := b.limit(m, s, limits, &ends); err != nil {
				return nil, nil, err
			}
			reaching = append(reaching, b)
		}
		ranges = append(ranges, joined(reaching)...)
	}
	slices.SortStableFunc(ends, func(a, b RangeEnd) int {
		return cmp.Or(cmp.Compare(a.Position.Timeline, b.Position.Timeline), binlog.CompareFiles(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Pos, b.Position.Pos), a.Compare(b.Name))
	})
	return ranges, ends, nil
}

// reach is how far one backup serves stop points in its stretch.
type reach struct {
	number   int // of the backup: a restore takes the highest that is early enough
	from, to binlog.Point
	asOf     binlog.Time
}

// limit ends the reach at the first limit that holds for the backup, and notes those of its tables.
func (b *reach) limit(m *catalog.Manifest, s archive.Stretch, limits []archive.Limited, ends *[]RangeEnd) error {
	var d *director.Director
	met := map[schema.Name]bool{}
	for _, l := range limits {
		at := l.At
		if at.Timeline != m.Floor.Timeline || at.Before(s.From.Position) || !at.Before(s.To.Position) || l.Last.Before(m.Floor.Position) {
			continue
		}
		if d == nil { // most backups need none
			var err error
			if d, err = director.New(m, director.Scope{}, nil); err != nil {
				return err
			}
		}
		tables, every := d.Ended(at.Position, l.Limit)
		if len(tables) == 0 && l.Last != at.Position {
			// One of the entries that it stands for ends the range, nobody knows which.
			if tables, every = d.Ended(l.Last, l.Limit); at.Before(b.from.Position) {
				at = b.from
			}
		}
		if len(tables) == 0 {
			continue
		}
		if at.Before(b.to.Position) {
			b.to, b.asOf = at, 0
		}
		if every {
			tables = []schema.Name{archive.EveryTable}
		}
		for _, n := range tables {
			if !met[n] && !met[archive.EveryTable] {
				met[n] = true
				noteEnd(ends, RangeEnd{Name: n, Position: at, Reason: limit.Describe(l.Limit), Backups: []string{m.ID}})
			}
		}
	}
	return nil
}

// noteEnd adds an end, or the backup to one that is there.
func noteEnd(ends *[]RangeEnd, e RangeEnd) {
	for i := range *ends {
		o := &(*ends)[i]
		if o.Name == e.Name && o.Position.Position == e.Position.Position {
			o.Backups = append(o.Backups, e.Backups...)
			return
		}
	}
	*ends = append(*ends, e)
}

// joined are the ranges of one stretch: at every stop point what the backup serves that a restore
// would choose there.
func joined(reaching []reach) (ranges []Range) {
	slices.SortStableFunc(reaching, func(a, b reach) int { return a.from.Compare(b.from.Position) })
	for i, b := range reaching {
		chosen := slices.MaxFunc(reaching[:i+1], func(a, b reach) int { return cmp.Compare(a.number, b.number) })
		to, asOf := chosen.to, chosen.asOf
		if i+1 < len(reaching) && reaching[i+1].from.Before(to.Position) {
			to, asOf = reaching[i+1].from, 0
		}
		if to.Before(b.from.Position) {
			// The range so far was to end where this backup begins, which does not serve even that.
			if n := len(ranges); n > 0 && ranges[n-1].To.Position == b.from.Position {
				if ranges[n-1].To = to; to.Before(ranges[n-1].From.Position) {
					ranges = ranges[:n-1]
				}
			}
			continue
		}
		if n := len(ranges); n > 0 && b.from.AtOrBefore(ranges[n-1].To.Position) {
			ranges[n-1].To, ranges[n-1].AsOf = to, asOf
			continue
		}
		ranges = append(ranges, Range{From: b.from, To: to, AsOf: asOf})
	}
	return ranges
}
