package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/storage/catalog"
)

// resolveStop turns the wish into a position. GTIDs in the floors of the backups count as
// applied, though the archive may not hold them.
func resolveStop(ctx context.Context, r *archive.Reader, manifests []*catalog.Manifest, stop binlog.StopPoint) (binlog.Point, error) {
	var applied binlog.GTIDSet
	for _, m := range manifests {
		set, err := binlog.ParseGTIDSet(m.Floor.GTIDSet)
		if err != nil {
			return binlog.Point{}, fmt.Errorf("backup %s: floor: %w", m.ID, err)
		}
		applied.AddSet(set)
	}
	return r.Resolve(ctx, stop, applied)
}

// tellEvery is after how many events the place is told to whoever watches.
const tellEvery = 256

// span is the part of the log that a walk goes over: between two boundaries between entries.
type span struct {
	from, stop binlog.Position
	openXA     []catalog.OpenXA // that the manifest knows to be prepared at from
	kept       int              // bytes of prepared XA transactions that may be kept
}

// spanOf is that of a restore with a backup.
func spanOf(m *catalog.Manifest, stop binlog.Position) span {
	return span{from: m.Floor.Position, stop: stop, openXA: m.OpenXA, kept: keptXA}
}

// walk tells the hooks of the entries of a part of the log and returns how many bytes they are. The
// units of the archive of which skip, which is asked of each, says that nothing in them is needed are
// counted and not read.
func walk(ctx context.Context, r *archive.Reader, s span, phase progress.Phase, skip func(*archive.Unit) bool, h hooks) (bytes uint64, err error) {
	from, stop := s.from, s.stop
	assembly, err := newAssembly(ctx, r, from, s.openXA, s.kept, h)
	if err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	a := assembly.assembler
	reached := from
	needed := archive.Skip(func(u *archive.Unit) bool {
		u.Whole = u.Whole && !stop.Before(u.EndPosition())
		return skip(u)
	})
	events := 0
	for e, err := range r.Events(ctx, from, needed, archive.WholeEntries()) {
		if err != nil {
			return bytes, fmt.Errorf("read the archive: %w", err)
		}
		if events%tellEvery == 0 {
			phase.Doing(e.Position.String())
		}
		events++
		if e.Skipped > 0 {
			reached = binlog.Later(reached, e.End())
			bytes += e.Skipped
			phase.Add(progress.Amount{Bytes: int64(e.Skipped)})
			if stop.AtOrBefore(e.End()) {
				return bytes, nil
			}
			continue
		}
		if a.AtBoundary() && stop.AtOrBefore(e.Position) {
			return bytes, nil
		}
		if err := assembly.add(ctx, e); err != nil {
			return bytes, err
		}
		reached = binlog.Later(reached, e.End())
		bytes += uint64(len(e.Raw))
		phase.Add(progress.Amount{Bytes: int64(len(e.Raw))})
		if a.AtBoundary() && stop.AtOrBefore(e.End()) {
			return bytes, nil // what comes next may be a hole
		}
	}
	if !a.AtBoundary() || reached.Before(stop) {
		return bytes, fault.New(fault.CodeRange, fault.KindHole, "run tripod list: it shows how far the archive reaches",
			"the archive ends at %s, before the stop point %s", reached, stop)
	}
	return bytes, nil
}
