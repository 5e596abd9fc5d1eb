package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
)

// writers change rows in transactions until they are stopped. Between two transactions each
// passes the gate, which the harness closes while it takes the truth.
type writers struct {
	db   *sql.DB
	live *live
	gate sync.RWMutex

	committed  atomic.Int64
	rolledBack atomic.Int64
	refused    atomic.Int64

	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	err  error
}

// writerPause between two transactions of a session keeps histories of a size that is restored
// in a second, while no chunk passes without a commit.
const writerPause = 15 * time.Millisecond

// writerModes are the SQL modes of sessions that write; zero dates and 31 February among them.
var writerModes = []string{"", "ALLOW_INVALID_DATES", "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO", "ALLOW_INVALID_DATES,ANSI_QUOTES"}

func startWriters(ctx context.Context, db *sql.DB, l *live, seed uint64, count int) *writers {
	ctx, cancel := context.WithCancel(ctx)
	w := &writers{db: db, live: l, stop: cancel}
	for i := range count {
		r := rand.New(rand.NewPCG(seed, uint64(i)+1000))
		w.done.Go(func() {
			if err := w.run(ctx, r); err != nil && ctx.Err() == nil {
				w.mu.Lock()
				w.err = errors.Join(w.err, err)
				w.mu.Unlock()
			}
		})
	}
	return w
}

func (w *writers) finish() error {
	w.stop()
	w.done.Wait()
	return w.err
}

func (w *writers) run(ctx context.Context, r *rand.Rand) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect a writer: %w", err)
	}
	defer conn.Close()
	mode := writerModes[r.IntN(len(writerModes))]
	set := fmt.Sprintf("SET NAMES utf8mb4, sql_mode='%s', innodb_lock_wait_timeout=1, lock_wait_timeout=2, time_zone='%s'",
		mode, pick(r, "+00:00", "+09:00", "-03:30"))
	if _, err := conn.ExecContext(ctx, set); err != nil {
		return fmt.Errorf("set a writer's session: %w", err)
	}
	for ctx.Err() == nil {
		w.gate.RLock()
		err := w.transaction(ctx, conn, r)
		w.gate.RUnlock()
		if err != nil {
			return err
		}
		if pause(ctx, writerPause) != nil {
			return nil
		}
	}
	return nil
}

// transaction runs one of: a statement of its own, or several with savepoints, committed or
// rolled back. Errors of statements are the application's daily life.
func (w *writers) transaction(ctx context.Context, conn *sql.Conn, r *rand.Rand) error {
	if r.IntN(4) == 0 {
		err := w.statement(ctx, conn, r)
		if err == nil {
			w.committed.Add(1)
		}
		return lost(err)
	}
	if err := w.exec(ctx, conn, "BEGIN"); err != nil {
		return lost(err)
	}
	changed := false
	for i := range r.IntN(5) + 1 {
		point := r.IntN(5) == 0
		if point {
			if err := w.exec(ctx, conn, fmt.Sprintf("SAVEPOINT s%d", i)); err != nil {
				return lost(err)
			}
		}
		err := w.statement(ctx, conn, r)
		if isLost(err) {
			return err
		}
		changed = changed || err == nil
		if point && r.IntN(2) == 0 {
			if err := lost(w.exec(ctx, conn, fmt.Sprintf("ROLLBACK TO s%d", i))); err != nil {
				return err
			}
		}
	}
	end := "COMMIT"
	if r.IntN(8) == 0 {
		end = "ROLLBACK"
	}
	err := w.exec(ctx, conn, end)
	switch {
	case err == nil && end == "ROLLBACK":
		w.rolledBack.Add(1)
	case err == nil && changed:
		w.committed.Add(1)
	}
	return lost(err)
}

func (w *writers) exec(ctx context.Context, conn *sql.Conn, statement string) error {
	_, err := conn.ExecContext(ctx, statement)
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

func (w *writers) statement(ctx context.Context, conn *sql.Conn, r *rand.Rand) error {
	names := w.live.names()
	if len(names) == 0 {
		return nil
	}
	n := names[r.IntN(len(names))]
	s := change(r, n, w.live.columns(n))
	if s == "" {
		return nil
	}
	return w.exec(ctx, conn, s)
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
	for _, c := range usable {
		if (c.autoIncrement && r.IntN(2) == 0) || (c.nullable && r.IntN(12) == 0) {
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
	switch c.dataType {
	case "json", "vector", "geometry", "point", "linestring", "polygon", "multipoint", "geomcollection", "geometrycollection":
		return fmt.Sprintf(" LIMIT %d", r.IntN(limit)+1)
	}
	c.nullable = false
	return fmt.Sprintf(" WHERE %s >= %s ORDER BY %s LIMIT %d", quote(c.name), literal(r, c), quote(c.name), r.IntN(limit)+1)
}
