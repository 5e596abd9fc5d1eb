package pitr

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/storage/catalog"
)

// choose returns the backup that serves a stop point: the newest whose recoverable_from is at
// or before it, and one that does not hold all of the instance only where no other does; with a wish
// for one backup, that one; nil for none. It is pure; manifests come
// oldest first. Positions of another timeline than the stop point's have no order to it (W5): such
// backups do not serve it.
func choose(manifests []*catalog.Manifest, backup string, stop binlog.Position) *catalog.Manifest {
	var partial *catalog.Manifest
	for i := len(manifests) - 1; i >= 0; i-- {
		m := manifests[i]
		if backup != "" && m.ID != backup {
			continue
		}
		from := m.RecoverableFrom.Position
		switch {
		case from.Timeline != stop.Timeline || stop.Before(from):
		case m.Whole() || backup != "":
			return m
		case partial == nil:
			partial = m
		}
	}
	return partial
}

// settle resolves the stop point and chooses the backup that serves it. Where there is none the
// fault (12) says what can be recovered, which is less than what is archived.
func settle(ctx context.Context, r *archive.Reader, manifests []*catalog.Manifest, w Wish, phase progress.Phase) (binlog.Point, *catalog.Manifest, *director.Part, error) {
	stop, err := resolveStop(ctx, r, manifests, w.Stop)
	var outside *archive.OutsideError
	if errors.As(err, &outside) {
		return stop, nil, nil, rangeFault(ctx, r, w, manifests, outside.Line, outside.Err)
	}
	if err != nil {
		return stop, nil, nil, err
	}
	if w.scope().IsPart() {
		m, p, err := choosePart(ctx, r, manifests, w, stop.Position, phase)
		if m != nil || err != nil {
			return stop, m, p, err
		}
	} else if m := choose(manifests, w.Backup, stop.Position); m != nil {
		return stop, m, nil, nil
	}
	line, err := r.Line(ctx)
	if err != nil {
		return stop, nil, nil, err
	}
	if w.Backup != "" {
		return stop, nil, nil, rangeFault(ctx, r, w, manifests, line, fmt.Errorf("backup %s does not reach back to %s, which is %s", w.Backup, w.Stop, stop.Position))
	}
	return stop, nil, nil, rangeFault(ctx, r, w, manifests, line, fmt.Errorf("no backup reaches back to %s, which is %s", w.Stop, stop.Position))
}

// choosePart returns the newest backup that serves a part, with what the part is there: a table
// alone may be had from a backup that was not yet complete at the stop point, and one that was made
// without the table, or without what it descends from, does not serve it. Where none does, the
// fault is the newest's.
func choosePart(ctx context.Context, r *archive.Reader, manifests []*catalog.Manifest, w Wish, stop binlog.Position, phase progress.Phase) (*catalog.Manifest, *director.Part, error) {
	var first error
	candidates, err := director.ByWhatTheyHold(manifests, w.Selection)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range candidates {
		whole := m.RecoverableFrom.Position
		if w.Backup != "" && m.ID != w.Backup || m.Floor.Timeline != stop.Timeline || stop.Before(m.Floor.Position) {
			continue
		}
		// Of a backup that does not serve everything nothing is promised, so no hole behind it counts.
		late := whole.Timeline != stop.Timeline || stop.Before(whole)
		if err := r.Covers(ctx, m.Floor.Position, stop); err != nil {
			if late {
				continue
			}
			return nil, nil, err
		}
		p, err := surveyPart(ctx, r, m, w, stop, phase)
		switch {
		case err == nil && p.From.AtOrBefore(stop):
			return m, p, nil
		case err == nil:
		case fault.Of(err).Kind == fault.KindStatement || fault.Of(err).Kind == fault.KindRange || fault.Of(err).Kind == fault.KindUsage:
			if first == nil && !late {
				first = err
			}
		default:
			return nil, nil, err
		}
	}
	return nil, nil, first
}

// rangeFault is the fault of a stop point that cannot be had; it says which can.
func rangeFault(ctx context.Context, r *archive.Reader, w Wish, manifests []*catalog.Manifest, line []archive.Stretch, cause error) error {
	list, _, err := Recoverable(ctx, r, manifests, line)
	if err != nil {
		return err
	}
	return outsideFault(w, list, cause)
}

func outsideFault(w Wish, list []Range, cause error) error {
	hint, with := "choose a stop point inside of what can be recovered; tripod list shows it", ""
	if w.Backup != "" {
		hint, with = "choose a stop point inside of what can be recovered, or leave --backup out", "with backup "+w.Backup+" "
	}
	var ranges []string
	for _, r := range list {
		ranges = append(ranges, r.String())
	}
	if len(ranges) == 0 {
		hint, ranges = "take a new backup with tripod backup", []string{"nothing: no backup reaches into what is archived"}
	}
	return fault.New(fault.CodeRange, fault.KindRange, hint, "%w; %srecoverable is %s", cause, with, strings.Join(ranges, ", and "))
}

// String prints from where to where stop points can be had.
func (r Range) String() string {
	text := describePoint(r.From) + " to " + describePoint(r.To)
	if r.AsOf != 0 {
		text += ", complete as of " + r.AsOf.String()
	}
	return text
}

// describePoint prints a point with its time where that is known.
func describePoint(p binlog.Point) string {
	if p.Time == 0 {
		return p.String()
	}
	return p.String() + " (" + p.Time.String() + ")"
}
