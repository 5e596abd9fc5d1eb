package main

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tripod-db/tripod/internal/progress"
)

// progressInterval is the rhythm of status lines: often enough to see that something moves,
// rare enough for a log.
const progressInterval = 5 * time.Second

// watch shows the board until the returned function, which may be called again, is called: by
// bars on a terminal, else by a line now and then for each phase at work.
func (inv *invocation) watch() (stop func()) {
	if inv.screen.canDraw {
		return inv.screen.draw(inv.board)
	}
	return logProgress(inv.log, inv.board, func(progress.Snapshot) bool { return true })
}

// logProgress logs, of the phases at work, those that are worth it.
func logProgress(log *slog.Logger, board *progress.Board, worth func(progress.Snapshot) bool) (stop func()) {
	ending := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ending:
				return
			case <-ticker.C:
				for _, s := range board.Snapshot() {
					if !s.Ended && worth(s) {
						logPhase(log, s)
					}
				}
			}
		}
	})
	return sync.OnceFunc(func() {
		close(ending)
		done.Wait()
	})
}

func logPhase(log *slog.Logger, s progress.Snapshot) {
	rate := s.Rate()
	attrs := []any{"rows", s.Done.Rows, "bytes", s.Done.Bytes, "rows_per_second", rate.Rows, "bytes_per_second", rate.Bytes}
	if s.Doing != "" {
		attrs = append(attrs, "at", s.Doing)
	}
	if s.Waiting != "" && s.Waited >= patience {
		attrs = append(attrs, "waits", s.Waiting, "for", rounded(s.Waited))
	}
	if f, ok := s.Fraction(); ok {
		attrs = append(attrs, "done", fmt.Sprintf("%.0f%%", f*100))
	}
	if left, ok := s.Left(); ok {
		attrs = append(attrs, "left", left.Round(time.Second).String())
	}
	log.Info(s.Name, attrs...)
}
