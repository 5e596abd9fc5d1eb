package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

// writers change rows in transactions until they are stopped. Between two transactions each
// passes the gate, which the harness closes while it takes the truth.
type writers struct {
	run  *run
	gate sync.RWMutex

	committed  atomic.Int64
	rolledBack atomic.Int64
	refused    atomic.Int64
	diverging  atomic.Int64 // statements that may void reads beside partial images

	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	err  error
}

// writerPause, where nothing else is wanted, between two transactions of a session keeps histories of a size that is restored
// in a second, while no chunk passes without a commit.
const writerPause = 15 * time.Millisecond

// A history with so many times the transactions that are wanted goes on slowly: its backup has much to read again, a
// few rows at a time, and tables that grow as fast as they are read are never read to their end.
const (
	longHistory = 4
	slowness    = 10
)

// betweenEvery: one in so many transactions is followed by a setting that a feature changes in mid-flight.
const betweenEvery = 6

// writerModes are the SQL modes of sessions that write; zero dates and 31 February among them.
var writerModes = []string{"", "ALLOW_INVALID_DATES", "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO", "ALLOW_INVALID_DATES,ANSI_QUOTES"}

// startWriters starts sessions that write, and one for each feature that wants one of its own.
func (h *run) startWriters(ctx context.Context, seed uint64, count int) *writers {
	ctx, cancel := context.WithCancel(ctx)
	all := &writers{run: h, stop: cancel}
	features := h.features
	start := func(name string, number uint64, step func(context.Context, *writer) error) {
		w := &writer{writers: all, r: rand.New(rand.NewPCG(seed, number)), features: features}
		all.done.Go(func() {
			if err := w.run(ctx, name, step); err != nil && ctx.Err() == nil {
				all.mu.Lock()
				all.err = errors.Join(all.err, err)
				all.mu.Unlock()
			}
		})
	}
	for i := range count {
		start(fmt.Sprintf("writer%d", i), uint64(i)+1000, func(ctx context.Context, w *writer) error { return w.step(ctx) })
	}
	for i, f := range features {
		if f.Beside != nil {
			step := f.Beside()
			start(f.Name, uint64(i)+2000, func(ctx context.Context, w *writer) error {
				n, err := step(ctx, w)
				return w.count(f.Name, n, err)
			})
		}
	}
	return all
}

// finish stops the writers between two steps: a commit that is broken off may be in the log and not be visible yet (W1), and what a
// session leaves behind half done is nothing that the truth could be compared with.
func (w *writers) finish() error {
	w.gate.Lock()
	w.stop()
	w.gate.Unlock()
	w.done.Wait()
	return w.err
}

// writer is one session that writes.
type writer struct {
	*writers
	*session
	r        *rand.Rand
	features []*Feature
	lean     bool // its row images lack columns
}

func (w *writer) run(ctx context.Context, name string, step func(context.Context, *writer) error) (err error) {
	settings := fmt.Sprintf("SET NAMES utf8mb4, sql_mode='%s', innodb_lock_wait_timeout=1, lock_wait_timeout=2, time_zone='%s'",
		writerModes[w.r.IntN(len(writerModes))], pick(w.r, "+00:00", "+09:00", "-03:30"))
	if w.session, err = w.writers.run.open(ctx, name, settings); err != nil {
		return err
	}
	defer w.close()
	for _, f := range w.features {
		if f.Session != nil {
			if err := w.all(ctx, f.Session(w)...); err != nil {
				return fmt.Errorf("set a writer's session for %s: %w", f.Name, err)
			}
		}
	}
	for ctx.Err() == nil {
		w.gate.RLock()
		var err error
		if ctx.Err() == nil {
			err = step(ctx, w)
		}
		w.gate.RUnlock()
		if err != nil {
			return err
		}
		between := cmp.Or(w.writers.run.Pause, writerPause)
		if w.committed.Load() > longHistory*int64(w.writers.run.Transactions) {
			between *= slowness
		}
		if pause(ctx, between) != nil {
			return nil
		}
	}
	return nil
}

