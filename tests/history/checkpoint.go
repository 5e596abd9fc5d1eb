package history

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkpointPoll is how often the source is asked for a checkpoint.
const checkpointPoll = 20 * time.Millisecond

// lateCheckpoint waits until MariaDB has written the checkpoint of its newest binlog file, which comes some time behind what is in
// it: an archive that has come up to the source's end would lack it a moment later.
func (h *run) lateCheckpoint(ctx context.Context) error {
	if !h.kind().lateCheckpoints {
		return nil
	}
	for {
		end, err := h.position(ctx)
		if err != nil {
			return err
		}
		file, _, _ := strings.Cut(end, ":")
		written, err := h.checkpoints(ctx, file)
		if err != nil || slices.Contains(written, file) {
			return err
		}
		if err := pause(ctx, checkpointPoll); err != nil {
			return err
		}
	}
}

// checkpoints lists the files that the checkpoints in a binlog file name.
func (h *run) checkpoints(ctx context.Context, file string) (named []string, err error) {
	rows, err := h.source.QueryContext(ctx, "SHOW BINLOG EVENTS IN '"+file+"'")
	if err != nil {
		return nil, fmt.Errorf("list the events of %s: %w", file, err)
	}
	defer rows.Close()
	for rows.Next() {
		var log, kind, info string
		var at, server, end uint64
		if err := rows.Scan(&log, &at, &kind, &server, &end, &info); err != nil {
			return nil, fmt.Errorf("list the events of %s: %w", file, err)
		}
		if kind == "Binlog_checkpoint" {
			named = append(named, info)
		}
	}
	return named, rows.Err()
}
