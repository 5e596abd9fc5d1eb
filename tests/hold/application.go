package hold

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// durations collects how long something took.
type durations struct {
	count   int
	longest time.Duration
	what    string // that took longest
}

func (d *durations) add(took time.Duration, what string) {
	d.count++
	if took >= d.longest {
		d.longest, d.what = took, what
	}
}

func (d *durations) merge(other durations) {
	count := d.count + other.count
	if other.longest >= d.longest {
		*d = other
	}
	d.count = count
}

// application writes rows by key in short transactions until its context ends. Each session has rows
// of its own, so that none waits for another's locks.
func application(ctx context.Context, db *sql.DB, tables []string, rows, sessions int) (durations, error) {
	var (
		mu   sync.Mutex
		all  durations
		errs []error
		done sync.WaitGroup
	)
	for i := range sessions {
		done.Go(func() {
			d, err := writeRows(ctx, db, tables, rows, sessions, i)
			mu.Lock()
			defer mu.Unlock()
			all.merge(d)
			errs = append(errs, err)
		})
	}
	done.Wait()
	return all, errors.Join(errs...)
}

// thinking is an application's pause between transactions.
const thinking = 2 * time.Millisecond

// deadlock is what an application meets and repeats: one that has read from a table and now
// wants to write it, with an ALTER waiting in between, is the victim (of a metadata deadlock).
const deadlock = 1213

func writeRows(ctx context.Context, db *sql.DB, tables []string, rows, sessions, session int) (d durations, err error) {
	// The session outlives ctx by a statement: an application does not cut its statements off.
	working := context.WithoutCancel(ctx)
	conn, err := db.Conn(working)
	if err != nil {
		return d, fmt.Errorf("connect the application: %w", err)
	}
	defer conn.Close()
	r := rand.New(rand.NewPCG(uint64(session), 1))
	for ctx.Err() == nil {
		id := 1 + r.IntN(rows/sessions)*sessions + session
		for _, text := range []string{
			"BEGIN",
			fmt.Sprintf("SELECT n FROM %s WHERE id = %d", tables[r.IntN(len(tables))], id),
			fmt.Sprintf("UPDATE %s SET n = n + 1 WHERE id = %d", tables[r.IntN(len(tables))], id),
			fmt.Sprintf("INSERT INTO hold.journal (session, n) VALUES (%d, %d)", session, id),
			"COMMIT",
		} {
			began := time.Now()
			_, err := conn.ExecContext(working, text)
			d.add(time.Since(began), text)
			if mysqltest.IsError(err, deadlock) {
				_, err = conn.ExecContext(working, "ROLLBACK")
				if err == nil {
					break
				}
			}
			if err != nil {
				return d, fmt.Errorf("application: %s: %w", text, err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(thinking):
		}
	}
	return d, nil
}

// alterPause lies between two ALTERs of the loop.
const alterPause = 30 * time.Millisecond

// alters runs count ALTERs, most of them on the tables that the backup reads for long. Every
// tenth changes what rows mean, on a small table, so that a backup has to read it again.
func alters(ctx context.Context, s *mysqltest.Server, tables []string, count int) (d durations, err error) {
	conn, err := s.Root().Conn(ctx)
	if err != nil {
		return d, fmt.Errorf("connect for ALTERs: %w", err)
	}
	defer conn.Close()
	for i := range count {
		text := fmt.Sprintf("ALTER TABLE %s COMMENT = 'change %d'", tables[i%len(tables)], i)
		if i%10 == 9 {
			text = fmt.Sprintf("ALTER TABLE hold.settings MODIFY v VARCHAR(%d)", 100+i%2)
		}
		began := time.Now()
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return d, fmt.Errorf("%s: %w", text, err)
		}
		d.add(time.Since(began), text)
		select {
		case <-ctx.Done():
			return d, context.Cause(ctx)
		case <-time.After(alterPause):
		}
	}
	return d, nil
}
