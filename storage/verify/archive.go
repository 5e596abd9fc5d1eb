package verify

import (
	"context"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/storage/catalog"
)

// archive looks at an instance's archive and at what its backups need of it. An archiver and
// compaction may be at work: what seems to be missing or not to fit is told only if a second look,
// at everything anew, sees it too.
func (v *verifier) archive(ctx context.Context, instance string, needs []need) error {
	first := &archiveLook{verifier: v, instance: instance, deep: v.Deep, counts: true}
	seen, err := first.all(ctx, needs)
	if err != nil {
		return err
	}
	v.add(first.proved...)
	if len(seen) == 0 {
		return nil
	}
	again, err := (&archiveLook{verifier: v, instance: instance}).all(ctx, needs)
	if err != nil {
		return err
	}
	for _, p := range again {
		if slices.ContainsFunc(seen, func(q Problem) bool { return p.Object == q.Object && p.Kind == q.Kind }) {
			v.add(p)
		}
	}
	return nil
}

// backupAndArchive looks at one backup and at the archive from where the backup needs it.
func (v *verifier) backupAndArchive(ctx context.Context) error {
	if err := v.documents(ctx, v.Instance); err != nil {
		return err
	}
	needs, err := v.backup(ctx, v.Instance, v.Backup)
	if err != nil || len(needs) == 0 {
		return err
	}
	return v.archive(ctx, v.Instance, needs)
}

// archiveLook is one look at an archive.
type archiveLook struct {
	*verifier
	instance string
	deep     bool
	counts   bool // what it looks at is counted
	// proved are problems of contents that were read: they need no second look.
	proved []Problem

	heads     map[binlog.Timeline]catalog.Head
	timelines map[binlog.Timeline]*timelineView
	holes     []catalog.Hole
	seen      []Problem
}

func (a *archiveLook) note(object string, kind Kind, detail string) {
	a.seen = append(a.seen, Problem{Object: object, Kind: kind, Detail: detail})
}

// all returns what does not fit. Heads are read before the segments that they promise are listed,
// holes after: one is written down before the first byte behind it is accepted.
func (a *archiveLook) all(ctx context.Context, needs []need) ([]Problem, error) {
	names, err := a.Catalog.Timelines(ctx, a.instance)
	if err != nil {
		p, err := judge(ctx, catalog.InstanceKey(a.instance), err)
		if err != nil {
			return nil, err
		}
		a.seen = append(a.seen, p)
		return a.seen, nil
	}
	a.heads, a.timelines = map[binlog.Timeline]catalog.Head{}, map[binlog.Timeline]*timelineView{}
	for _, t := range names {
		head, ok, err := a.Catalog.Head(ctx, a.instance, t)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil: // the look at the documents has told it
		case ok && head.End.Timeline == t:
			a.heads[t] = head
		case !ok:
			a.note(catalog.HeadKey(a.instance, t), Missing, "the archive of the timeline has no head")
		}
	}
	for _, t := range names {
		if a.timelines[t], err = a.timeline(ctx, t, needs); err != nil {
			return nil, err
		}
	}
	if a.holes, err = a.Catalog.Holes(ctx, a.instance); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		a.holes = nil // the look at the documents has told it; without holes nothing can be said about gaps
		return a.seen, nil
	}
	for _, t := range names {
		a.join(a.timelines[t])
	}
	if err := a.limits(ctx); err != nil {
		return nil, err
	}
	for _, n := range needs {
		a.need(n)
	}
	return a.seen, nil
}

// timelineView is what a look saw of one timeline: its files in their order.
type timelineView struct {
	timeline binlog.Timeline
	files    []*fileView
}

// timeline looks at the files of a timeline; for one backup only at those from its floor on.
func (a *archiveLook) timeline(ctx context.Context, t binlog.Timeline, needs []need) (*timelineView, error) {
	view := &timelineView{timeline: t}
	files, err := a.Catalog.Files(ctx, a.instance, t)
	if err != nil {
		p, err := judge(ctx, catalog.HeadKey(a.instance, t), err)
		if err == nil {
			a.seen = append(a.seen, p)
		}
		return view, err
	}
	for _, file := range files {
		if a.Backup != "" && !needed(needs, t, file) {
			continue
		}
		f, err := a.file(ctx, t, file)
		if err != nil {
			return nil, err
		}
		view.files = append(view.files, f)
	}
	return view, nil
}

// needed tells whether a file may be needed behind the beginning of one of the needs.
func needed(needs []need, t binlog.Timeline, file string) bool {
	return slices.ContainsFunc(needs, func(n need) bool {
		return n.from.Timeline != t || binlog.CompareFiles(file, n.from.File) >= 0
	})
}
