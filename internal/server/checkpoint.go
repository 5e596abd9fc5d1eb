package server

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// checkpointAmong is how many events of a file are looked at for its first checkpoint: it stands behind the format event,
// that of the encryption, and the list of GTIDs.
const checkpointAmong = 5

// ErrNoCheckpoint: a file does not begin as one of MariaDB.
var ErrNoCheckpoint = errors.New("there is no binlog checkpoint among its first events")

// FirstEvents is the statement that shows the first events of a binlog file, of MariaDB up to its first checkpoint. The server
// holds its log for the time that it takes to read them. It needs BINLOG MONITOR.
func FirstEvents(file string) string {
	// The server takes no hexadecimal literal here.
	name := strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(file)
	return fmt.Sprintf("SHOW BINLOG EVENTS IN '%s' LIMIT %d", name, checkpointAmong)
}

// FirstCheckpoint returns, of what FirstEvents shows, the file that the first checkpoint names: the file itself, or an older one some
// of whose commits were in flight when this one was begun.
func FirstCheckpoint(events [][]string) (file string, err error) {
	for _, row := range events {
		const eventType, info = 2, 5
		if len(row) > info && row[eventType] == "Binlog_checkpoint" {
			return path.Base(row[info]), nil
		}
	}
	return "", ErrNoCheckpoint
}
