package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/server"
)

// LogStatus is one reading of performance_schema.log_status: everything before Position is
// visible to whatever is read afterwards (fact 1.8). It is no position of a snapshot, not even
// of one that is opened in the next statement (fact 15.6).
type LogStatus struct {
	ServerUUID string
	Position   binlog.Position
	GTIDs      binlog.GTIDSet
}

// The document is read whole: under SET NAMES binary the server takes no JSON path (error 3144).
const logStatusQuery = "SELECT SERVER_UUID, LOCAL FROM performance_schema.log_status"

// canReadLogStatus: the table came with 8.0.11 and needs BACKUP_ADMIN beside SELECT.
func canReadLogStatus(f server.Facts, g server.Grants) bool {
	return f.Flavor == server.FlavorMySQL && f.AtLeast(8, 0, 11) && g.Has("BACKUP_ADMIN", "") &&
		g.Has("SELECT", "performance_schema")
}

// ReadLogStatus reads it. It waits for the commits in flight, and new ones wait for it: it is
// for moments, not for loops.
func ReadLogStatus(ctx context.Context, conn *server.RawConn, timeline binlog.Timeline) (LogStatus, error) {
	rows, err := conn.Rows(ctx, logStatusQuery)
	if err != nil {
		return LogStatus{}, fmt.Errorf("read log_status: %w", server.Classify(err))
	}
	return parseLogStatus(rows, timeline)
}

func parseLogStatus(rows [][]string, timeline binlog.Timeline) (LogStatus, error) {
	if len(rows) != 1 || len(rows[0]) != 2 {
		return LogStatus{}, fmt.Errorf("read log_status: %w", errNoAnswer)
	}
	var local struct {
		File  string `json:"binary_log_file"`
		Pos   uint64 `json:"binary_log_position"`
		GTIDs string `json:"gtid_executed"`
	}
	if err := json.Unmarshal([]byte(rows[0][1]), &local); err != nil {
		return LogStatus{}, fmt.Errorf("read log_status: %w", err)
	}
	if local.File == "" {
		return LogStatus{}, errors.New("read log_status: the server shows no position")
	}
	set, err := binlog.ParseGTIDSet(local.GTIDs)
	if err != nil {
		return LogStatus{}, fmt.Errorf("read log_status: %w", err)
	}
	return LogStatus{
		ServerUUID: rows[0][0],
		Position:   binlog.Position{Timeline: timeline, File: local.File, Pos: local.Pos},
		GTIDs:      set,
	}, nil
}

// CanOpenExactSnapshot tells whether OpenExactSnapshot may work for this account.
func CanOpenExactSnapshot(ctx context.Context, srv *server.Server) (bool, error) {
	g, err := srv.Grants(ctx)
	if err != nil {
		return false, err
	}
	return canReadLogStatus(srv.Facts(), g), nil
}

// OpenExactSnapshot opens a read view on conn and returns its position when log_status was the
// same before and after: then nothing committed in between, and the position is low and high of
// whatever the view shows. Otherwise exact is false and no transaction is open; under load that
// is the common case (fact 15.6), so the caller tries again.
func OpenExactSnapshot(ctx context.Context, conn *server.RawConn, timeline binlog.Timeline) (at binlog.Position, exact bool, err error) {
	results, err := collect(ctx, conn, logStatusQuery+"; START TRANSACTION WITH CONSISTENT SNAPSHOT; "+logStatusQuery)
	if err != nil {
		return binlog.Position{}, false, fmt.Errorf("open an exact snapshot: %w", server.Classify(err))
	}
	if len(results) != 2 {
		return binlog.Position{}, false, fmt.Errorf("open an exact snapshot: %w", errNoAnswer)
	}
	before, err := parseLogStatus(results[0], timeline)
	if err != nil {
		return binlog.Position{}, false, err
	}
	after, err := parseLogStatus(results[1], timeline)
	if err != nil {
		return binlog.Position{}, false, err
	}
	if before.ServerUUID != conn.ServerUUID() || after.ServerUUID != conn.ServerUUID() {
		return binlog.Position{}, false, otherServer(conn.ServerUUID(), after.ServerUUID)
	}
	if before.Position == after.Position {
		return before.Position, true, nil
	}
	if _, err := conn.Query(ctx, "ROLLBACK", nil); err != nil {
		return binlog.Position{}, false, fmt.Errorf("close an inexact snapshot: %w", server.Classify(err))
	}
	return binlog.Position{}, false, nil
}
