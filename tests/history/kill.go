package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	killBackups   = Feature{Name: "kill-backup", Doc: "kill -9 of the backup at random moments; it is run again", Share: 15, counts: true}
	killArchivers = Feature{Name: "kill-archiver", Doc: "kill -9 of the archiver at an interval", Share: 15, counts: true}
)

// killArchiverEvery lets an archiver come to something between two kills.
const killArchiverEvery = time.Second

// backUp runs the backup to its end. If the history wants that, it is killed with SIGKILL before, once or
// twice, at a random moment, and run again each time: it goes on with what it had finished.
func (h *run) backUp(ctx context.Context, result *backedUp, args ...string) (outcome, error) {
	times := 0
	if h.features.has(killBackups.Name) {
		times = 1 + h.kills.IntN(2)
	}
	for range times {
		s, err := h.prog.start(ctx, args...)
		if err != nil {
			return outcome{}, err
		}
		for !h.exists("intent.json") {
			if over, how := s.ended(); over {
				return outcome{}, fmt.Errorf("the backup ended by itself: %s", how)
			}
			if err := pause(ctx, pollEvery); err != nil {
				s.kill()
				return outcome{}, err
			}
		}
		if err := pause(ctx, time.Duration(100+h.kills.IntN(1500))*h.between()/20); err != nil {
			s.kill()
			return outcome{}, err
		}
		over, how := s.ended()
		s.kill()
		if over && !h.exists("manifest.json") {
			return outcome{}, fmt.Errorf("the backup ended by itself: %s", how)
		}
		if over { // faster than the kill: the next one has nothing to adopt
			break
		}
		h.met.Store(0) // the next run tells of its own reads only
		h.report.BackupKills++
		h.holds(killBackups.Name, 1)
	}
	return h.prog.must(ctx, result, args...)
}

// killArchiver kills the archiver with SIGKILL again and again, each time starting it anew,
// until the returned function is called; that one leaves an archiver running.
func (h *run) killArchiver(ctx context.Context) (stop func() error) {
	if !h.features.has(killArchivers.Name) {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	var failed error
	done.Go(func() {
		for pause(ctx, killArchiverEvery) == nil {
			if over, how := h.archiver.ended(); over {
				failed = fmt.Errorf("the archiver ended by itself: %s", how)
				return
			}
			h.archiver.kill()
			h.report.Kills++
			h.holds(killArchivers.Name, 1)
			if err := h.startArchiver(context.WithoutCancel(ctx)); err != nil {
				failed = err
				return
			}
		}
	})
	return func() error {
		cancel()
		done.Wait()
		if errors.Is(failed, context.Canceled) {
			return nil
		}
		return failed
	}
}
