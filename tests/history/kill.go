package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// killArchiver kills the archiver with SIGKILL again and again, each time starting it anew,
// until the returned function is called; that one leaves an archiver running.
func (h *run) killArchiver(ctx context.Context) (stop func() error) {
	if h.KillArchiver == 0 {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	var failed error
	done.Go(func() {
		for pause(ctx, h.KillArchiver) == nil {
			if over, how := h.archiver.ended(); over {
				failed = fmt.Errorf("the archiver ended by itself: %s", how)
				return
			}
			h.archiver.kill()
			h.report.Kills++
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
