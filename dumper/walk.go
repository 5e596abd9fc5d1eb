package dumper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

const (
	// growth bounds how fast chunks grow or shrink: one slow moment says little.
	growth = 4
	// killGrace is what a statement gets above max-hold before its own account kills it; a server
	// that knows max_execution_time ends it before.
	killGrace = 250 * time.Millisecond
)

// errVoid: the read does not count any more.
var errVoid = errors.New("the read was made void by a statement")

// walk reads the table in chunks in key order.
func (r *tableRead) walk(ctx context.Context) (whole bool, err error) {
	p := r.pastPath()
	if p == nil {
		err = r.attempt(ctx, func(context.Context) (err error) {
			p, err = r.choosePath(ctx)
			return err
		})
	}
	if err != nil {
		return false, r.unlessVoid(err)
	}
	if p == nil {
		if r.counts() {
			r.firstTick = &r.definition.before
		}
		r.cfg.Log.Info("no key of the table can be walked; it is read as one chunk", "table", r.want.Name.String())
		return r.oneChunk(ctx)
	}
	if r.parts == nil {
		r.parts = newParts(r.estimates[r.want.Name])
	}
	if r.counts() {
		r.parts.covers(r.definition.before)
	}
	r.journalOpened(p.key)
	left := r.parts.unwalked()
	if len(left) == 0 {
		return true, nil
	}
	for _, part := range left[1:] {
		r.board.offer(rangeJob{read: r, path: p, part: part})
	}
	return r.walkPart(ctx, p, left[0])
}

// counts tells whether the row window of a keyed table begins with that of its definition: that holds
// AUTO_INCREMENT as it was then, and of a row that came and went before the first chunk only the log has the value.
func (r *tableRead) counts() bool {
	return slices.ContainsFunc(r.table.Columns, func(c schema.Column) bool { return c.AutoInc })
}

// walkPart walks a part of the table. It returns true when that was the last one.
func (r *tableRead) walkPart(ctx context.Context, p *path, part *part) (whole bool, err error) {
	w := &walker{tableRead: r, path: p, part: part, rows: r.cfg.tuning.firstRows, limit: r.chunkMemory()}
	if r.locksTable() { // nobody knows yet how long its rows are
		w.rows, w.limit = min(w.rows, lockedRows), min(w.limit, lockedText)
	}
	for {
		last, err := w.next(ctx)
		if err == nil && !last {
			err = w.share(ctx)
		}
		if err != nil {
			return false, r.unlessVoid(err)
		}
		if last {
			return r.parts.walked(), nil
		}
	}
}

// unlessVoid drops the error that only says that somebody else reads the table again.
func (r *tableRead) unlessVoid(err error) error {
	if errors.Is(err, errVoid) {
		return nil
	}
	return err
}

// walker is where a walk stands.
type walker struct {
	*tableRead
	path   *path
	part   *part
	rows   uint64 // to ask for
	rests  int    // chunks for which the part is not tried to be split
	limit  uint64 // of text
	values [][]byte
}

// chunkScan is one execution of a chunk's SELECT.
type chunkScan struct {
	rows     uint64
	upTo     []string // key of the last row that was kept, of a chunk behind which more may follow
	cut      bool     // the text was long enough before the rows were
	elapsed  time.Duration
	received time.Time
	before   source.Tick
}

// next reads and stores the next chunk. last is true behind the table's end.
func (w *walker) next(ctx context.Context) (last bool, err error) {
	// Small chunks with time between them: histories have little data but need wide windows.
	failpoint.Inject("chunkRows", func(rows failpoint.Value) {
		if n, ok := rows.(int); ok {
			w.rows = uint64(n)
		}
	})
	failpoint.Inject("betweenChunks", nil)
	passed := func(bool) {}
	failpoint.Inject("gate", func(at failpoint.Value) {
		if address, ok := at.(string); ok {
			passed = passGate(address, w.want.Name.Quoted())
		}
	})
	defer func() { passed(last) }()
	err = w.roomy(func() (err error) {
		last, err = w.store(ctx)
		return err
	})
	return last, err
}

