package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/rewriter"
)

// --skip-gtid leaves transactions out. From there on the target differs from the source in the
// rows that they touched, and nowhere else. Such a row is loose: the source changes it as it is
// there, which may be no row here, or another one. For the loose rows the binlog wins, as in the
// window; all others are held to account as ever.
//
// A row is loose by the values of every unique key that the left-out changes took from it or gave
// it: whatever is in the way of a later change, or missing for it, is told by one of them. A change
// that has one of these values in any image is a change of a loose row.

// mostLoose is how many values are kept of one table. Beyond it the whole table is loose.
const mostLoose = 1 << 16

// mostLooseNamed is how many loose rows the report names.
const mostLooseNamed = 1000

// looseRows are the loose rows of one table; nil for none.
type looseRows struct {
	whole  bool
	named  bool    // the report says that the whole table is loose
	keys   [][]int // columns of the unique keys
	values map[rewriter.KeyHash]struct{}
}

func newLooseRows(t *rewriter.Table) *looseRows {
	l := &looseRows{values: map[rewriter.KeyHash]struct{}{}}
	var ok bool
	l.keys, ok = t.UniqueKeys()
	l.whole = !ok
	return l
}

// add takes the rows of a change that is left out. Where the whole table became loose by it, it says why.
func (l *looseRows) add(c rewriter.Change) (became string) {
	if l.whole {
		return ""
	}
	told := l.each(c, func(h rewriter.KeyHash) bool {
		l.values[h] = struct{}{}
		return true
	})
	switch {
	case !told:
		became = "its row images lack unique values"
	case len(l.values) > mostLoose:
		became = fmt.Sprintf("more than %d values", mostLoose)
	default:
		return ""
	}
	l.whole, l.values = true, nil
	return became
}

// each yields the values of all unique keys in all images of a change. It returns false where the
// images do not tell what the change takes from a key or gives to it.
func (l *looseRows) each(c rewriter.Change, yield func(rewriter.KeyHash) bool) (told bool) {
	told = true
	for n, columns := range l.keys {
		told = told && rewriter.TellsKey(columns, c)
		for _, im := range []event.Image{c.Before, c.After} {
			if !im.Exists() || !rewriter.HasKey(columns, im) {
				continue
			}
			if h, ok := rewriter.HashKey(n, columns, im); ok && !yield(h) {
				return told
			}
		}
	}
	return told
}

// rule is the rule of a change, which is base where no row of it is loose. hit tells that one is known to be.
func (l *looseRows) rule(base rewriter.Rule, c rewriter.Change) (rule rewriter.Rule, hit bool) {
	switch {
	case l == nil:
		return base, false
	case l.whole:
		return rewriter.Loose, false
	}
	told := l.each(c, func(h rewriter.KeyHash) bool {
		_, hit = l.values[h]
		return !hit
	})
	if hit || !told && c.After.Exists() { // a row in its way may be loose
		return rewriter.Loose, hit
	}
	return base, false
}

// follow takes a change that does not bring back a row whose making was left out: under the values that it gives the row is as loose as it
// was. Values that its images lack have been taken by nobody here.
func (l *looseRows) follow(c rewriter.Change) {
	l.each(c, func(h rewriter.KeyHash) bool {
		l.values[h] = struct{}{}
		return true
	})
	if len(l.values) > mostLoose {
		l.whole, l.values = true, nil
	}
}

// looseReport is what the result says of loose rows.
type looseReport struct {
	rows  uint64
	named []string
	whole []string // tables
}

func (r *looseReport) name(n schema.Name, what string, o rewriter.Origin) {
	if len(r.named) < mostLooseNamed {
		r.named = append(r.named, fmt.Sprintf("%s: %s, by %s", n, what, o))
	}
}

// wholeTable names a table of which all rows are loose, once.
func (r *looseReport) wholeTable(n schema.Name, l *looseRows, why string) {
	if l != nil && l.whole && !l.named {
		l.named = true
		r.whole = append(r.whole, fmt.Sprintf("%s: the whole table (%s)", n, why))
	}
}

