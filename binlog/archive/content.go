package archive

import (
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
)

// closeContent brings what is known of the events behind the last boundary into the summary.
func (r *receiver) closeContent() {
	r.summary.content.Add(&r.open)
	r.open = segment.Content{}
}

// addRows notes a rows event. One whose rows cannot be counted is archived all the same: whoever
// replays it says why it cannot be read.
func addRows(c *segment.Content, rows *event.Rows, source limit.Source) {
	t := c.Touch(rows.Table.Name)
	if t == nil {
		return
	}
	if source.HidesCascades(rows) {
		t.Cascades = segment.CascadesHidden
	}
	n, err := rows.Count()
	t.Rows += uint64(n)
	t.Uncounted = t.Uncounted || err != nil
	size := rows.Size()
	if rows.Action == event.Delete {
		t.LargestDelete = max(t.LargestDelete, size)
		return
	}
	t.Largest = max(t.Largest, size)
}

// addStatement notes a statement of an entry; nil is one that cannot be read.
func addStatement(c *segment.Content, e *event.Entry, st *ddl.Statement) {
	s := segment.Statement{Start: e.Start.Pos}
	if st == nil {
		s.Unnamed = true
		c.State(s)
		return
	}
	s.Verb, s.Kind, s.Unnamed = string(st.Verb), st.Kind.String(), st.Uncertain || st.EverySchema
	for _, t := range st.Tables {
		s.Tables = append(s.Tables, t.Name)
	}
	for _, p := range st.Renames {
		s.Tables = append(s.Tables, p[0], p[1])
	}
	slices.SortFunc(s.Tables, schema.Name.Compare)
	s.Tables = slices.Compact(s.Tables)
	c.State(s)
}

// addEntry notes an entry whose last event has come.
func addEntry(c *segment.Content, e *event.Entry) {
	c.XA = c.XA || e.XID != ""
	if len(e.Tables) == 0 {
		return
	}
	c.RowEntries++
	for _, touched := range e.Tables {
		if t := c.Touch(touched.Name); t != nil {
			t.Entries++
		}
	}
}
