package dumper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/chunk"
)

// probeEvery is how long the probe of a long read rests: with lock_wait_timeout=1 it tells within
// a second and a half that somebody waits, so a waiting ALTER waits for less than max-hold.
const probeEvery = 500 * time.Millisecond

// snapshot reads a table without a key in one read view (class snapshot). Its marks are sampled
// directly before and after it, never taken from the clock's turn: the shorter the window, the
// better the chance that no row event of the table lies in it (R5).
func (r *tableRead) snapshot(ctx context.Context) (whole bool, err error) {
	err = r.attemptRoomy(ctx, func(ctx context.Context) error {
		r.chunks = nil
		if r.locksTable() {
			return r.snapshotByTableBarrier(ctx)
		}
		exact, err := source.CanOpenExactSnapshot(ctx, r.cfg.Source)
		if err != nil {
			return err
		}
		if source.ProvedGTIDLow(r.cfg.Source.Facts()) {
			return r.snapshotByGTID(ctx)
		}
		if exact && !r.want.Settle { // log_status does not wait for the commits of XA transactions
			done, err := r.snapshotByLogStatus(ctx)
			if done || err != nil {
				return err
			}
		}
		return r.snapshotByBarrier(ctx)
	})
	if err != nil {
		return false, errors.Join(r.unlessVoid(err), r.writer.Discard())
	}
	return true, nil
}

// snapshotByGTID: everything in gtid_executed before the read is visible to it (fact 1.3).
func (r *tableRead) snapshotByGTID(ctx context.Context) error {
	low, err := r.clock.AfterNow(ctx)
	if err != nil {
		return err
	}
	return r.readView(ctx, low, r.mark(low))
}

// snapshotByBarrier: everything before the barrier's position is visible to what is read behind
// the barrier (fact 15.2).
func (r *tableRead) snapshotByBarrier(ctx context.Context) error {
	before, err := r.before(ctx, r.want)
	if err != nil {
		return err
	}
	at, err := r.barrier(ctx)
	if err != nil {
		return err
	}
	return r.readView(ctx, before, exactMark(at))
}

// snapshotByLogStatus: where log_status is the same before and after the view is opened, its
// position is the view's (fact 15.6). Under load that is rare: done is false then.
func (r *tableRead) snapshotByLogStatus(ctx context.Context) (done bool, err error) {
	conn, err := r.connection(ctx)
	if err != nil {
		return false, err
	}
	before, err := r.before(ctx, r.want)
	if err != nil {
		return false, err
	}
	at, exact, err := source.OpenExactSnapshot(ctx, conn, r.timeline)
	if err != nil || !exact {
		return false, err
	}
	err = r.probed(ctx, conn, nil, func(ctx context.Context) error {
		return r.within(ctx, conn, before, func(ctx context.Context, statement string, row func([]byte) error) ([]server.Field, error) {
			fields, err := conn.Query(ctx, statement, row)
			if err == nil {
				_, err = conn.Query(ctx, "COMMIT", nil) // the view is held for no store and no clock
			}
			return fields, err
		})
	})
	if err != nil {
		if !conn.Broken() {
			if _, rollback := conn.Query(ctx, "ROLLBACK", nil); rollback != nil {
				err = errors.Join(err, rollback)
			}
		}
		return false, err
	}
	// The view's position is both marks: nothing at all lies in its window.
	r.result.Chunks, r.result.Rows = exactMark(at), exactMark(at)
	return true, nil
}

// snapshotByTableBarrier reads a table that has no read views: its lock is one. What its low mark is,
// see source.TableBarrier.
func (r *tableRead) snapshotByTableBarrier(ctx context.Context) error {
	before, err := r.before(ctx, r.want)
	if err != nil {
		return err
	}
	conn, err := r.connection(ctx)
	if err != nil {
		return err
	}
	at, ok, err := source.TableBarrier(ctx, r.cfg.Source, conn, r.want.Name, r.timeline)
	if err != nil {
		return err
	}
	if !ok {
		return errTableGone
	}
	return r.readView(ctx, before, exactMark(at))
}

// barrierTries is how often, each time for a second, the lock of a table is waited for before its
// writers serve as the proof: where one of them waits at every moment the barrier never has its turn.
const barrierTries = 3

