package pitr

import (
	"context"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/pitr/director"
)

// collector reads limits from floor on.
func collector(ctx context.Context, d *director.Director, r *archive.Reader) (*limit.Collector, error) {
	prepared := map[string]limit.Prepared{}
	for _, x := range d.OpenXA {
		p, err := preparedAt(ctx, r, x.Prepare)
		if err != nil {
			return nil, fmt.Errorf("read what the XA transaction %s changes: %w", x.XID, err)
		}
		prepared[x.XID] = p
	}
	return limit.NewCollector(d.LogSource(), prepared), nil
}

// preparedAt reads the entry that prepared an XA transaction.
func preparedAt(ctx context.Context, r *archive.Reader, at binlog.Position) (limit.Prepared, error) {
	a := event.NewAssembler(at.Timeline, event.WithoutRowCounts())
	c := limit.NewCollector(limit.Source{}, nil)
	a.OnRows(c.Rows)
	for e, err := range r.Events(ctx, at) {
		if err != nil {
			return limit.Prepared{}, err
		}
		entry, err := a.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			return limit.Prepared{}, err
		}
		if entry == nil {
			continue
		}
		c.End(entry)
		open := c.Open()
		if len(open) != 1 {
			return limit.Prepared{}, fmt.Errorf("%s: %w", at, errNoPrepare)
		}
		return limit.Prepared{Prepare: open[0].Prepare, Tables: open[0].Tables, Limits: open[0].Limits}, nil
	}
	return limit.Prepared{}, fmt.Errorf("%s: %w", at, errNoPrepare)
}

// errNoPrepare: the manifest names a place that holds something else.
var errNoPrepare = errors.New("no prepare of an XA transaction is there")
