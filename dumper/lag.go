package dumper

import (
	"fmt"
	"sync"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
)

// nearEnough: a table whose rows changed in its window is read again when the stream is not
// further behind. What a read is worth is known when the stream has passed its end. Where the
// source writes w times as fast as the stream brings it, that is w times as late as the end was:
// reads one after the other would be judged after 1, w, w*w.. seconds, and twenty of them never.
const nearEnough = time.Second

// lag measures how far the stream is behind the source: how long ago the tick was whose high it
// has passed last.
type lag struct {
	mu      sync.Mutex
	pending source.Tick // the next one to be passed
	behind  time.Duration
	// least is the smallest one while somebody waits for the stream, since then.
	waiting bool
	least   time.Duration
	since   time.Time
}

// look takes where the stream is and the clock's newest tick.
func (l *lag) look(now time.Time, reached binlog.Position, newest source.Tick) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.pending.N == 0:
		l.pending = newest
	case l.pending.High.AtOrBefore(reached):
		l.behind = now.Sub(l.pending.Answered)
		l.pending = newest
	default:
		l.behind = max(l.behind, now.Sub(l.pending.Answered))
	}
	if l.behind <= nearEnough {
		l.waiting = false
		return
	}
	if l.waiting && l.behind < l.least*9/10 {
		l.least, l.since = l.behind, now
	}
}

// near tells whether a table may be read again whose rows were in the way. It is true, and
// hopeless, when the stream has come no nearer for limit: then the try is given up.
func (l *lag) near(now time.Time, limit time.Duration) (near, hopeless bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.behind <= nearEnough {
		return true, false
	}
	if !l.waiting {
		l.waiting, l.least, l.since = true, l.behind, now
	}
	hopeless = now.Sub(l.since) >= limit
	return hopeless, hopeless
}

// mark changes when the stream comes nearer while somebody waits for that.
func (l *lag) mark() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting {
		return ""
	}
	return l.least.String()
}

// patience is how long a try waits for the stream to come nearer, of a backup that as a whole waits for so long: it has to say
// why it is given up before that ends, by the same wait, without a reason of its own.
func patience(wait time.Duration) time.Duration { return wait * 4 / 5 }

func (l *lag) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("the stream of the source's log is %v behind the source (at %s)", l.behind.Round(time.Millisecond), l.pending.High)
}