// behindTableLock reads the definition of a table of this kind once more, behind a barrier: what the log
// holds before that is in the definition, and in the rows that are read from now on.
func (r *tableRead) behindTableLock(ctx context.Context) (definitionRead, *schema.Table, error) {
	tries := 0
	err := r.attempt(ctx, func(ctx context.Context) error {
		if _, err := r.before(ctx, r.want); err != nil {
			return err
		}
		conn, err := r.connection(ctx)
		if err != nil {
			return err
		}
		r.result.Settled, _, err = source.TableBarrier(ctx, r.cfg.Source, conn, r.want.Name, r.timeline)
		if tries++; errors.Is(err, source.ErrTableLocked) && tries >= barrierTries && !r.want.Settle {
			return nil
		}
		return err
	})
	if err != nil {
		return definitionRead{}, nil, err
	}
	definition, t, err := r.showTable(ctx, r.want)
	r.result.Locked = t != nil && t.LocksTable()
	if !r.result.Locked {
		r.result.Settled = binlog.Position{} // of another table
	}
	return definition, t, err
}

// settle runs the row barrier before everything else, where the rules want one. A table that is
// gone has no rows to wait for: what is read next tells that.
func (r *tableRead) settle(ctx context.Context) error {
	// A table that is read behind its lock has a barrier of another kind (see behindTableLock).
	if c := r.contents.table(r.want.Name); !r.want.Settle || c != nil && c.table.LocksTable() {
		return nil
	}
	err := r.attempt(ctx, func(ctx context.Context) error {
		at, err := r.barrier(ctx)
		r.result.Settled = at
		return err
	})
	if err != nil && judge(err) == gone && ctx.Err() == nil {
		return nil
	}
	return err
}

// barrier runs the row barrier beside a probe, not before the place that the read must be behind.
func (r *tableRead) barrier(ctx context.Context) (at binlog.Position, err error) {
	conn, err := r.connection(ctx)
	if err != nil {
		return at, err
	}
	if _, err := r.before(ctx, r.want); err != nil {
		return at, err
	}
	// It brings no row: that the server answers meanwhile has to do for a sign that it comes nearer to the table's end. No
	// wait for a row's lock lasts longer than a second, and then it ends.
	err = r.probed(ctx, conn, r.advances.step, func(ctx context.Context) (err error) {
		at, err = source.RowBarrier(ctx, r.cfg.Source, conn, r.want.Name, r.timeline)
		return err
	})
	return at, err
}

func exactMark(p binlog.Position) bases.Mark {
	return bases.Mark{High: p, Low: func() (binlog.Position, bool) { return p, true }}
}

// readView reads the table in one SELECT; the high mark is sampled directly behind its last row.
func (r *tableRead) readView(ctx context.Context, before source.Tick, low bases.Mark) error {
	conn, err := r.connection(ctx)
	if err != nil {
		return err
	}
	err = r.probed(ctx, conn, nil, func(ctx context.Context) error {
		return r.within(ctx, conn, before, func(ctx context.Context, statement string, row func([]byte) error) ([]server.Field, error) {
			return nil, guarded(ctx, conn, statement, row)
		})
	})
	if err != nil {
		return err
	}
	high, err := r.lastTick.await(ctx)
	if err != nil {
		return err
	}
	r.result.Chunks, r.result.Rows = low, r.mark(high)
	return nil
}

// query runs one SELECT.
type query func(ctx context.Context, statement string, row func(packet []byte) error) ([]server.Field, error)

// within reads all rows by one SELECT and stores them in several objects. While one of them is
// being stored the SELECT stands still: the probe lets go if somebody waits.
func (r *tableRead) within(ctx context.Context, conn *server.RawConn, before source.Tick, run query) error {
	limit := r.chunkMemory()
	conn.LimitRows(r.rowLimit())
	defer conn.LimitRows(0)
	var unknown futureTick
	pending := 0 // rows that no object holds yet
	r.rows = 0
	_, err := run(ctx, wholeTable(r), func(packet []byte) error {
		if _, err := r.writer.Row(packet); err != nil {
			return err
		}
		r.moved = time.Now()
		r.advances.step()
		r.rows++
		pending++
		if r.writer.Text() < limit {
			return nil
		}
		pending = 0
		return r.keep(r.put(ctx, nil, nil, before, unknown))
	})
	if err != nil {
		r.chunks = nil
		return errors.Join(err, r.writer.Discard())
	}
	// For tests: a table that is never quiet.
	failpoint.InjectCall("inSnapshotWindow", r.want.Name)
	// The window ends here, and not behind the store, which may be slow.
	last := r.tickNow()
	if _, err := last.await(ctx); err != nil {
		return err
	}
	if pending > 0 {
		if err := r.keep(r.put(ctx, nil, nil, before, last)); err != nil {
			return err
		}
	}
	for i := range r.chunks {
		r.chunks[i].behind = last
	}
	r.covers(before, last)
	return nil
}

