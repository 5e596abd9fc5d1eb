package archive

import (
	"context"
	"fmt"
	"slices"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// longestSet is how long the GTID set of a limit may be: there may be hundreds of limits.
const longestSet = 1024

// collect begins to look for limits behind a new stream that begins at s.
func (r *receiver) collect(s start) {
	var open []segment.OpenXA
	if s.tip != nil && !s.behindHole {
		open = s.tip.header.OpenXA
	}
	facts := r.config.Server.Facts()
	source := limit.Source{LowerCaseTableNames: facts.LowerCaseTableNames, Flavor: facts.Flavor, Version: facts.Version}
	c := limit.NewCollector(source, limit.PreparedIn(open))
	r.limits = c
	r.asm.OnBegin(func(*event.Entry) error {
		r.statements = nil
		c.Begin()
		return nil
	})
	r.asm.OnCutOff(func(e *event.Entry) error {
		r.config.Log.Warn("the source was killed while it wrote a transaction; what it wrote of it counts for nothing", "start", e.Start.String(), "gtid", e.GTID.String())
		return nil
	})
	r.asm.OnRows(func(_ *event.Entry, rows *event.Rows) error {
		addRows(&r.open, rows, source)
		return nil
	})
	r.asm.OnQuery(func(e *event.Entry, q *event.Query) error {
		st := c.Query(e, q)
		addStatement(&r.open, e, st)
		switch n := len(r.statements); {
		case n < segment.MaxLimits: // DDL comes alone or by twos
			r.statements = append(r.statements, st)
		case n == segment.MaxLimits:
			r.statements = append(r.statements, nil)
		}
		return nil
	})
}

// note keeps the limits of an entry that is not in the summary yet, and tells them.
func (r *receiver) note(e *event.Entry, limits []segment.Limit) {
	if len(limits) == 0 {
		return
	}
	before := r.summaryEnd()
	for _, l := range limits {
		l.Time = before.Time
		if len(before.GTIDSet) <= longestSet {
			l.GTIDSet = before.GTIDSet
		}
		r.summary.limits = segment.AddLimit(r.summary.limits, l)
		r.ends.tell(e.Start, l)
	}
}

// summaryEnd is what is known at the end of the summary: what was executed, and the last commit.
func (r *receiver) summaryEnd() binlog.Point {
	p, executed := binlog.Point{Time: r.summary.last}, binlog.GTIDSet{}
	if r.tip != nil {
		executed = r.tip.executed.Clone()
		if p.Time == 0 {
			p.Time = r.tip.commit
		}
	}
	if r.summary.previousGTIDs != nil {
		executed.AddSet(*r.summary.previousGTIDs)
	}
	executed.AddSet(r.summary.gtids)
	p.GTIDSet = executed.String()
	return p
}

// End is a place at which the range of a table ends: no backup that was made before it serves a
// stop point behind it for this table.
type End struct {
	// Name is "*"."*" where any table may be meant.
	schema.Name
	Position binlog.Position `json:"position"`
	Reason   string          `json:"reason"`
}

// EveryTable is the name of an End that may mean any table.
var EveryTable = schema.Name{Schema: "*", Name: "*"}

// maxEnds is how many ends a run reports one by one.
const maxEnds = 1000

// ends are the first ends, table by table, that a run has met.
type ends struct {
	config Config
	list   []End
	met    map[schema.Name]bool
	more   bool
}

func newEnds(cfg Config) ends { return ends{config: cfg, met: map[schema.Name]bool{}} }

// tell keeps and logs what this version cannot replay: at once, since the way round is a new backup.
func (t *ends) tell(at binlog.Position, l segment.Limit) {
	if limit.Cause(l) == nil {
		return
	}
	names := l.Tables
	if len(names) == 0 || l.EveryTable {
		names = []schema.Name{EveryTable}
	}
	reason := limit.Describe(l)
	for _, n := range names {
		switch {
		case t.met[n]:
		case len(t.list) < maxEnds:
			t.met[n] = true
			t.list = append(t.list, End{Name: n, Position: at, Reason: reason})
			t.config.Log.Warn("the range of a table ends here: no backup that was made before this serves it behind this, take a new one",
				"table", n.String(), "position", at.String(), "reason", reason)
		case !t.more:
			t.more = true
			t.config.Log.Warn("more tables than are reported end here; tripod list shows them", "position", at.String())
		}
	}
}

// limitIndex is the object of the file that the uploader writes now.
type limitIndex struct {
	catalog.Limits
	read bool
}

// putLimits brings the limits of a segment into the object of its file. It comes before the
// segment: what the archive holds must never look better than it is.
func (u *uploader) putLimits(ctx context.Context, h segment.Header) error {
	if len(h.Limits) == 0 {
		return nil
	}
	i := &u.limits
	if !i.read || i.Timeline != h.Timeline || i.File != h.File || i.Epoch != h.Epoch {
		held, err := u.config.Catalog.LimitsOf(ctx, u.config.Instance, h.Timeline, h.File, h.Epoch)
		if err != nil {
			return err
		}
		*i = limitIndex{Limits: held, read: true}
	}
	next := i.Limits
	next.Limits = slices.Clone(next.Limits)
	for _, l := range h.Limits {
		next.Limits = segment.AddLimit(next.Limits, l)
	}
	if err := u.config.Catalog.PutLimits(ctx, u.config.Instance, next); err != nil {
		i.read = false
		return err
	}
	i.Limits = next
	failpoint.Inject("limited", nil)
	return nil
}

// Limited is a limit with its place.
type Limited struct {
	segment.Limit
	At binlog.Point // before the first entry that it stands for
	// Last is where the last of these entries starts.
	Last binlog.Position
}

// Limits returns the limits in what the stretches hold, in archive order.
func (r *Reader) Limits(ctx context.Context, line []Stretch) ([]Limited, error) {
	objects, err := r.catalog.Limits(ctx, r.instance)
	if err != nil {
		return nil, fmt.Errorf("read what ends ranges: %w", err)
	}
	var list []Limited
	for _, s := range line {
		from := len(list)
		for _, o := range objects {
			if o.Timeline != s.To.Timeline || !slices.Contains(s.files, o.File) {
				continue
			}
			for _, l := range o.Limits {
				at := binlog.Position{Timeline: o.Timeline, File: o.File, Pos: l.Start}
				if !at.Before(s.To.Position) {
					continue
				}
				last := at
				last.Pos = l.Last()
				list = append(list, Limited{Limit: l, At: binlog.Point{Position: at, GTIDSet: l.GTIDSet, Time: l.Time}, Last: last})
			}
		}
		list = append(list[:from], onceEach(list[from:])...)
	}
	return list, nil
}

// onceEach puts limits in order. Behind a crash the next writer notes again what was not in the
// store yet.
func onceEach(list []Limited) []Limited {
	slices.SortStableFunc(list, func(a, b Limited) int { return a.At.Compare(b.At.Position) })
	var out []Limited
	for _, l := range list {
		again := -1
		for i := len(out) - 1; i >= 0 && out[i].At.Position == l.At.Position && again < 0; i-- {
			if out[i].Same(&l.Limit) {
				again = i
			}
		}
		if again < 0 {
			out = append(out, l)
			continue
		}
		out[again].Until, out[again].Last = max(out[again].Until, l.Until), binlog.Later(out[again].Last, l.Last)
	}
	return out
}
