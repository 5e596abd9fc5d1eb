package dumper

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/chunk"
)

const (
	// halvings is how often the middle of a range is looked for, where the rows stand all on one side.
	halvings = 8
	// skipChunks is how many chunks' rows a key without a middle is walked over to find a bound:
	// the server steps over rows faster than it sends them, and max-hold bounds that too.
	skipChunks = 4
	// restsAfter is for how many chunks a part that could not be split is left alone.
	restsAfter = 8
)

// share gives the second half of what is left of the walker's part to a worker that has nothing to
// do, if there is enough of it. What cannot be split stays one part.
func (w *walker) share(ctx context.Context) error {
	if w.rests > 0 {
		w.rests--
		return nil
	}
	if !w.path.certain() || w.locksTable() || !w.board.hungry() || w.left() < w.cfg.tuning.splitText {
		return nil
	}
	at, ahead, rest, err := w.middle(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if at == nil {
		// What is wrong with the table or the connection the next chunk will tell.
		w.cfg.Log.Debug("a range could not be split", "table", w.want.Name.String(), "error", err)
		w.rests = restsAfter
		return nil
	}
	behind := w.parts.split(w.part, at, rest, w.parts.nextNumber())
	w.journalSplit(w.part, behind)
	w.part.expect = w.part.rows + ahead
	w.cfg.Log.Debug("a range is split for an idle worker", "table", w.want.Name.String(), "at", strings.Join(at, ", "))
	w.board.offer(rangeJob{read: w.tableRead, path: w.path, part: behind})
	return nil
}

// left estimates how much text is left of the part.
func (w *walker) left() uint64 {
	p := w.part
	rows := p.rows // as much again, where the server's estimate was too low
	if p.expect > p.rows {
		rows = p.expect - p.rows
	}
	return rows * (p.text / max(p.rows, 1))
}

// middle returns the key of a row about halfway between the last chunk and the part's end, and about
// how many rows lie in front of it and behind it; nil for none.
func (w *walker) middle(ctx context.Context) (at []string, ahead, rest uint64, err error) {
	rows := max(w.part.expect, 2*w.part.rows) - w.part.rows
	if w.path.parts[0].isInteger() {
		at, err = w.halve(ctx)
		if at != nil || err != nil {
			return at, rows / 2, rows / 2, err
		}
	}
	skip := min(rows/2, skipChunks*w.rows)
	if at, err = w.dive(ctx, "", skip); err != nil {
		return nil, 0, 0, err
	}
	return at, skip, rows - skip, nil
}

func (p keyPart) isInteger() bool {
	switch p.column.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return true
	}
	return false
}

// halve looks for a row in the second half of the range by the arithmetic of the key's first column.
// Each look is one dive into the index.
func (w *walker) halve(ctx context.Context) ([]string, error) {
	end := w.part.until
	if end == nil {
		return nil, nil
	}
	low, okLow := new(big.Int).SetString(w.part.after[0], 10)
	high, okHigh := new(big.Int).SetString(end[0], 10)
	if !okLow || !okHigh {
		return nil, fmt.Errorf("bounds %s and %s are no integers", w.part.after[0], end[0])
	}
	for range halvings {
		middle := new(big.Int).Add(low, high)
		middle.Rsh(middle, 1)
		if middle.Cmp(low) == 0 || middle.Cmp(high) == 0 {
			return nil, nil
		}
		first := w.path.parts[0]
		at, err := w.dive(ctx, quoted(first)+orEqual(first)+middle.String(), 0)
		if at != nil || err != nil {
			return at, err
		}
		high = middle
	}
	return nil, nil
}

// dive returns the key of a row behind the last chunk and before the part's end, the one behind skip
// others; nil for none. condition is one more.
func (w *walker) dive(ctx context.Context, condition string, skip uint64) ([]string, error) {
	conditions := []string{behind(w.path.parts, w.part.after)}
	if w.part.until != nil {
		conditions = append(conditions, before(w.path.parts, w.part.until))
	}
	if condition != "" {
		conditions = append(conditions, condition)
	}
	return w.key(ctx, "("+strings.Join(conditions, ") AND (")+")", order(w.path.parts), skip)
}

// key reads the key of one row, in a transaction of its own like a chunk, and no longer than one.
func (w *walker) key(ctx context.Context, condition, order string, skip uint64) (bound []string, err error) {
	conn, err := w.connection(ctx)
	if err != nil {
		return nil, err
	}
	p := w.path.keyOnly()
	statement := fmt.Sprintf("SELECT %s%s FROM %s FORCE INDEX (%s) WHERE %s ORDER BY %s LIMIT 1 OFFSET %d",
		w.hint(), p.list, p.table.Name.Quoted(), schema.Quote(p.key), condition, order, skip)
	stop := w.killAfter(ctx, conn, w.cfg.MaxHold+killGrace)
	defer stop()
	err = guarded(ctx, conn, statement, func(packet []byte) error {
		bound, _, err = p.bound(packet, nil)
		return err
	})
	return bound, server.Classify(err)
}

// keyOnly is the path with a SELECT list of the key alone.
func (p *path) keyOnly() *path {
	out := &path{table: p.table, key: p.key, parts: p.parts}
	var list []string
	for i, part := range p.parts {
		out.fields = append(out.fields, i)
		list = append(list, boundExpression(part.column))
	}
	out.list = strings.Join(list, ", ")
	return out
}

// reversed is the key in the opposite order.
func reversed(parts []keyPart) []keyPart {
	out := slices.Clone(parts)
	for i := range out {
		out[i].descending = !out[i].descending
	}
	return out
}

// before renders the condition for rows in front of a bound in the key's order, without its own row.
func before(parts []keyPart, bound []string) string { return behind(reversed(parts), bound) }

// upTo renders the condition for rows in front of a bound, with its own row: for a key (a,b) and a
// bound (x,y) it is a<=x AND (a<x OR a=x AND b<=y), so that the server ends where the range does.
func upTo(parts []keyPart, bound []string) string {
	first := keyPart{column: parts[0].column, descending: !parts[0].descending}
	condition := quoted(first) + orEqual(first) + bound[0]
	if len(parts) == 1 {
		return condition
	}
	return condition + " AND (" + quoted(first) + strict(first) + bound[0] + " OR (" + quoted(first) + "=" + bound[0] + " AND (" + upTo(parts[1:], bound[1:]) + ")))"
}

// rangeJob is a part of a table for a worker that has nothing else to do.
type rangeJob struct {
	read *tableRead
	path *path
	part *part
}

// help walks a part of a table that another worker reads.
func (w *worker) help(ctx context.Context, j rangeJob) (err error) {
	of := j.read
	r := &tableRead{
		worker: w, want: of.want, table: of.table, selected: of.selected, columns: of.columns, number: of.number,
		parts: of.parts, definition: of.definition, defined: of.defined, result: of.result,
	}
	w.phase.Doing(r.want.Name.String())
	if r.writer, err = chunk.NewWriter(chunk.NewTranscoder(r.table), r.cfg.Compression); err != nil {
		return err
	}
	whole, err := r.walkPart(ctx, j.path, j.part)
	if closing := r.writer.Close(); err == nil {
		err = closing
	}
	if err != nil && judge(err) == gone && ctx.Err() == nil {
		return r.brokeOff(ctx, err)
	}
	if err != nil || !whole {
		return err
	}
	w.later(r.complete)
	return nil
}

// assignment is what a worker does next: read something, or help with a part of a table.
type assignment struct {
	want bases.Want
	help *rangeJob
}
