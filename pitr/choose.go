package pitr

import (
	"context"
	"errors"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// choose returns the backup that serves a stop point: the newest whose recoverable_from is at
// or before it; with a wish for one backup, that one; nil for none. It is pure; manifests come
// oldest first. Positions of another timeline than the stop point's have no order to it (W5): such
// backups do not serve it.
func choose(manifests []*catalog.Manifest, backup string, stop binlog.Position) *catalog.Manifest {
	for i := len(manifests) - 1; i >= 0; i-- {
		m := manifests[i]
		if backup != "" && m.ID != backup {
			continue
		}
		from := m.RecoverableFrom.Position
		if from.Timeline == stop.Timeline && from.AtOrBefore(stop) {
			return m
		}
	}
	return nil
}

// settle resolves the stop point and chooses the backup that serves it. Where there is none the
// fault (12) says what can be recovered, which is less than what is archived.
func settle(ctx context.Context, r *archive.Reader, manifests []*catalog.Manifest, w Wish) (binlog.Point, *catalog.Manifest, error) {
	stop, err := resolveStop(ctx, r, manifests, w.Stop)
	var outside *archive.OutsideError
	if errors.As(err, &outside) {
		return stop, nil, rangeFault(w, manifests, outside.Line, "%w", outside.Err)
	}
	if err != nil {
		return stop, nil, err
	}
	if m := choose(manifests, w.Backup, stop.Position); m != nil {
		return stop, m, nil
	}
	line, err := r.Line(ctx)
	if err != nil {
		return stop, nil, err
	}
	if w.Backup != "" {
		return stop, nil, rangeFault(w, manifests, line, "backup %s does not reach back to %s, which is %s", w.Backup, w.Stop, stop.Position)
	}
	return stop, nil, rangeFault(w, manifests, line, "no backup reaches back to %s, which is %s", w.Stop, stop.Position)
}

// rangeFault is the fault of a stop point that cannot be had; it says which can.
func rangeFault(w Wish, manifests []*catalog.Manifest, line []archive.Stretch, format string, args ...any) error {
	hint, with := "choose a stop point inside of what can be recovered; tripod list shows it", ""
	if w.Backup != "" {
		hint, with = "choose a stop point inside of what can be recovered, or leave --backup out", "with backup "+w.Backup+" "
	}
	ranges := recoverable(manifests, line)
	if len(ranges) == 0 {
		hint, ranges = "take a new backup with tripod backup", []string{"nothing: no backup reaches into what is archived"}
	}
	args = append(args, with, strings.Join(ranges, ", and "))
	return fault.New(fault.CodeRange, fault.KindRange, hint, format+"; %srecoverable is %s", args...)
}

// recoverable describes, for each stretch of the archive that a backup reaches, from where to
// where stop points can be had.
func recoverable(manifests []*catalog.Manifest, line []archive.Stretch) (ranges []string) {
	for _, s := range line {
		var first *catalog.Manifest
		for _, m := range manifests {
			from := m.RecoverableFrom.Position
			inside := from.Timeline == s.To.Timeline && s.From.Position.AtOrBefore(from) && from.AtOrBefore(s.To.Position)
			if inside && (first == nil || from.Before(first.RecoverableFrom.Position)) {
				first = m
			}
		}
		if first == nil {
			continue
		}
		text := describePoint(first.RecoverableFrom) + " to " + describePoint(s.To)
		if s.AsOf != 0 {
			text += ", complete as of " + s.AsOf.String()
		}
		ranges = append(ranges, text)
	}
	return ranges
}

// describePoint prints a point with its time where that is known.
func describePoint(p binlog.Point) string {
	if p.Time == 0 {
		return p.String()
	}
	return p.String() + " (" + p.Time.String() + ")"
}
