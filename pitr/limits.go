package pitr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// ended returns the tables of the restore whose range ends at a limit that starts at start: those
// that no chunk and no definition of the backup holds behind it. every tells that it may mean any
// table. Plan, replay and list ask this one function.
func (d *director) ended(start binlog.Position, l segment.Limit) (tables []schema.Name, every bool) {
	if limit.Cause(l) == nil {
		return nil, false
	}
	for _, n := range l.Tables {
		if d.taken(n) && d.ends(start, l, n) {
			tables = append(tables, n)
		}
	}
	every = l.EveryTable || l.Kind == segment.LimitXA && !d.knowsPrepare(l.Prepare, start)
	if !every && len(l.Schemas) == 0 || l.ByTriggers && !slices.ContainsFunc(l.Tables, d.objects.hasTriggers) {
		return tables, false
	}
	for _, n := range d.tables() {
		in := every || slices.ContainsFunc(l.Schemas, func(s string) bool { return d.foldSchema(s) == d.foldSchema(n.Schema) })
		if _, rows := d.rowTable(n); !rows && (l.Kind == segment.LimitXA || l.Kind == segment.LimitStatement) {
			continue
		}
		if in && !slices.Contains(tables, n) && (d.sides.RowSide(n, start) != binlog.Skip || d.sides.StatementSide(n, start) != binlog.Skip) {
			tables = append(tables, n)
		}
	}
	return tables, every
}

// ends tells it of one table that the limit names.
func (d *director) ends(start binlog.Position, l segment.Limit, n schema.Name) bool {
	side := d.sides.StatementSide(n, start)
	if l.Rows {
		side = d.sides.RowSide(n, start)
	}
	if _, rows := d.rowTable(n); !rows && (l.Rows || l.Kind == segment.LimitXA) {
		return false // of which only the definition is needed
	}
	switch {
	case side == binlog.Skip:
		return false
	case l.Kind == segment.LimitNumbers:
		return d.keyless(n)
	case l.Kind == segment.LimitRolledBack:
		return d.rollsBack(n)
	}
	return true
}

// knowsPrepare tells whether a replay meets the entry that prepared an XA transaction, or the
// backup says where it is. The zero position stands for a transaction of one phase, or for one
// of which nobody knows anything: its limit then names no tables.
func (d *director) knowsPrepare(prepare, start binlog.Position) bool {
	if prepare.IsZero() {
		return true
	}
	return prepare.Timeline == start.Timeline && (!prepare.Before(d.floor) || slices.ContainsFunc(d.openXA, func(x catalog.OpenXA) bool { return x.Prepare == prepare }))
}

// refusal is the fault of the first limit of an entry that ends the range of a table of the restore.
func (d *director) refusal(start binlog.Position, what string, limits ...segment.Limit) error {
	for _, l := range limits {
		if tables, _ := d.ended(start, l); len(tables) > 0 {
			if what == "" {
				what = describeLimit(l)
			}
			return refused(start, tables, what, limit.Cause(l))
		}
	}
	return nil
}

// describeLimit names an entry for a message.
func describeLimit(l segment.Limit) string {
	switch {
	case l.Kind == segment.LimitXA:
		return "commit of an XA transaction"
	case l.Verb != "":
		return l.Verb
	case len(l.Tables) == 1:
		return "row event of " + l.Tables[0].String()
	}
	return "row events"
}

// source is how the statements of the log are read.
func (d *director) logSource() limit.Source {
	return limit.Source{LowerCaseTableNames: d.source.LowerCaseTableNames, Flavor: d.source.Flavor, Version: d.source.Version}
}

// collector reads limits from floor on.
func (d *director) collector(ctx context.Context, r *archive.Reader) (*limit.Collector, error) {
	prepared := map[string]limit.Prepared{}
	for _, x := range d.openXA {
		p, err := preparedAt(ctx, r, x.Prepare)
		if err != nil {
			return nil, fmt.Errorf("read what the XA transaction %s changes: %w", x.XID, err)
		}
		prepared[x.XID] = p
	}
	return limit.NewCollector(d.logSource(), prepared), nil
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