// store reads a chunk and puts it into the store.
func (w *walker) store(ctx context.Context) (last bool, err error) {
	release, err := w.acquireRoom(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	var scan chunkScan
	err = w.attempt(ctx, func(ctx context.Context) (err error) {
		scan, err = w.scan(ctx)
		return err
	})
	if err != nil {
		return false, err
	}
	behind := w.tickAfter(scan.received)
	if scan.rows == 0 {
		w.parts.nothing(scan.before, behind)
		return true, w.writer.Discard()
	}
	if scan.upTo == nil {
		scan.upTo = w.part.until
	}
	stored, err := w.put(ctx, w.part.after, scan.upTo, scan.before, behind)
	if err != nil {
		return false, err
	}
	w.parts.add(w.part, stored)
	w.part.rows, w.part.text = w.part.rows+stored.Rows, w.part.text+stored.Bytes
	w.journalChunk(w.part.number, stored)
	// Tests make a backup last with it.
	failpoint.Inject("betweenChunks", func() {})
	w.adapt(scan, stored.Bytes)
	if w.part.isWalked() {
		return true, nil
	}
	return false, w.boundEnd(ctx)
}

// scan runs the chunk's SELECT once. Its answer counts only if it came from the server of the
// ticks (W6); the read view and the metadata lock last for this one packet of statements.
func (w *walker) scan(ctx context.Context) (s chunkScan, err error) {
	conn, err := w.connection(ctx)
	if err != nil {
		return s, err
	}
	if s.before, err = w.before(ctx, w.want); err != nil {
		return s, err
	}
	limit := w.rows
	failpoint.Inject("chunkRows", func(rows failpoint.Value) {
		if n, ok := rows.(int); ok {
			limit = min(limit, uint64(n))
		}
	})
	conn.LimitRows(w.rowLimit())
	sent := time.Now()
	stop := w.killAfter(ctx, conn, w.cfg.MaxHold+killGrace)
	err = guarded(ctx, conn, w.path.selectFrom(w.part.after, w.part.until, limit, w.hint()), func(packet []byte) error {
		if s.cut {
			return nil
		}
		if _, err := w.writer.Row(packet); err != nil {
			return err
		}
		s.rows++
		s.cut = w.writer.Text() >= w.limit && s.rows < limit
		if s.cut || s.rows == limit {
			s.upTo, w.values, err = w.path.bound(packet, w.values)
			return err
		}
		return nil
	})
	killed := stop()
	conn.LimitRows(0)
	s.received = time.Now()
	s.elapsed = s.received.Sub(sent)
	if err == nil {
		return s, nil
	}
	if discard := w.writer.Discard(); discard != nil {
		return s, errors.Join(err, discard)
	}
	// A statement that somebody else killed says nothing about its rows.
	if judge(err) == tooBig && ctx.Err() == nil && (killed || server.ErrorNumber(err) == server.ErrExecutionTimeExceded) {
		return s, w.readLess(err)
	}
	return s, err
}

// readLess makes the chunk smaller and says that it may be tried again.
func (w *walker) readLess(err error) error {
	if w.rows == 1 {
		return fault.New(fault.CodeFailed, fault.KindSource, "allow more time with --max-hold",
			"one row of %s cannot be read within %v: %w", w.want.Name, w.cfg.MaxHold, err)
	}
	w.cfg.Log.Debug("a chunk took too long", "table", w.want.Name.String(), "rows", w.rows, "error", err)
	w.rows = max(1, w.rows/(2*growth))
	return errReadLess
}

// errReadLess: the statement was too big; a smaller one is ready to be tried.
var errReadLess = errors.New("the chunk was too big")

// lockHold is how long a chunk of a table that has no read views should take: its writers wait for all
// of it.
const lockHold = 20 * time.Millisecond

const (
	// lockedRows is how many rows the first chunk of such a table asks for; lockedText, in bytes, the
	// most text of one: a network of 100 MB/s takes 40 ms for it.
	lockedRows = 100
	lockedText = 4 << 20
)

// hold is how long a chunk should take.
func (w *walker) hold() time.Duration {
	if w.locksTable() {
		return min(lockHold, w.cfg.MaxHold/2)
	}
	return w.cfg.MaxHold / 2
}

// adapt chooses the size of the next chunk: by the time that it should take, and the text's limit.
func (w *walker) adapt(s chunkScan, text uint64) {
	rows := float64(w.rows)
	wanted := rows * growth
	if full := float64(s.rows) * float64(w.hold()) / float64(max(s.elapsed, time.Millisecond)); full < wanted {
		wanted = full
	}
	// A little less than the limit, so that most chunks end where they were asked to.
	if fits := 0.8 * float64(w.limit) * float64(s.rows) / float64(max(text, 1)); fits < wanted {
		wanted = fits
	}
	w.rows = min(uint64(max(wanted, rows/growth, 1)), w.cfg.tuning.mostRows)
}

// hint bounds a SELECT's time on servers that know how (5.7.8 and later).
func (w *worker) hint() string {
	if f := w.cfg.Source.Facts(); f.Flavor != server.FlavorMySQL || !f.AtLeast(5, 7, 8) {
		return ""
	}
	return fmt.Sprintf("/*+ MAX_EXECUTION_TIME(%d) */ ", w.cfg.MaxHold.Milliseconds())
}

// killAfter ends the connection's statement when it takes longer than d. The caller calls stop
// when it has ended, which tells whether that was tried.
func (w *worker) killAfter(ctx context.Context, conn *server.RawConn, d time.Duration) (stop func() (killed bool)) {
	done := make(chan struct{})
	ended := make(chan struct{})
	killed := false
	go func() {
		defer close(ended)
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-done:
		case <-ctx.Done():
		case <-timer.C:
			killed = true
			w.kill(ctx, conn)
		}
	}()
	return func() bool {
		close(done)
		<-ended
		return killed
	}
}