// keep notes a chunk of a table that is read whole.
func (r *tableRead) keep(c storedChunk, err error) error {
	if err == nil {
		r.chunks = append(r.chunks, c)
	}
	return err
}

// wholeTable renders the one SELECT of a table.
func wholeTable(r *tableRead) string {
	expressions, _ := chunk.Select(r.table)
	return "SELECT " + strings.Join(expressions, ", ") + " FROM " + r.want.Name.Quoted()
}

// oneChunk reads a keyed table whose key cannot be walked: one long SELECT, its marks from the
// clock as for every chunk.
func (r *tableRead) oneChunk(ctx context.Context) (whole bool, err error) {
	err = r.attemptRoomy(ctx, func(ctx context.Context) error {
		r.chunks = nil
		conn, err := r.connection(ctx)
		if err != nil {
			return err
		}
		before, err := r.before(ctx, r.want)
		if err != nil {
			return err
		}
		return r.probed(ctx, conn, nil, func(ctx context.Context) error {
			return r.within(ctx, conn, before, func(ctx context.Context, statement string, row func([]byte) error) ([]server.Field, error) {
				return nil, guarded(ctx, conn, statement, row)
			})
		})
	})
	if err != nil {
		return false, errors.Join(r.unlessVoid(err), r.writer.Discard())
	}
	return true, nil
}

// errSomebodyWaits: the probe met a lock request behind our own.
var errSomebodyWaits = errors.New("a statement of another session waited behind the read")

// probed runs a statement that may take long, beside a probe on another connection: SELECT 1
// FROM t LIMIT 0 waits only if somebody waits for an exclusive lock on the table (fact 3.8), and
// then the statement is killed. It is tried again by attempt, after the other one's turn. looked, if there is one, is
// called behind each look for which nobody waited.
func (r *tableRead) probed(ctx context.Context, conn *server.RawConn, looked func(), statement func(context.Context) error) error {
	reading, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	ended := make(chan struct{})
	probe := make(chan struct{})
	go func() {
		defer close(probe)
		if somebody := r.probe(reading, ended, looked); somebody != nil {
			r.kill(ctx, conn)
			// The server may stand still because we do: a store that is slow holds the rows back.
			giveUp(fmt.Errorf("%w: %w", errLetGo, somebody))
		}
	}()
	err := statement(reading)
	close(ended)
	giveUp(nil) // nobody waits for what a probe under way would say
	<-probe
	if err != nil && conn.Broken() {
		// Its end lets the metadata lock go.
		err = errors.Join(err, r.disconnect())
	}
	if why := context.Cause(reading); err != nil && ctx.Err() == nil && errors.Is(why, errLetGo) {
		return why
	}
	return err
}

// lookedFor is the LIMIT of the probe. Whoever waits for the lock of a table that has no other waits
// unseen by a look that reads nothing, and in front of one that reads a row.
func (r *tableRead) lookedFor() string {
	if r.locksTable() {
		return "1"
	}
	return "0"
}

func (r *tableRead) locksTable() bool { return r.table != nil && r.table.LocksTable() }

// errLetGo: the read was given up so that another session's statement can go on.
var errLetGo = errors.New("the read was given up")

// probe looks until ended is closed. It returns as soon as somebody waits behind the read, or
// when it could not look for longer than max-hold: a read that long is watched or it is not made.
func (r *tableRead) probe(ctx context.Context, ended <-chan struct{}, looked func()) (err error) {
	timer := time.NewTicker(probeEvery)
	defer timer.Stop()
	var look *server.RawConn
	defer func() {
		if look != nil {
			err = errors.Join(err, look.Close())
		}
	}()
	seen := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ended:
			return nil
		case <-timer.C:
		}
		var trouble error
		if look == nil || look.Broken() {
			look, trouble = r.cfg.Source.RawConn(ctx)
		}
		if trouble == nil {
			_, trouble = look.Query(ctx, "SELECT 1 FROM "+r.want.Name.Quoted()+" LIMIT "+r.lookedFor(), nil)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case trouble == nil:
			if seen = time.Now(); looked != nil {
				looked()
			}
		case server.ErrorNumber(trouble) == server.ErrLockWaitTimeout:
			return errSomebodyWaits
		case time.Since(seen) > r.cfg.MaxHold:
			return fmt.Errorf("the probe of a long read failed: %w", trouble)
		}
	}
}
