package window

import (
	"fmt"
	"strings"
)

// story tells all of a history: its table, its transactions with what was logged of them, and how it was
// dumped.
func (h *history) story() string {
	var b strings.Builder
	shape := &shapes[h.shape]
	fmt.Fprintf(&b, "history of seed %d: %s\nCREATE TABLE %s (%s)\n", h.seed, shape.name, sourceName(h.shape), shape.create)
	fmt.Fprintf(&b, "window (%d,%d], stop %d\n", h.low, h.high, h.stop)
	fmt.Fprintf(&b, "at the beginning: %s\n", strings.Join(h.states[0].sorted(), " "))
	for n, t := range h.logged {
		fmt.Fprintf(&b, "transaction %d%s\n", n+1, h.side(n))
		for _, s := range h.wished[n] {
			fmt.Fprintf(&b, "    %s\n", s)
		}
		for _, c := range t {
			fmt.Fprintf(&b, "  logged: %s\n", c)
		}
		fmt.Fprintf(&b, "  then: %s\n", strings.Join(h.states[n+1].sorted(), " "))
	}
	for i, c := range h.chunks {
		fmt.Fprintf(&b, "chunk %d of %d, seen behind transaction %d", i+1, len(h.chunks), c.seen)
		for _, n := range c.late {
			fmt.Fprintf(&b, ", without %d", n+1)
		}
		fmt.Fprintf(&b, ": %s\n", join(c.rows))
	}
	b.WriteString("loaded in the order")
	for _, i := range h.load {
		fmt.Fprintf(&b, " %d", i+1)
	}
	return b.String()
}

// side tells where a transaction lies.
func (h *history) side(n int) string {
	switch {
	case n < h.low:
		return ""
	case n < h.high:
		return " (in the window)"
	case n < h.stop:
		return " (behind the window)"
	}
	return " (behind the stop)"
}

// String tells what was logged of a row.
func (c change) String() string {
	switch {
	case c.before == nil:
		return "insert " + c.after.String()
	case c.after == nil:
		return "delete " + c.before.String()
	}
	return "update " + c.before.String() + " to " + c.after.String()
}

func join(rows []row) string {
	list := make([]string, len(rows))
	for i, r := range rows {
		list[i] = r.String()
	}
	return strings.Join(list, " ")
}

// story tells what a rule made of a history; of one that is right, only that.
func (v verdict) story(h *history, number int) string {
	if v.problem == "" {
		return rules[number].name + ": equal"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: DIFFERENT behind transaction %d\n", rules[number].name, rules[number].end(h))
	for _, s := range v.steps {
		fmt.Fprintf(&b, "    %s\n", s.sql)
	}
	b.WriteString(v.problem)
	return b.String()
}