// kill ends what a connection runs. A failure is logged: the statement ends by itself, later.
func (w *worker) kill(ctx context.Context, conn *server.RawConn) {
	if err := w.cfg.Source.KillQuery(ctx, conn.ThreadID()); err != nil && ctx.Err() == nil {
		w.cfg.Log.Warn("could not end a statement of the backup", "error", err)
	}
}

// attempt runs a statement until it ends otherwise than by a lock, a deadlock, a lost connection or a discarded
// tablespace, none of which says anything about the table: IMPORT makes the read void. It gives up when the read is void
// already, or when nothing has worked for most of cfg.Wait.
//
// Every row of a long read moves the end of that time: one SELECT may last longer than cfg.Wait.
// But it is lost after some of its rows only as often as cfg.SnapshotTries says.
func (r *tableRead) attempt(ctx context.Context, statement func(context.Context) error) error {
	r.moved = time.Now()
	held := r.held()
	defer held.over()
	lost, limit := 0, patience(r.cfg.Wait)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		if !r.board.current(r.want) {
			return errVoid
		}
		r.rows = 0
		err := statement(ctx)
		if r.rows > 0 {
			lost++
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errReadLess):
			continue
		case judge(err) != again && judge(err) != tooBig:
			return err
		case lost >= r.cfg.SnapshotTries:
			return fault.New(fault.CodeFailed, fault.KindKeyless, r.keylessHint(r.want.Name),
				"%s has no key by which it can be read in parts, and its one SELECT was lost in the middle %d times; last: %w", r.want.Name, lost, server.Classify(err))
		case time.Since(r.moved) >= limit && server.ErrorNumber(err) == errTablespaceDiscarded:
			return fault.New(fault.CodeFailed, fault.KindTimeout,
				fmt.Sprintf("ALTER TABLE %s IMPORT TABLESPACE, drop the table, or leave it out with --exclude %s", r.want.Name.Quoted(), schema.Patterns(r.want.Name)),
				"%s has had no rows for %v, since its tablespace has been discarded: %w", r.want.Name, limit, server.Classify(err))
		case time.Since(r.moved) >= limit:
			return fault.New(fault.CodeFailed, fault.KindTimeout, "see who holds locks on the table, or allow more time with --wait",
				"%s could not be read for %v: %w", r.want.Name, limit, server.Classify(err))
		}
		held.by(err, r.want.Name)
		r.cfg.Log.Debug("a statement is tried again", "table", r.want.Name.String(), "error", err)
		if err := sleep(ctx, min(pause, max(firstPause, limit-time.Since(r.moved)))); err != nil {
			return err
		}
	}
}