// list begins with whole tables, and ends with how many rows are not named.
func (r *looseReport) list() []string {
	return append(r.whole, r.listRows()...)
}

func (r *looseReport) listRows() []string {
	if more := r.rows - min(r.rows, mostLooseNamed); more > 0 {
		return append(r.named, fmt.Sprintf("and %d more rows", more))
	}
	return r.named
}

// leaveOut is a rows event of a transaction that is left out: its rows become loose.
func (r *replay) leaveOut(ctx context.Context, e *event.Entry, rows *event.Rows, t *table) error {
	shown := r.director.Shown(t.Name)
	origin := rewriter.Origin{Entry: e.Start, GTID: e.GTID}
	if r.past.Passed(e.Start) || r.past.Phase == checkpoint.PhaseFinish {
		return r.leftOutBefore(e, rows, t, shown)
	}
	if err := r.live(ctx); err != nil {
		return err
	}
	if t.def.Class() == schema.NoRows {
		return nil
	}
	if err := r.fitting(e, rows, t); err != nil {
		return err
	}
	if t.loose == nil {
		// Changes of a table with loose rows keep their order: a row in the way is one of its own past.
		if err := r.lanes.Fence(ctx, []schema.Name{t.Name}); err != nil {
			return err
		}
		// What the keyed lane wrote must not be written again behind what comes.
		if err := r.progress.Write(ctx, r.own, checkpoint.NewNote(checkpoint.NoteFenced, t.Name.Quoted(), checkpoint.FencedNote{Name: t.Name, Mark: checkpoint.Mark{Entry: e.Start}})); err != nil {
			return err
		}
		t.Keyed, t.loose = false, newLooseRows(t.Write)
		r.loose.wholeTable(shown, t.loose, fmt.Sprintf("rows cannot be told apart by the bytes of its keys, by %s", origin))
	}
	return rows.Each(func(before, after event.Image) error {
		c, err := rewriter.NewChange(rows, before, after)
		if err != nil {
			return fmt.Errorf("leave out %s: %w", origin, err)
		}
		if why := t.loose.add(c); why != "" {
			r.loose.wholeTable(shown, t.loose, fmt.Sprintf("%s, by %s", why, origin))
		}
		r.loose.rows++
		im := before
		if !before.Exists() {
			im = after
		}
		if len(r.loose.named) >= mostLooseNamed {
			return nil
		}
		text, err := t.Write.Describe(rows.Table, im)
		if err != nil {
			return fmt.Errorf("leave out %s: %w", origin, err)
		}
		const most = 200
		r.loose.name(shown, lanes.Shortened(text, most), origin)
		return nil
	})
}

// leftOutBefore is leaveOut where an earlier run has passed the entry: what the table was there
// nobody can read any more, so the whole of it is loose.
func (r *replay) leftOutBefore(e *event.Entry, rows *event.Rows, t *table, shown schema.Name) error {
	if t.loose == nil {
		t.Keyed, t.loose = false, &looseRows{whole: true}
		r.loose.wholeTable(shown, t.loose, fmt.Sprintf("the restore was interrupted, by %s", rewriter.Origin{Entry: e.Start, GTID: e.GTID}))
	}
	return rows.Each(func(event.Image, event.Image) error {
		r.loose.rows++
		return nil
	})
}

// loosen follows what a statement does to tables with loose rows: their keys may be others behind
// it, and an EXCHANGE brings the rows elsewhere.
func (s *tableSet) loosen(x *director.Execution) {
	loose := false
	for _, n := range x.Altered {
		if t := s.get(n); t != nil && t.loose != nil {
			loose = true
		}
	}
	if !loose || x.Statement != nil && x.Statement.Kind == ddl.DefinitionOnly {
		return
	}
	for _, n := range x.Altered {
		if t := s.get(n); t != nil && (t.loose == nil || !t.loose.whole) {
			t.Keyed, t.loose = false, &looseRows{whole: true}
		}
	}
}
