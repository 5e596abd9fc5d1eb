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

// watchProgress makes a board and prints a line for each phase at work until the returned
// function is called.
func watchProgress(log *slog.Logger) (progress.Sink, func()) {
	board := progress.NewBoard(time.Now)
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				for _, s := range board.Snapshot() {
					if !s.Ended {
						logPhase(log, s)
					}
				}
			}
		}
	})
	return board, func() {
		close(stop)
		done.Wait()
	}
}

func logPhase(log *slog.Logger, s progress.Snapshot) {
	rate := s.Rate()
	attrs := []any{"rows", s.Done.Rows, "bytes", s.Done.Bytes, "rows_per_second", rate.Rows, "bytes_per_second", rate.Bytes}
	if s.Doing != "" {
		attrs = append(attrs, "at", s.Doing)
	}
	if f, ok := s.Fraction(); ok {
		attrs = append(attrs, "done", fmt.Sprintf("%.0f%%", f*100))
	}
	if left, ok := s.Left(); ok {
		attrs = append(attrs, "left", left.Round(time.Second).String())
	}
	log.Info(s.Name, attrs...)
}
