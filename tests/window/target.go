package window

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/rewriter"
)

// target is where histories are restored: one connection, with tables of its own. Each restore is one
// transaction, which is rolled back when it has been looked at.
type target struct {
	*session
	tables []*rewriter.Table
}

func newTarget(ctx context.Context, db *sql.DB, number int) (*target, error) {
	session, err := begin(ctx, db, sourceSchema+strconv.Itoa(number), targetName)
	if err != nil {
		return nil, err
	}
	t := &target{session: session}
	for i := range shapes {
		def, err := t.definition(ctx, targetName(i))
		if err != nil {
			return nil, errors.Join(err, session.Close())
		}
		t.tables = append(t.tables, rewriter.NewTable(def, def.Name))
	}
	if _, err := t.run(ctx, "SET sql_log_bin=0"); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	return t, nil
}

// verdict is what a rule made of a history.
type verdict struct {
	steps []step
	// problem says what is wrong; empty for nothing. stopped tells that the restore came to no end.
	problem string
	stopped bool
}

// try restores a history by a rule, and compares.
func (t *target) try(ctx context.Context, h *history, number int) (v verdict, err error) {
	rule, table := &rules[number], t.tables[h.shape]
	v.steps, err = rule.steps(table, h, rand.New(rand.NewPCG(h.seed, drawRule+uint64(number))))
	if err != nil {
		return v.stop("no statements: %v", err), nil
	}
	sql := []string{"ROLLBACK", "START TRANSACTION"}
	for _, i := range h.load {
		if rows := h.chunks[i].rows; len(rows) > 0 {
			sql = append(sql, newText(table).write("REPLACE", rows...))
		}
	}
	before := len(sql)
	for _, s := range v.steps {
		sql = append(sql, s.sql)
	}
	counts, err := t.run(ctx, strings.Join(sql, ";"))
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return v.stop("the server refuses a statement: %v", refused), nil
	}
	if err != nil {
		return v, err
	}
	if len(counts) != len(sql) {
		return v, fmt.Errorf("the server answered %d of %d statements", len(counts), len(sql))
	}
	for i, s := range v.steps {
		if n := counts[before+i]; s.count != rewriter.Uncounted && n != int64(s.count) {
			return v.stop("the account: %d rows instead of %d by %s", n, s.count, s.sql), nil
		}
	}
	rows, err := t.rows(ctx, contents(table.Definition()))
	if err != nil {
		return v, err
	}
	got, want := state(rows).sorted(), h.states[rule.end(h)].sorted()
	if !slices.Equal(got, want) {
		v.problem = difference(got, want)
	}
	return v, nil
}

func (v verdict) stop(format string, args ...any) verdict {
	v.problem, v.stopped = fmt.Sprintf(format, args...), true
	return v
}

// difference tells two sorted lists of rows apart.
func difference(got, want []string) string {
	var b strings.Builder
	list := func(title string, of, without []string) {
		without = slices.Clone(without)
		for _, r := range of {
			if i := slices.Index(without, r); i >= 0 {
				without = slices.Delete(without, i, i+1)
				continue
			}
			fmt.Fprintf(&b, "%s %s\n", title, r)
		}
	}
	list("missing:", want, got)
	list("too many:", got, want)
	return strings.TrimSuffix(b.String(), "\n")
}
