package target

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tripod-db/tripod/internal/fault"
)

// Each connection of a restore holds a lock of the server's (GET_LOCK), by number, for as long as
// it lives. A connection outlives a killed restore while the server is at its last statement, so a
// run that goes on, or begins anew, waits for all of them; and two restores into one
// schema cannot meet. The first number is that of a connection that is idle most of the time:
// held, it tells of a restore that is alive.

const (
	// aliveAfter is how long the first connection of a killed restore is given to be noticed.
	aliveAfter = 5 * time.Second
	// endsWithin is how long the others are given: an ALTER of a large table takes its time.
	endsWithin = time.Hour
	// lookEvery is the rhythm in which a wait for a connection says so.
	lookEvery = 5 * time.Second
)

// presence numbers the connections of a restore.
type presence struct {
	home string // schema of the progress table
	// single: a connection can hold one lock only, and gives it back for another (MySQL before 5.7.5).
	single bool
	next   atomic.Int64
}

// keptConnections live as long as the restore: they create, drop and note, replay statements, and
// read definitions.
const keptConnections = 3

// Connections is the most that a restore with so many threads opens: those that it keeps, those of
// the load, those that read back, those of both lanes, and one for views.
func Connections(threads int) int { return keptConnections + threads + threads + 1 + threads + 1 }

func (p *presence) lock(number int) string {
	return fmt.Sprintf("tripod_restore_%.8x_%d", sha256.Sum256([]byte(p.home)), number)
}

// Claim names the schema whose restore this is, by its progress table: each session that is opened
// from here on holds a lock that tells of it.
func (t *Target) Claim(home string) { t.presence.home = home }

// OthersEnded tells that no session lives but those that a restore keeps: the next one gets the
// number behind theirs again.
func (t *Target) OthersEnded() { t.presence.next.Store(keptConnections) }

// AwaitOthers waits until no session of an earlier run is left, of which there were at most so many.
// waits is told of each.
func (t *Target) AwaitOthers(ctx context.Context, s Querier, most int, waits func(why string) (over func())) error {
	return t.presence.awaitOthers(ctx, s, most, waits)
}

// enter takes the lock of a connection.
func (p *presence) enter(ctx context.Context, s Querier) error {
	if p.home == "" {
		return nil // nothing is restored
	}
	number := int(p.next.Add(1)) - 1
	free, err := p.take(ctx, s, number, aliveAfter)
	if err != nil || free {
		return err
	}
	owner, err := OneRow(ctx, s, "SELECT IS_USED_LOCK('"+p.lock(number)+"')")
	if err != nil {
		return fmt.Errorf("ask for other restores on the target: %w", err)
	}
	return fault.New(fault.CodeFailed, fault.KindTarget, fmt.Sprintf("wait for it; if it is dead and its host is gone, on the target: KILL %s", owner[0]),
		"another restore into schema %s is at work on the target (connection %s)", p.home, owner[0])
}

func (p *presence) take(ctx context.Context, s Querier, number int, wait time.Duration) (free bool, err error) {
	row, err := OneRow(ctx, s, fmt.Sprintf("SELECT GET_LOCK('%s', %d)", p.lock(number), wait/time.Second))
	if err != nil {
		return false, fmt.Errorf("look for other restores on the target: %w", err)
	}
	return row[0] == "1", nil
}

// awaitFree waits for lookEvery until a lock is nobody's.
func (p *presence) awaitFree(ctx context.Context, s Querier, number int) (free bool, err error) {
	if p.single {
		return p.watchFree(ctx, s, number)
	}
	if free, err = p.take(ctx, s, number, lookEvery); err != nil || !free {
		return false, err
	}
	if _, err := OneRow(ctx, s, "SELECT RELEASE_LOCK('"+p.lock(number)+"')"); err != nil {
		return false, fmt.Errorf("look for other restores on the target: %w", err)
	}
	return true, nil
}

// watchFree is awaitFree for a session that must not take a second lock: it looks again and again.
func (p *presence) watchFree(ctx context.Context, s Querier, number int) (free bool, err error) {
	const pause = 100 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for begun := time.Now(); ; {
		row, err := OneRow(ctx, s, "SELECT IS_FREE_LOCK('"+p.lock(number)+"')")
		switch {
		case err != nil:
			return false, fmt.Errorf("look for other restores on the target: %w", err)
		case row[0] == "1":
			return true, nil
		case time.Since(begun) >= lookEvery:
			return false, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// awaitOthers waits until no connection of an earlier run is left. waits is told of each.
func (p *presence) awaitOthers(ctx context.Context, s Querier, most int, waits func(why string) (over func())) error {
	begun := time.Now()
	over := func() {}
	defer func() { over() }()
	for number := int(p.next.Load()); number < most; {
		free, err := p.awaitFree(ctx, s, number)
		if err != nil {
			return err
		}
		if free {
			number++
			over()
			over = func() {}
			continue
		}
		row, err := OneRow(ctx, s, "SELECT IS_USED_LOCK('"+p.lock(number)+"')")
		if err != nil {
			return fmt.Errorf("look for other restores on the target: %w", err)
		}
		over()
		over = waits("for connection " + row[0] + " of the killed restore, which is still at its last statement")
		if time.Since(begun) > endsWithin {
			return fault.New(fault.CodeFailed, fault.KindTarget, "on the target: KILL "+row[0],
				"connection %s of the killed restore has not ended in %s", row[0], endsWithin)
		}
	}
	return nil
}
