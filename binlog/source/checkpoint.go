package source

import (
	"context"
	"encoding/binary"
	"fmt"
	"path"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/server"
)

// MariaDB rotates its log without waiting for the commits in flight, so the start of the current
// file is no low watermark there (fact 1.10). It says instead, by a binlog checkpoint in the log,
// which file is the oldest that a recovery would need: every transaction of the files before it is
// committed in the engines, and visible. The start of that file is safe, whenever the checkpoint was
// read. One stands at each file's head, others follow when later commits are done; SQL shows the
// first, the stream all of them (see Resolver.Event).

// binlogCheckpoint is the type of the event.
const binlogCheckpoint = 161

// checkpointOf returns the file that a raw event names, if it is a binlog checkpoint: behind the
// common header, of which byte 4 is the type, stand the length of the name and the name.
func checkpointOf(raw []byte) (file string, ok bool) {
	const header, typeAt, lengthSize = 19, 4, 4
	if len(raw) < header+lengthSize || raw[typeAt] != binlogCheckpoint {
		return "", false
	}
	length := binary.LittleEndian.Uint32(raw[header:])
	body := raw[header+lengthSize:]
	if length == 0 || uint64(length) > uint64(len(body)) {
		return "", false
	}
	return path.Base(string(body[:length])), true
}

// CheckpointFile returns the file that the first checkpoint in a file names: the file itself, or an older
// one some of whose commits were in flight when this one was begun. The server holds its log for the
// time that it takes to read the first events of a file. It needs BINLOG MONITOR.
func CheckpointFile(ctx context.Context, conn *server.RawConn, file string) (string, error) {
	rows, err := conn.Rows(ctx, server.FirstEvents(file))
	if err == nil {
		file, err = server.FirstCheckpoint(rows)
	}
	if err != nil {
		return "", fmt.Errorf("look for the binlog checkpoint in %s: %w", file, server.Classify(err))
	}
	return file, nil
}

// startOf is the start of a file.
func startOf(timeline binlog.Timeline, file string) binlog.Position {
	return binlog.Position{Timeline: timeline, File: file, Pos: binlog.FirstOffset}
}
