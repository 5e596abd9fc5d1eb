package archive

import (
	"context"
	"sync"
	"time"

	"github.com/tripod-db/tripod/binlog"
)

// Wanted is a place in the log that somebody waits for: what has come up to there is cut at once, and not a flush after it
// came. Nil wants nothing.
type Wanted struct {
	mu   sync.Mutex
	at   binlog.Position
	told chan struct{}
}

// NewWanted returns one that wants nothing yet.
func NewWanted() *Wanted { return &Wanted{told: make(chan struct{})} }

// Tell says which place it is; the one before is waited for no longer.
func (w *Wanted) Tell(at binlog.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = at
	close(w.told)
	w.told = make(chan struct{})
}

// place returns the place, zero for none, and what is closed when there is another one.
func (w *Wanted) place() (at binlog.Position, told <-chan struct{}) {
	if w == nil {
		return binlog.Position{}, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at, w.told
}

// pause waits for delay; no longer where what is wanted has come.
func (r *receiver) pause(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		at, told := r.config.Wanted.place()
		if r.holds(at) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return nil
		case <-told:
		case <-r.came:
		}
	}
}

func (r *receiver) holds(at binlog.Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brings(at)
}

// brings tells whether a cut at the last boundary would bring the place at into the archive. A file that the stream has left
// is cut already; a place of another timeline that looks like one of this costs a cut.
func (r *receiver) brings(at binlog.Position) bool {
	return r.extent != nil && r.file == at.File && r.extent.start < at.Pos && at.Pos <= r.last.Offset
}

// tellWanted wakes pause when what is wanted has come.
func (r *receiver) tellWanted() {
	if at, _ := r.config.Wanted.place(); r.brings(at) {
		select {
		case r.came <- struct{}{}:
		default:
		}
	}
}
