package dumper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// worker reads one thing after the other on a connection of its own.
type worker struct {
	*backup
	conn *server.RawConn
}

// run takes what is wanted until ctx ends.
func (w *worker) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, w.disconnect()) }()
	for {
		next, err := w.board.next(ctx)
		switch {
		case err != nil:
			return err
		case next.help != nil:
			err = w.help(ctx, *next.help)
			w.board.helped()
		default:
			err = w.read(ctx, next.want)
			w.board.release(next.want)
		}
		if err != nil {
			return err
		}
	}
}

// read reads what is wanted once, or goes on without it.
func (w *worker) read(ctx context.Context, want bases.Want) error {
	err := w.readOnce(ctx, want)
	if err != nil && w.cfg.KeylessMissing && fault.Of(err).Kind == fault.KindKeyless {
		w.abandon(want, err)
		return nil
	}
	if want.Kind == bases.WantTable || want.Kind == bases.WantDefinition {
		return damaged(want.Name, err)
	}
	return err
}

// damagedNumbers are the server's errors about a table whose files are not sound.
var damagedNumbers = []uint16{
	1034, 1035, // the key file is wrong, or old
	1194, 1195, // the table crashed, and its repair failed
	1712, // an index is corrupt
	1877, // the table is corrupt
}

// damaged is the fault of a table that the source cannot read any more; any other error as it is.
func damaged(name schema.Name, err error) error {
	if server.ErrorNumber(err) == errBrokenUnion {
		return fault.New(fault.CodeFailed, fault.KindSource, "make its UNION=(..) one of MyISAM tables that are there, or drop it; without it: --exclude "+schema.Patterns(name),
			"the source cannot open the MERGE table %s: %w", name, err)
	}
	if !slices.Contains(damagedNumbers, server.ErrorNumber(err)) {
		return err
	}
	return fault.New(fault.CodeFailed, fault.KindSource, "REPAIR TABLE "+name.Quoted()+" (MyISAM, CSV), or make the table anew; without it: --exclude "+schema.Patterns(name),
		"the source cannot read %s: %w", name, err)
}

// readOnce reads what is wanted. A read that broke off is told to the board and is no error.
func (w *worker) readOnce(ctx context.Context, want bases.Want) error {
	if err := w.mayTryAgain(want); err != nil {
		return err
	}
	if n := len(want.Again); n > 0 {
		last := want.Again[n-1]
		w.cfg.Log.Info("read again", "what", want.Name.String(), "times", n, "reason", last.Reason, "statement", last.Statement, "position", last.Position.String())
	}
	switch want.Kind {
	case bases.WantSchema:
		return w.readSchema(ctx, want)
	case bases.WantObject:
		if want.Object == catalog.KindUser {
			return w.readAccounts(ctx, want)
		}
		return w.readObject(ctx, want)
	case bases.WantDefinition:
		return w.readDefinition(ctx, want)
	case bases.WantTable:
	}
	return w.readTable(ctx, want)
}

// abandon goes on without a table (--keyless-missing).
func (w *worker) abandon(want bases.Want, why error) {
	w.cfg.Log.Warn("the backup goes on without a table", "table", want.Name.String(), "reason", why)
	w.contents.leaveOut(catalog.NotBackedUp{Name: want.Name, Reason: why.Error()})
	w.board.update(func(s *bases.Bases) { s.Abandon(want) })
}

// mayTryAgain bounds how often a thing is read (R3, R5).
func (w *worker) mayTryAgain(want bases.Want) error {
	var statements, rows int
	var lastStatement, lastRow catalog.ReadAgain
	for _, a := range want.Again {
		if bases.ByRows(a) {
			rows, lastRow = rows+1, a
			continue
		}
		statements, lastStatement = statements+1, a
	}
	if rows > w.cfg.SnapshotTries {
		return w.rowsInTheWay(want, lastRow, w.cfg.SnapshotTries, "")
	}
	if n := len(want.Again); n > 0 && bases.ByRows(want.Again[n-1]) {
		if _, hopeless := w.lag.near(time.Now(), patience(w.cfg.Wait)); hopeless {
			return w.rowsInTheWay(want, lastRow, rows, fmt.Sprintf("; %s, and has come no nearer for %v", &w.lag, patience(w.cfg.Wait)))
		}
	}
	if statements > w.cfg.DDLTries {
		return fault.New(fault.CodeFailed, fault.KindDDL, "run the backup when fewer statements change this object, or allow more with --ddl-tries",
			"%s was read %d times and each time made void; last by %s", want.Name, statements, bases.Cause(lastStatement))
	}
	return nil
}

