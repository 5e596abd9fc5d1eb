package verify

import (
	"context"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/storage/catalog"
)

// fileKey names a binlog file.
type fileKey struct {
	timeline binlog.Timeline
	file     string
}

// limits tells whether what ends ranges, by the headers of the segments, stands in the objects that
// list and plan go by: without them a range would be promised that no restore can give. They are
// written before the segments, so they are there when a segment is.
func (a *archiveLook) limits(ctx context.Context) error {
	objects, err := a.Catalog.Limits(ctx, a.instance)
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return nil //nolint:nilerr // the look at the documents has told it
	}
	known := map[fileKey][]segment.Limit{}
	for _, o := range objects {
		key := fileKey{o.Timeline, o.File}
		known[key] = append(known[key], o.Limits...)
	}
	for t, view := range a.timelines {
		for _, f := range view.files {
			list := known[fileKey{t, f.name}]
			// Behind the first few hundred of them one stands for many.
			lost := slices.IndexFunc(f.limits, func(l segment.Limit) bool {
				return !slices.ContainsFunc(list, func(o segment.Limit) bool {
					return o.Kind == l.Kind && o.Start <= l.Start && l.Start <= o.Last()
				})
			})
			if lost >= 0 {
				l := f.limits[lost]
				a.note(catalog.LimitsKey(a.instance, t, f.name, f.epoch), Missing,
					"no limits object of "+f.name+" holds the "+string(l.Kind)+" entry at "+binlog.Position{Timeline: t, File: f.name, Pos: l.Start}.String()+", which ends the range of its tables")
			}
		}
	}
	return nil
}