// step is a transaction, of a feature's own kind or of the common one, and now and then a setting.
func (w *writer) step(ctx context.Context) error {
	for _, f := range w.features {
		if f.Transaction != nil && w.r.IntN(f.Every) == 0 {
			n, err := f.Transaction(ctx, w)
			return w.count(f.Name, n, err)
		}
	}
	if err := w.transaction(ctx); err != nil {
		return err
	}
	for _, f := range w.features {
		if f.Between != nil && w.r.IntN(betweenEvery) == 0 {
			if err := w.all(ctx, f.Between(w)...); err != nil {
				return fmt.Errorf("change a writer's session for %s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// count notes what a feature did.
func (w *writer) count(feature string, n int, err error) error {
	if n > 0 {
		w.writers.run.holds(feature, n)
	}
	return lost(err)
}

// transaction runs one of: a statement of its own, or several with savepoints, committed or
// rolled back. Errors of statements are the application's daily life.
func (w *writer) transaction(ctx context.Context) error {
	if w.r.IntN(4) == 0 {
		err := w.change(ctx)
		if err == nil {
			w.committed.Add(1)
		}
		return lost(err)
	}
	if err := w.exec(ctx, "BEGIN"); err != nil {
		return lost(err)
	}
	changed := false
	for i := range w.r.IntN(5) + 1 {
		point := w.r.IntN(5) == 0
		if point {
			if err := w.exec(ctx, fmt.Sprintf("SAVEPOINT s%d", i)); err != nil {
				return lost(err)
			}
		}
		err := w.change(ctx)
		if isLost(err) {
			return err
		}
		changed = changed || err == nil
		if point && w.r.IntN(2) == 0 {
			if err := lost(w.exec(ctx, fmt.Sprintf("ROLLBACK TO s%d", i))); err != nil {
				return err
			}
		}
	}
	end := "COMMIT"
	if w.r.IntN(8) == 0 {
		end = "ROLLBACK"
	}
	err := w.exec(ctx, end)
	switch {
	case err == nil && end == "ROLLBACK":
		w.rolledBack.Add(1)
	case err == nil && changed:
		w.committed.Add(1)
	}
	return lost(err)
}

// exec runs a statement of the session.
func (w *writer) exec(ctx context.Context, statement string) error {
	err := w.session.exec(ctx, statement)
	if err != nil && !isLost(err) {
		w.refused.Add(1)
	}
	return err
}

// isLost tells an error of the connection from one of a statement.
func isLost(err error) bool {
	var refused *mysql.MySQLError
	return err != nil && !errors.As(err, &refused)
}

func lost(err error) error {
	if isLost(err) {
		return err
	}
	return nil
}

// intoChunks: while a backup runs, one change of so many is one of the table that it is reading.
const intoChunks = 3

// change runs one random statement on a random table.
func (w *writer) change(ctx context.Context) error {
	h := w.writers.run
	names := h.live.names()
	if len(names) == 0 {
		return nil
	}
	n := names[w.r.IntN(len(names))]
	if w.r.IntN(intoChunks) == 0 {
		// Most tables are read in no time: few of their rows would change meanwhile.
		if i := slices.IndexFunc(names, func(n name) bool { return n.String() == h.chunkOf.Load() }); i >= 0 {
			n = names[i]
		}
	}
	s := w.draw(n, h.live.columns(n))
	if s == "" {
		return nil
	}
	err := w.exec(ctx, s)
	if feature := h.shapes[n.table]; err == nil && feature != "" {
		h.census.add(feature, byTables, 1)
	}
	return err
}

// change draws one statement on a table.
func change(r *rand.Rand, n name, columns []column) string {
	var usable, keys []column
	for _, c := range columns {
		if c.generated {
			continue
		}
		usable = append(usable, c)
		if c.key {
			keys = append(keys, c)
		}
	}
	if len(usable) == 0 {
		return ""
	}
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		return insert(r, "INSERT", n, usable)
	case 4:
		return insert(r, "REPLACE", n, usable)
	case 5:
		return insert(r, "INSERT IGNORE", n, usable)
	case 6:
		c := usable[r.IntN(len(usable))]
		return insert(r, "INSERT", n, usable) + " ON DUPLICATE KEY UPDATE " + quote(c.name) + "=" + literal(r, c)
	case 7:
		return "DELETE FROM " + n.String() + where(r, usable, keys, 2)
	case 8:
		if len(keys) > 0 { // the row moves to another key or another unique value
			c := keys[r.IntN(len(keys))]
			return "UPDATE " + n.String() + " SET " + quote(c.name) + "=" + literal(r, c) + where(r, usable, keys, 1)
		}
	}
	var sets []string
	for range r.IntN(3) + 1 {
		c := usable[r.IntN(len(usable))]
		if c.key && r.IntN(3) > 0 {
			continue
		}
		sets = append(sets, quote(c.name)+"="+literal(r, c))
	}
	if len(sets) == 0 {
		return ""
	}
	return "UPDATE " + n.String() + " SET " + strings.Join(sets, ", ") + where(r, usable, keys, 3)
}

func insert(r *rand.Rand, verb string, n name, usable []column) string {
	var list []string
	var used []column
	for i, c := range usable {
		// One at least: of rows without a single logged column a table without transactions may hold more than the log
		// (TestRowsWithoutColumns of binlog/event).
		needed := i == len(usable)-1 && len(used) == 0
		if !needed && ((c.autoIncrement && r.IntN(2) == 0) || (c.nullable && r.IntN(12) == 0)) {
			continue
		}
		used = append(used, c)
		list = append(list, quote(c.name))
	}
	rows := make([]string, r.IntN(3)+1)
	for i := range rows {
		values := make([]string, len(used))
		for j, c := range used {
			values[j] = literal(r, c)
		}
		rows[i] = "(" + strings.Join(values, ",") + ")"
	}
	return verb + " INTO " + n.String() + " (" + strings.Join(list, ",") + ") VALUES " + strings.Join(rows, ",")
}

// where picks few rows by a key where there is one, so that writers lock little.
func where(r *rand.Rand, usable, keys []column, limit int) string {
	of := keys
	if len(of) == 0 {
		of = usable
	}
	c := of[r.IntN(len(of))]
	if c.dataType == "json" || c.dataType == "vector" || c.spatial() {
		return fmt.Sprintf(" LIMIT %d", r.IntN(limit)+1)
	}
	c.nullable = false
	return fmt.Sprintf(" WHERE %s >= %s ORDER BY %s LIMIT %d", quote(c.name), literal(r, c), quote(c.name), r.IntN(limit)+1)
}
