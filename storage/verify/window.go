package verify

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// need is a part of the log that a backup cannot be restored without (W4).
type need struct {
	manifest string // key
	id       string
	from, to binlog.Position
}

// needsOf returns what a backup needs: from its floor, or the oldest prepare that was open there,
// to the highest high of all that was read. It tells what a manifest contradicts itself in.
func needsOf(m *catalog.Manifest, tell func(...Problem)) []need {
	n := need{manifest: catalog.ManifestKey(m.Instance, m.ID), id: m.ID, from: m.Floor.Position, to: m.End.Position}
	wrong := func(format string, args ...any) {
		tell(Problem{Object: n.manifest, Kind: Window, Detail: fmt.Sprintf(format, args...)})
	}
	if n.from.IsZero() || n.to.IsZero() {
		wrong("it does not say which part of the log the backup needs")
		return nil
	}
	for _, w := range windowsOf(m) {
		// Positions of other timelines have no order to these (W5).
		if high := w.High; high.Timeline == n.to.Timeline && n.to.Before(high) {
			n.to = high
		}
	}
	for _, x := range m.OpenXA {
		if x.Prepare.Timeline == n.from.Timeline && x.Prepare.Before(n.from) {
			n.from = x.Prepare
		}
	}
	from := m.RecoverableFrom.Position
	switch {
	case n.to.Timeline != n.from.Timeline || from.Timeline != n.from.Timeline:
	case n.to.Before(n.from):
		wrong("its end %s lies before its floor %s", n.to, n.from)
		return nil
	case from.Before(m.Floor.Position) || n.to.Before(from):
		wrong("recoverable_from %s lies outside of %s to %s", from, m.Floor.Position, n.to)
	}
	return []need{n}
}

// windowsOf returns every window in a manifest.
func windowsOf(m *catalog.Manifest) []binlog.Window {
	var list []binlog.Window
	for i := range m.Names {
		list = append(list, m.Names[i].Statements, m.Names[i].Definition, m.Names[i].Rows)
	}
	for i := range m.Schemas {
		list = append(list, m.Schemas[i].Window)
	}
	for i := range m.Objects {
		list = append(list, m.Objects[i].Window)
	}
	if m.Accounts != nil {
		list = append(list, m.Accounts.Window)
	}
	return list
}

// need tells whether the archive covers what a backup needs.
func (a *archiveLook) need(n need) {
	if n.from.Timeline != n.to.Timeline {
		return // the line of history that leads from one to the other is not known here (W5)
	}
	lacks := func(format string, args ...any) {
		a.note(n.manifest, Window, fmt.Sprintf("the backup needs the log from %s to %s, and %s", n.from, n.to, fmt.Sprintf(format, args...)))
	}
	for _, h := range a.holes {
		if h.From.Timeline == n.from.Timeline && n.from.AtOrBefore(h.From) && h.From.Before(n.to) {
			lacks("there is a hole at %s", h.From)
			return
		}
	}
	view := a.timelines[n.from.Timeline]
	if view == nil {
		lacks("nothing of that timeline is archived")
		return
	}
	first, last := view.file(n.from.File), view.file(n.to.File)
	switch {
	case first == nil || first.end < n.from.Pos:
		lacks("the archive does not hold its beginning")
	case last == nil || last.end < n.to.Pos:
		lacks("the archive does not hold its end")
	default:
		if where := view.lacking(n); where != "" {
			lacks("%s", where)
		}
	}
}

// lacking tells what is missing between the beginning and the end of a need, both of which are
// held: that objects are missing is told with their names, here it is what that costs.
func (t *timelineView) lacking(n need) string {
	var before *fileView
	for _, f := range t.files {
		if binlog.CompareFiles(f.name, n.from.File) < 0 || binlog.CompareFiles(f.name, n.to.File) > 0 {
			continue
		}
		for _, g := range f.gaps {
			if (f.name != n.from.File || g.to > n.from.Pos) && (f.name != n.to.File || g.from < n.to.Pos) {
				return fmt.Sprintf("the archive lacks the bytes %d to %d of %s", g.from, g.to, f.name)
			}
		}
		if p := f.previous; before != nil && f.begun && p != nil && (before.name != p.File || before.end < p.End) {
			return "the archive lacks the end of " + p.File
		}
		before = f
	}
	return ""
}
