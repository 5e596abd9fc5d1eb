package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// ErrRowLocked tells that a row of the table was held by an open transaction for longer than the
// barrier waits (innodb_lock_wait_timeout, 1 s): try again.
var ErrRowLocked = errors.New("a row of the table is locked by an open transaction")

// RowBarrier returns a low watermark for one table: the log's position as it was before a look
// at every row that waits for each one that a commit in flight still holds. Whatever stands in
// the log before it is visible to what is read from the table afterwards (fact 15.2).
//
// It walks the rows themselves under READ COMMITTED and lets each go at once: a walk over a secondary index that covers
// what is asked for would pass an update of other columns, of invisible ones even where * is asked for. It scans the whole table, so
// the caller watches whether somebody waits behind it and ends it with Server.KillQuery
// (error 1317). conn has no transaction open.
func RowBarrier(ctx context.Context, srv *server.Server, conn *server.RawConn, table schema.Name, timeline binlog.Timeline) (binlog.Position, error) {
	f := srv.Facts()
	share := "FOR SHARE"
	if f.Flavor != server.FlavorMySQL || !f.AtLeast(8, 0, 1) {
		share = "LOCK IN SHARE MODE"
	}
	// The position, the look and the identity go to one server: SET TRANSACTION holds for the
	// next transaction only, which is the one that follows.
	results, err := collect(ctx, conn, f.BinlogStatus()+"; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION;"+
		" SELECT "+f.Identity()+"; SELECT * FROM "+table.Quoted()+" USE INDEX () WHERE RAND() < 0 "+share+"; COMMIT")
	if err != nil {
		return binlog.Position{}, barrierError(ctx, conn, table, err)
	}
	if len(results) != 3 || len(results[1]) != 1 {
		return binlog.Position{}, fmt.Errorf("run the row barrier on %s: %w", table, errNoAnswer)
	}
	if uuid := results[1][0][0]; uuid != conn.ServerUUID() {
		return binlog.Position{}, otherServer(conn.ServerUUID(), uuid)
	}
	return binlogPosition(results[0], timeline)
}

// barrierError ends the transaction that a failed statement left open.
func barrierError(ctx context.Context, conn *server.RawConn, table schema.Name, err error) error {
	if !conn.Broken() {
		if _, rollback := conn.Query(ctx, "ROLLBACK", nil); rollback != nil {
			err = errors.Join(err, rollback)
		}
	}
	if server.ErrorNumber(err) == server.ErrLockWaitTimeout {
		return fmt.Errorf("run the row barrier on %s: %w: %w", table, ErrRowLocked, err)
	}
	return fmt.Errorf("run the row barrier on %s: %w", table, server.Classify(err))
}

// TableBarrier is RowBarrier for a table that is read behind its table lock (schema.Table.LocksTable).
// The server writes a change to the log before it lets the table lock go, and a row that is inserted
// beside readers (concurrent_insert) becomes visible only then: behind file:pos, behind gtid_executed,
// and behind the rotation that its own commit may bring about. So none of these is a low watermark of
// such a table (measured: see the tests of fact 12.2).
//
// CHECK TABLE .. FOR UPGRADE takes the one read lock that waits for inserts beside readers too, and
// then looks at the version in the table's definition alone: it reads no row, is not logged, and needs
// SELECT. While it waits nobody waits for it. ok is false where there is no such table.
func TableBarrier(ctx context.Context, srv *server.Server, conn *server.RawConn, table schema.Name, timeline binlog.Timeline) (at binlog.Position, ok bool, err error) {
	f := srv.Facts()
	who := "; SELECT " + f.Identity() + "; "
	results, err := collect(ctx, conn, f.BinlogStatus()+who+"CHECK TABLE "+table.Quoted()+" FOR UPGRADE"+strings.TrimSuffix(who, "; "))
	if err != nil {
		return at, false, fmt.Errorf("run the table barrier on %s: %w", table, server.Classify(err))
	}
	if len(results) != 4 || len(results[1]) != 1 || len(results[3]) != 1 {
		return at, false, fmt.Errorf("run the table barrier on %s: %w", table, errNoAnswer)
	}
	for _, i := range []int{1, 3} {
		if uuid := results[i][0][0]; uuid != conn.ServerUUID() {
			return at, false, otherServer(conn.ServerUUID(), uuid)
		}
	}
	if ok, err = checked(ctx, conn, table, results[2]); err != nil || !ok {
		return at, false, err
	}
	at, err = binlogPosition(results[0], timeline)
	return at, err == nil, err
}

// checked reads the answer of CHECK TABLE, which tells errors as rows, in the language of the server:
// what is wrong a SELECT tells by number. ok is false where the table is gone.
func checked(ctx context.Context, conn *server.RawConn, table schema.Name, rows [][]string) (ok bool, err error) {
	for _, row := range rows {
		if len(row) != 4 {
			return false, fmt.Errorf("run the table barrier on %s: %w", table, errNoAnswer)
		}
		if !strings.EqualFold(row[2], "error") {
			continue
		}
		_, err := conn.Query(ctx, "SELECT 1 FROM "+table.Quoted()+" LIMIT 1", nil)
		switch number := server.ErrorNumber(err); {
		case number == server.ErrNoSuchTable || number == server.ErrUnknownSchema:
			return false, nil
		case err == nil, number == server.ErrLockWaitTimeout:
			err = ErrTableLocked
		}
		return false, fmt.Errorf("run the table barrier on %s: CHECK TABLE says %q: %w", table, row[3], err)
	}
	if n := len(rows); n == 0 || !strings.EqualFold(rows[n-1][2], "status") {
		return false, fmt.Errorf("run the table barrier on %s: CHECK TABLE says %q", table, rows)
	}
	return true, nil
}

// ErrTableLocked tells that somebody held the table's lock for longer than the barrier waits: try again.
var ErrTableLocked = errors.New("another session holds the table's lock")
