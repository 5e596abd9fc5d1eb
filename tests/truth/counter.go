package truth

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
)

// Counter is the AUTO_INCREMENT counter of a table.
type Counter struct {
	Next     uint64 // what the server gives out next
	Greatest uint64 // in the rows that are there; 0 for none, and for what is below 1
}

// nextText is the table option, not the same words in a comment.
var nextText = regexp.MustCompile(`(?m)^\) ENGINE=\S+ AUTO_INCREMENT=(\d+)`)

// counter notes the counter of a table; shown is its definition as the server prints it, which
// leaves out a counter of 1.
func (t *Truth) counter(ctx context.Context, conn *sql.Conn, schema, table, shown string) error {
	columns, err := list(ctx, conn, `SELECT COLUMN_NAME FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND EXTRA LIKE '%auto_increment%' AND DATA_TYPE LIKE '%int'`, schema, table)
	if err != nil || len(columns) == 0 {
		return err
	}
	c := Counter{Next: 1}
	if found := nextText.FindStringSubmatch(shown); found != nil {
		if c.Next, err = strconv.ParseUint(found[1], 10, 64); err != nil {
			return fmt.Errorf("read the counter of %s.%s: %w", schema, table, err)
		}
	}
	greatest := "SELECT CAST(GREATEST(IFNULL(MAX(" + quote(columns[0][0]) + "), 0), 0) AS UNSIGNED) FROM " + quoteName(schema, table)
	if err := conn.QueryRowContext(ctx, greatest).Scan(&c.Greatest); err != nil {
		return fmt.Errorf("read the greatest value of %s.%s: %w", schema, table, err)
	}
	t.counters[schema+"."+table] = c
	return nil
}

// Counters returns the AUTO_INCREMENT counters by schema.table.
func (t *Truth) Counters() map[string]Counter { return t.counters }

// CountersMayFall returns a truth of a server that may have set counters back by itself: a restored one may be beyond them.
func (t *Truth) CountersMayFall() *Truth {
	return t.CountersFell(func(string) bool { return true })
}

// CountersFell is the same of the tables, as schema.table, for which fell is true.
func (t *Truth) CountersFell(fell func(table string) bool) *Truth {
	open := *t
	open.counters = maps.Clone(t.counters)
	for k, c := range open.counters {
		if fell(k) {
			open.counters[k] = Counter{Next: math.MaxUint64, Greatest: c.Greatest}
		}
	}
	return &open
}

// CounterDifferences lists where a restored counter is not what it has to be. The log does not
// hold what rolled-back and refused inserts took from a counter, so a restored one may be lower
// than the source's; but:
//
//   - it is never higher than the source's: nothing that the log or a definition brings is
//     anything but a value that the source's counter has passed. One that was set back since is
//     behind these no more: see CountersFell;
//   - it is behind every row that is there: the next insert meets none;
//   - it is at least what the caller says was in the definition that the backup read, or in a
//     row since, deleted or not (atLeast);
//   - it is the source's where the caller says that the counter's last move was that of a
//     committed row, deleted or not (exact).
func (t *Truth) CounterDifferences(restored *Truth, atLeast map[string]uint64, exact map[string]bool) []string {
	var out []string
	for _, k := range union(t.counters, restored.counters) {
		want, is := t.counters[k]
		got, there := restored.counters[k]
		if !is || !there {
			continue // a table that differs, and is told of as such
		}
		switch {
		case want.Next < atLeast[k]: // the caller is wrong
			out = append(out, fmt.Sprintf("counter of %s: the source itself has %d, and not at least %d", k, want.Next, atLeast[k]))
		case exact[k] && got.Next != want.Next:
			out = append(out, fmt.Sprintf("counter of %s: %d, the source has exactly %d", k, got.Next, want.Next))
		case got.Next > want.Next:
			out = append(out, fmt.Sprintf("counter of %s: %d, beyond the source's %d", k, got.Next, want.Next))
		case got.Next <= got.Greatest:
			out = append(out, fmt.Sprintf("counter of %s: %d, not behind its row %d", k, got.Next, got.Greatest))
		case got.Next < atLeast[k]:
			out = append(out, fmt.Sprintf("counter of %s: %d, but values up to %d were given out before", k, got.Next, atLeast[k]-1))
		}
	}
	return out
}
