package window

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// naiveRules are obvious rules that lose rows or keep them, by their numbers in fact 11, and the obvious
// orders of the keyed lane (fact 15.16). Those that say nothing of the account end at the high.
var naiveRules = []rule{
	inWindow("N1 REPLACE without deleting the old key", true, func(t text, c *change) []string {
		if c.after == nil {
			return []string{t.deleteByKey(c.before)}
		}
		return []string{t.write("REPLACE", c.after)}
	}),
	inWindow("N2 INSERT IGNORE, UPDATE IGNORE, DELETE", true, func(t text, c *change) []string {
		switch {
		case c.before == nil:
			return []string{t.write("INSERT IGNORE", c.after)}
		case c.after == nil:
			return []string{t.deleteByKey(c.before)}
		}
		return []string{t.update(c.after) + t.byKey(c.before)}
	}),
	inWindow("N3 INSERT .. ON DUPLICATE KEY UPDATE beside unique keys", true, func(t text, c *change) (list []string) {
		if c.before != nil && (c.after == nil || !t.sameKey(c)) {
			list = append(list, t.deleteByKey(c.before))
		}
		if c.after != nil {
			list = append(list, t.write("INSERT", c.after)+" AS n ON DUPLICATE KEY UPDATE "+t.each(",", func(i int) string {
				name := t.column(i)
				return name + "=n." + name
			}))
		}
		return list
	}),
	inWindow("N4 REPLACE first, then delete the old key", true, func(t text, c *change) (list []string) {
		if c.after != nil {
			list = append(list, t.write("REPLACE", c.after))
		}
		if c.before != nil && (c.after == nil || !t.sameKey(c)) {
			list = append(list, t.deleteByKey(c.before))
		}
		return list
	}),
	inWindow("N5 an UPDATE is skipped where its row is missing", true, func(t text, c *change) []string {
		switch {
		case c.before == nil:
			return []string{t.write("REPLACE", c.after)}
		case c.after == nil:
			return []string{t.deleteByKey(c.before)}
		}
		return []string{t.update(c.after) + t.byKey(c.before)}
	}),
	inWindow("N6 UPDATE and DELETE find rows by the full image", true, func(t text, c *change) []string {
		switch {
		case c.before == nil:
			return []string{t.write("REPLACE", c.after)}
		case c.after == nil:
			return []string{t.deleteOne(c.before)}
		}
		return []string{t.update(c.after) + t.byImage(c.before)}
	}),
	{name: "11.4 a window for each chunk", naive: true, keyed: true, until: high, steps: perChunk},
	inWindow("11.6 rule A without a key", false, func(t text, c *change) (list []string) {
		if c.before != nil {
			list = append(list, t.deleteOne(c.before))
		}
		if c.after != nil {
			list = append(list, t.write("REPLACE", c.after))
		}
		return list
	}),
	inWindow("11.6 one row like the new one gives way as well", false, func(t text, c *change) (list []string) {
		for _, r := range []row{c.before, c.after} {
			if r != nil {
				list = append(list, t.deleteOne(r))
			}
		}
		if c.after != nil {
			list = append(list, t.write("REPLACE", c.after))
		}
		return list
	}),
	{name: "15.16 each shard ends before the next begins", naive: true, keyed: true, steps: keyedLane(shardByShard, trouble{})},
	{name: "15.16 upserts before deletes", naive: true, keyed: true, steps: keyedLane(upsertsFirst, trouble{})},
}

func high(h *history) int { return h.high }

// inWindow is a naive rule that looks at one change at a time.
func inWindow(name string, keyed bool, statements func(text, *change) []string) rule {
	return rule{name: name, naive: true, keyed: keyed, until: high, steps: func(t *rewriter.Table, h *history, _ *rand.Rand) (list []step, err error) {
		err = h.changes(h.low, h.high, func(_ int, c *change) error {
			for _, sql := range statements(newText(t), c) {
				list = append(list, step{sql, rewriter.Uncounted})
			}
			return nil
		})
		return list, err
	}}
}

// perChunk leaves out of rule A what a chunk has seen before its own low, as tools do that draw a low
// and a high around each chunk: with unique keys rows are lost.
func perChunk(t *rewriter.Table, h *history, r *rand.Rand) (list []step, err error) {
	lows := make([]int, len(h.chunks))
	for i, c := range h.chunks {
		lows[i] = c.seen
		if len(c.late) > 0 {
			lows[i] = slices.Min(c.late)
		}
	}
	text := newText(t)
	err = h.changes(h.low, h.high, func(n int, c *change) error {
		if c.before != nil && n >= lows[c.from] && (c.after == nil || !text.sameKey(c)) {
			list = append(list, step{text.deleteByKey(c.before), rewriter.Uncounted})
		}
		if c.after != nil && n >= lows[c.to] {
			list = append(list, step{text.write("REPLACE", c.after), rewriter.Uncounted})
		}
		return nil
	})
	return list, err
}

func shardByShard(keys int, r *rand.Rand) (list [][]share) {
	for _, s := range cutKeys(keys, r) {
		list = append(list, []share{{(*rewriter.Latest).Delete, s}}, []share{{(*rewriter.Latest).Upsert, s}})
	}
	return list
}

func upsertsFirst(keys int, r *rand.Rand) [][]share {
	list := twoSteps(keys, r)
	slices.Reverse(list)
	return list
}

// text writes statements of the naive rules.
type text struct {
	def      *schema.Table
	table    string
	identity []int
}

func newText(t *rewriter.Table) text {
	identity, _ := t.Definition().IdentityColumns()
	return text{def: t.Definition(), table: t.Name().Quoted(), identity: identity}
}

func (t text) column(i int) string { return schema.Quote(t.def.Columns[i].Name) }

// each joins what is written of each column that is not generated.
func (t text) each(between string, write func(i int) string) string {
	var list []string
	for i := range t.def.Columns {
		if t.def.Columns[i].Generated == schema.NotGenerated {
			list = append(list, write(i))
		}
	}
	return strings.Join(list, between)
}

// write is INSERT or REPLACE of some rows.
func (t text) write(verb string, rows ...row) string {
	tuples := make([]string, len(rows))
	for n, r := range rows {
		tuples[n] = "(" + t.each(",", func(i int) string { return r[i] }) + ")"
	}
	return verb + " INTO " + t.table + " (" + t.each(",", t.column) + ") VALUES " + strings.Join(tuples, ",")
}

func (t text) update(r row) string {
	return "UPDATE IGNORE " + t.table + " SET " + t.each(",", func(i int) string { return t.column(i) + "=" + r[i] })
}

func (t text) byKey(r row) string {
	list := make([]string, len(t.identity))
	for n, i := range t.identity {
		list[n] = t.column(i) + "=" + r[i]
	}
	return " WHERE " + strings.Join(list, " AND ")
}

func (t text) byImage(r row) string {
	return " WHERE " + t.each(" AND ", func(i int) string {
		name := t.column(i)
		if t.def.Columns[i].IsCharacter() {
			name = "CAST(" + name + " AS BINARY)"
		}
		return name + " <=> " + r[i]
	})
}

func (t text) deleteByKey(r row) string { return "DELETE FROM " + t.table + t.byKey(r) }

func (t text) deleteOne(r row) string { return "DELETE FROM " + t.table + t.byImage(r) + " LIMIT 1" }

// sameKey compares keys byte by byte.
func (t text) sameKey(c *change) bool {
	return !slices.ContainsFunc(t.identity, func(i int) bool { return c.before[i] != c.after[i] })
}
