package pitr

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// choose returns the backup that serves a stop point: the newest whose recoverable_from is at
// or before it; with a wish for one backup, that one or none. It is pure; manifests come oldest
// first. Positions of another timeline than the stop point's have no order to it (W5): such
// backups do not serve it.
func choose(manifests []*catalog.Manifest, backup string, stop binlog.Position) (*catalog.Manifest, error) {
	var seen []string
	for i := len(manifests) - 1; i >= 0; i-- {
		m := manifests[i]
		if backup != "" && m.ID != backup {
			continue
		}
		from := m.RecoverableFrom.Position
		if from.Timeline == stop.Timeline && from.AtOrBefore(stop) {
			return m, nil
		}
		seen = append(seen, fmt.Sprintf("%s from %s", m.ID, describePoint(m.RecoverableFrom)))
	}
	switch {
	case backup != "" && len(seen) > 0:
		return nil, fault.New(fault.CodeRange, fault.KindRange, "ask for a later point, or let tripod choose the backup",
			"backup %s cannot be restored to %s: it serves points from %s on", backup, stop, seen[0][strings.Index(seen[0], " from ")+len(" from "):])
	case len(seen) == 0:
		return nil, fault.New(fault.CodeRange, fault.KindRange, "take a backup with tripod backup", "the instance has no backup")
	}
	return nil, fault.New(fault.CodeRange, fault.KindRange, "ask for a later point",
		"no backup serves %s; recoverable are: %s", stop, strings.Join(seen, "; "))
}

// describePoint prints a point with its time where that is known.
func describePoint(p binlog.Point) string {
	if p.Time == 0 {
		return p.String()
	}
	return p.String() + " (" + p.Time.String() + ")"
}
