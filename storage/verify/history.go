package verify

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage/catalog"
)

// join holds the files of a timeline against each other, against its holes and its head.
func (a *archiveLook) join(view *timelineView) {
	for i, f := range view.files {
		var before *fileView
		if i > 0 {
			before = view.files[i-1]
		}
		a.joinFile(before, f)
	}
	for _, h := range a.holes {
		if h.From.Timeline != view.timeline {
			continue
		}
		// Everything in front of a hole is held.
		switch f := view.file(h.From.File); {
		case f == nil && a.Backup == "" && h.From.Pos > 0:
			a.missingOf(view.timeline, h.From.File, 0, h.From.Pos)
		case f != nil && f.end < h.From.Pos:
			a.missing(f, f.end, h.From.Pos)
		}
	}
	a.joinHead(view)
}

// joinFile tells whether a file goes on where the one before it ended.
func (a *archiveLook) joinFile(before, f *fileView) {
	if !f.begun {
		return // its first segment is told already
	}
	p := f.previous
	switch {
	case before != nil && a.holeBetween(before, f):
	case p == nil && before == nil:
	case p == nil:
		hole := binlog.Position{Timeline: before.timeline, File: before.name, Pos: before.end}
		a.note(catalog.HoleKey(a.instance, hole), Missing,
			fmt.Sprintf("%s does not go on where %s ends at %d, and no hole is written down there", f.name, before.name, before.end))
	case before == nil && a.Backup != "": // what lies before the floor was not looked at
	case before == nil || before.name != p.File:
		a.missingOf(f.timeline, p.File, 0, p.End)
	case before.end < p.End:
		a.missing(before, before.end, p.End)
	default:
		a.joinBytes(before, f, *p)
	}
}

// joinBytes compares what a file says of the one before it with what is held of that.
func (a *archiveLook) joinBytes(before, f *fileView, p segment.PreviousFile) {
	first := f.sums[0].key
	if before.end > p.End {
		a.note(first, Chain, fmt.Sprintf("it says that %s ended at %d, and %d bytes of it are held", p.File, p.End, before.end))
		return
	}
	if end, ok := before.sums[p.End]; ok && end.sum != p.SHA256 {
		a.note(first, Chain, fmt.Sprintf("it goes on behind a file %s of SHA-256 %s, and the one that is held has %s", p.File, p.SHA256, end.sum))
	}
}

func (a *archiveLook) holeBetween(before, f *fileView) bool {
	for _, h := range a.holes {
		if h.From.Timeline == f.timeline && h.To.Timeline == f.timeline &&
			binlog.CompareFiles(before.name, h.From.File) <= 0 && binlog.CompareFiles(h.From.File, f.name) < 0 &&
			binlog.CompareFiles(h.To.File, f.name) <= 0 {
			return true
		}
	}
	return false
}

// joinHead tells whether everything that a head promises is held.
func (a *archiveLook) joinHead(view *timelineView) {
	head, ok := a.heads[view.timeline]
	last := head.Last
	if !ok || last == (catalog.HeadSegment{}) {
		return
	}
	f := view.file(last.File)
	if f == nil {
		f = &fileView{timeline: view.timeline, name: last.File}
	}
	if f.end < last.Start {
		a.missing(f, f.end, last.Start)
	}
	if f.end < last.End {
		a.missing(f, max(f.end, last.Start), last.End)
	}
	if end := head.End.Position; end.File == last.File && end.Pos > max(f.end, last.End) {
		a.missing(f, max(f.end, last.End), end.Pos)
	}
}

// file returns the view of a file; nil where nothing of it is held.
func (t *timelineView) file(name string) *fileView {
	for _, f := range t.files {
		if f.name == name {
			return f
		}
	}
	return nil
}
