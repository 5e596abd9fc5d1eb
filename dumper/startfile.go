package dumper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/server"
)

// longestXACommit is how long a committed XA transaction may take from its place in the log to
// its visibility: as long as a semi-synchronous source waits for its replica (10 s by default,
// fact 1.13), with much to spare.
const longestXACommit = 10 * time.Minute

// startOfFile asks for the file with which the backup's stream begins: the one that the source
// writes now, on MariaDB the one that its first binlog checkpoint names. Where the low mark is a place in the log and XA transactions have been committed,
// it is an older one, begun longestXACommit ago: the rotation of a file does not wait until an
// XA COMMIT in it is visible, so the stream has to show them (see bases, provedXA).
func startOfFile(ctx context.Context, cfg Config, timeline binlog.Timeline) (start binlog.Position, err error) {
	conn, err := cfg.Source.RawConn(ctx)
	if err != nil {
		return binlog.Position{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	rows, err := conn.Rows(ctx, cfg.Source.Facts().BinlogStatus())
	if err != nil {
		return binlog.Position{}, fmt.Errorf("ask for the source's binlog file: %w", err)
	}
	if len(rows) != 1 || len(rows[0]) < 2 {
		return binlog.Position{}, errors.New("ask for the source's binlog file: it writes none")
	}
	start = binlog.Position{Timeline: timeline, File: rows[0][0], Pos: binlog.FirstOffset}
	if source.ProvedGTIDLow(cfg.Source.Facts()) {
		return start, nil
	}
	if cfg.Source.Facts().Flavor == server.FlavorMariaDB {
		// The first tick's low, and so floor, is the start of the file that this one's checkpoint names.
		if start.File, err = source.CheckpointFile(ctx, conn, start.File); err != nil {
			return binlog.Position{}, err
		}
	}
	commits, err := conn.Rows(ctx, "SHOW GLOBAL STATUS LIKE 'Com_xa_commit'")
	if err != nil {
		return binlog.Position{}, fmt.Errorf("ask whether the source commits XA transactions: %w", err)
	}
	if len(commits) == 1 && commits[0][1] == "0" {
		return start, nil
	}
	return olderFile(ctx, cfg, conn, start)
}

// olderFile goes back from the file at start to the newest one that was begun long enough ago, or
// to the oldest that is left.
func olderFile(ctx context.Context, cfg Config, conn *server.RawConn, start binlog.Position) (binlog.Position, error) {
	files, err := conn.Rows(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return binlog.Position{}, fmt.Errorf("list the source's binlog files: %w", err)
	}
	now, err := conn.Rows(ctx, "SELECT UNIX_TIMESTAMP()")
	if err != nil {
		return binlog.Position{}, fmt.Errorf("ask for the source's time: %w", err)
	}
	var seconds int64
	if _, err := fmt.Sscan(now[0][0], &seconds); err != nil {
		return binlog.Position{}, fmt.Errorf("ask for the source's time: %w", err)
	}
	for i := len(files) - 1; i >= 0; i-- {
		p := binlog.Position{Timeline: start.Timeline, File: files[i][0], Pos: binlog.FirstOffset}
		if start.Before(p) {
			continue // rotated meanwhile
		}
		began, err := beganAt(ctx, cfg, p)
		if err != nil {
			return binlog.Position{}, err
		}
		start = p
		if time.Unix(seconds, 0).Sub(began) > longestXACommit {
			break
		}
	}
	return start, nil
}

// beganAt returns when a binlog file was begun, by the source's clock.
func beganAt(ctx context.Context, cfg Config, p binlog.Position) (at time.Time, err error) {
	f, err := stream.Follow(ctx, streamOf(cfg), stream.Resume{Position: p})
	if err != nil {
		return at, followError(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return time.Unix(int64(f.FormatTime()), 0), nil
}