// rowsInTheWay is the fault of a table whose rows changed in its window each time it was read;
// further says why it is not read once more.
func (w *worker) rowsInTheWay(want bases.Want, last catalog.ReadAgain, tries int, further string) error {
	if last.Reason == bases.ReasonPartial {
		return fault.New(fault.CodeFailed, fault.KindSource,
			"set binlog_row_image=FULL and binlog_row_value_options='' in sessions that change keys, or parts of JSON documents, of the table, or leave it out with --exclude "+schema.Patterns(want.Name),
			"the log held partial row images of %s that change keys or parts of documents during each of %d tries (last at %s)%s", want.Name, tries, last.Position, further)
	}
	if last.Reason == bases.ReasonCascade {
		return fault.New(fault.CodeFailed, fault.KindSource, "run the backup at a quieter time, set innodb_native_foreign_keys=OFF on the source (MySQL 9), allow more with --snapshot-tries, or leave the table out with --exclude "+schema.Patterns(want.Name),
			"foreign keys changed rows of %s during each of %d tries, which the source does not log (last at %s)%s", want.Name, tries, last.Position, further)
	}
	return fault.New(fault.CodeFailed, fault.KindKeyless, w.keylessHint(want.Name),
		"%s has no key by which its rows can be told apart, and rows of it changed during each of %d tries (last: %s)%s",
		want.Name, tries, bases.Cause(last), further)
}

func (w *worker) keylessHint(name schema.Name) string {
	hint := "add a primary key to the table, or run the backup at a quieter time; --snapshot-tries allows more tries, --keyless-missing leaves the table out"
	if c := w.contents.table(name); !source.ProvedGTIDLow(w.cfg.Source.Facts()) && (c == nil || !c.table.LocksTable()) {
		hint = "gtid_mode=ON, or GRANT BACKUP_ADMIN ON *.* to the backup's account, makes the marks sharper; else " + hint
	}
	return hint
}

// connection returns the worker's connection, opening it when there is none or it is lost.
func (w *worker) connection(ctx context.Context) (*server.RawConn, error) {
	if w.conn != nil && !w.conn.Broken() {
		return w.conn, nil
	}
	if err := w.disconnect(); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(w.cfg.Wait)
	held := w.held()
	defer held.over()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		conn, err := w.cfg.Source.RawConn(ctx)
		if err == nil {
			w.conn = conn
			return conn, nil
		}
		if ctx.Err() != nil || !server.IsTransient(err) || time.Now().After(deadline) {
			return nil, err
		}
		held.because("for the source, which cannot be reached")
		w.cfg.Log.Warn("cannot reach the source; trying again", "error", err)
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

func (w *worker) disconnect() error {
	if w.conn == nil {
		return nil
	}
	conn := w.conn
	w.conn = nil
	if err := conn.Close(); err != nil && !server.IsTransient(err) {
		return fmt.Errorf("close a connection to the source: %w", err)
	}
	return nil
}

// verdict is what an error of a read means.
type verdict int

const (
	fatal  verdict = iota
	again          // the same statement once more: a lock, a deadlock, a lost connection, rows that are to come
	gone           // the table or a column of it seems to be gone: the log will tell
	tooBig         // it took too long: read less at once
)

// judge says what an error of the server means for a read. 1205 and 1213 say nothing about the
// table: a reader can be the victim of a metadata deadlock (fact 15.20).
func judge(err error) verdict {
	if errors.Is(err, errTableGone) {
		return gone
	}
	if errors.Is(err, errLetGo) || errors.Is(err, source.ErrRowLocked) || errors.Is(err, source.ErrTableLocked) {
		return again
	}
	switch server.ErrorNumber(err) {
	case server.ErrLockWaitTimeout, server.ErrDeadlock, errTablespaceDiscarded:
		return again
	case server.ErrNoSuchTable, server.ErrUnknownSchema, server.ErrUnknownColumn, server.ErrTableChanged, server.ErrViewInvalid,
		errNoSuchKey, errTablespaceMissing:
		return gone
	case server.ErrExecutionTimeExceded, server.ErrQueryInterrupted:
		return tooBig
	}
	// Whatever number a source that ends or is not ready yet gives (1053, 1040, 3032): it comes back.
	if server.IsTransient(err) {
		return again
	}
	return fatal
}

// errTableGone: a look at the table found none.
var errTableGone = errors.New("the table is gone")

const (
	errNoSuchKey           = 1176 // the key of FORCE INDEX is gone
	errTablespaceMissing   = 1812 // a statement that rebuilds the table is at it
	errTablespaceDiscarded = 1814 // IMPORT TABLESPACE is still to come
)

// before is t0 of a read that is sent next; not before the place that the new base must be behind (R3).
func (w *worker) before(ctx context.Context, want bases.Want) (source.Tick, error) {
	short := func(t source.Tick) bool { return !want.Behind.IsZero() && t.High.Before(want.Behind) }
	defer w.phase.Waits("for the source's clock: its last tick is seconds old")()
	t, err := w.clock.Before(ctx)
	if err == nil && short(t) {
		t, err = w.clock.AfterNow(ctx) // the stream has shown the place: a new tick is behind it
	}
	for err == nil && short(t) {
		t, err = w.clock.After(ctx, time.Now())
	}
	return t, err
}

// mark makes a tick one for the rules.
func (b *backup) mark(t source.Tick) bases.Mark {
	return bases.Mark{High: t.High, Low: b.low(t)}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
