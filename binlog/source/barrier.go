package source

import (
	"context"
	"errors"
	"fmt"

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
// It reads every column under READ COMMITTED and lets each row go at once: SELECT 1 could walk
// a covering secondary index and pass an update of other columns. It scans the whole table, so
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
		" SELECT @@server_uuid; SELECT * FROM "+table.Quoted()+" WHERE RAND() < 0 "+share+"; COMMIT")
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
