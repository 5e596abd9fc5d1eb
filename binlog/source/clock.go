package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

const (
	// tickInterval is how far apart ticks are: a window is at least this long, and ten looks a
	// second cost a server nothing.
	tickInterval = 100 * time.Millisecond
	// tickStale: without a tick for so long, reads wait: their windows would grow without bound.
	tickStale = 5 * time.Second
	// tickTimeout bounds one tick. A commit that waits for a semi-synchronous replica holds
	// log_status back for seconds (fact 1.13); a server that does not answer for longer is
	// connected to anew.
	tickTimeout = 10 * time.Second
	// ticksKept is how many ticks After can look back on: more than any delay between the end
	// of a read and the question.
	ticksKept = 128
	// logStatusEvery: log_status stops commits while it waits for those in flight, so it is not
	// read with each tick.
	logStatusEvery = time.Second
)

// ClockConfig says how a clock ticks. Timeline is required.
type ClockConfig struct {
	// Timeline is that of the stream: the server's uuid, or with ~2 and so on.
	Timeline binlog.Timeline
	// Resolver is told of each tick before anybody else is; nil for none.
	Resolver *Resolver
	// Interval between ticks; 0 means 100 ms.
	Interval time.Duration
	// Log gets reconnections; nil for none.
	Log *slog.Logger
}

// Clock ticks on a connection of its own until it is closed. Safe for concurrent use.
type Clock struct {
	srv    *server.Server
	config ClockConfig
	cancel context.CancelFunc
	done   chan struct{}
	hurry  chan struct{} // a tick is wanted now

	mu      sync.Mutex
	ticks   []Tick // the last ticksKept, in order
	first   Tick
	err     error // terminal
	trouble error // the last failed attempt, nil after a tick
	changed chan struct{}
}

// StartClock starts a clock and returns when it has ticked once. It ticks until Close, or until
// ctx ends. It connects again by itself for as long as it takes; it fails for good when the
// address leads to another server (W6), the account loses a privilege, the server's GTID mode
// changes, or its log has become shorter (W5): a RESET, a restored volume, a tail lost in a crash.
func StartClock(ctx context.Context, srv *server.Server, config ClockConfig) (*Clock, error) {
	if config.Timeline == "" {
		return nil, errors.New("start the clock: no timeline given")
	}
	if config.Interval == 0 {
		config.Interval = tickInterval
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	sampler, err := newSampler(ctx, srv, config)
	if err != nil {
		return nil, fmt.Errorf("start the clock: %w", err)
	}
	tick, err := sampler.sample(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the clock: %w", server.Classify(err)), sampler.close())
	}
	run, cancel := context.WithCancel(ctx)
	c := &Clock{srv: srv, config: config, cancel: cancel, done: make(chan struct{}), hurry: make(chan struct{}, 1), changed: make(chan struct{})}
	tick.N = 1
	c.first = tick
	c.publish(tick)
	go c.run(run, sampler)
	return c, nil
}

// Close stops the clock and waits until its connection is closed.
func (c *Clock) Close() {
	c.cancel()
	<-c.done
}

// First returns the first tick: its low is the floor of a backup.
func (c *Clock) First() Tick { return c.first }

// Latest returns the last tick, however long ago it was.
func (c *Clock) Latest() Tick {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ticks[len(c.ticks)-1]
}

// Err returns why the clock has stopped for good, nil while it goes on.
func (c *Clock) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Watch waits for the clock's end and returns why it has stopped, or nil when ctx ends first.
func (c *Clock) Watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-c.done:
		return c.Err()
	}
}

// Before returns t0 of a read that is sent next: the last tick whose last reply had come. When
// none came for 5 s it waits for one.
func (c *Clock) Before(ctx context.Context) (Tick, error) {
	return c.await(ctx, func() (Tick, bool) {
		last := c.ticks[len(c.ticks)-1]
		return last, time.Since(last.Answered) < tickStale
	})
}

// After returns t1 of a read whose last byte had come at received: the first tick whose first
// statement was sent after it. It waits for that tick.
func (c *Clock) After(ctx context.Context, received time.Time) (Tick, error) {
	// For the tests' mutation table: a tick from before the read's end.
	failpoint.Inject("w2-off", func() { received = time.Time{} })
	return c.await(ctx, func() (Tick, bool) {
		i := slices.IndexFunc(c.ticks, func(t Tick) bool { return t.Asked.After(received) })
		if i < 0 {
			return Tick{}, false
		}
		return c.ticks[i], true
	})
}

// AfterNow is After without waiting for the clock's next turn: it has the clock tick at once.
// It gives a snapshot marks that are sampled directly before and after it.
func (c *Clock) AfterNow(ctx context.Context) (Tick, error) {
	now := time.Now()
	select {
	case c.hurry <- struct{}{}:
	default: // somebody else's wish stands; the clock takes it up after now, or ticks in its turn
	}
	return c.After(ctx, now)
}

func (c *Clock) await(ctx context.Context, pick func() (Tick, bool)) (Tick, error) {
	for {
		c.mu.Lock()
		t, ok := pick()
		err, trouble, changed := c.err, c.trouble, c.changed
		c.mu.Unlock()
		switch {
		case err != nil:
			return Tick{}, err
		case ok:
			return t, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if trouble != nil {
				return Tick{}, fmt.Errorf("wait for a tick of the clock: %w (last attempt: %w)", context.Cause(ctx), trouble)
			}
			return Tick{}, fmt.Errorf("wait for a tick of the clock: %w", context.Cause(ctx))
		}
	}
}

// publish makes a tick the latest one.
func (c *Clock) publish(t Tick) {
	if c.config.Resolver != nil {
		c.config.Resolver.Observe(t)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ticks) == ticksKept {
		c.ticks = slices.Delete(c.ticks, 0, 1)
	}
	c.ticks = append(c.ticks, t)
	c.trouble = nil
	c.notify()
}

func (c *Clock) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Clock) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.notify()
}

func (c *Clock) setTrouble(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = err
}

// run ticks until ctx ends or a failure is final.
func (c *Clock) run(ctx context.Context, s *sampler) {
	defer close(c.done)
	timer := time.NewTicker(c.config.Interval)
	defer timer.Stop()
	last := c.first
	for n := int64(2); ; n++ {
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-c.hurry:
		}
		t, err := c.tick(ctx, s)
		if err == nil {
			err = follows(last, t)
		}
		if err != nil {
			c.fail(fmt.Errorf("read the watermark clock: %w", err))
			// The connection served the clock alone: nothing depends on how it ends.
			_ = s.close()
			return
		}
		t.N = n
		c.publish(t)
		last = t
	}
}

// follows refuses a tick that saw less of the log than the one before. A log only grows, so it is
// another history, whose places cannot be compared with those of the first (W5): every high of it
// would seem to be passed already. The connection that reads the log need not notice, it may hear
// heartbeats for ever where the current file kept its number (fact 13.9).
func follows(last, t Tick) error {
	var off bool
	failpoint.Inject("W5", func() { off = true })
	if off {
		return nil
	}
	if t.High.Before(last.High) {
		return OtherHistory("the source's log ended at %s and ends at %s now", last.High, t.High)
	}
	if last.Mark == MarkGTID && t.Mark == MarkGTID && !t.LowGTID.ContainsSet(last.LowGTID) {
		return OtherHistory("gtid_executed of the source has lost %s", last.LowGTID.Minus(t.LowGTID))
	}
	return nil
}

// OtherHistory is the fault of a source whose log is not the one that was read before (W5).
func OtherHistory(format string, args ...any) error {
	return fault.New(fault.CodeFailed, fault.KindSource,
		"if the source was reset, cloned or restored on purpose, run tripod archive --new-timeline once; then take a new backup",
		"the source has another history than before: %w", fmt.Errorf(format, args...))
}

// tick samples once, connecting again as often as it takes.
func (c *Clock) tick(ctx context.Context, s *sampler) (Tick, error) {
	const firstPause, longestPause = 50 * time.Millisecond, time.Second
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		t, err := s.sample(ctx)
		if err == nil {
			return t, nil
		}
		if ctx.Err() != nil {
			return Tick{}, context.Cause(ctx)
		}
		if isFinal(err) {
			return Tick{}, server.Classify(err)
		}
		c.setTrouble(err)
		c.config.Log.Warn("the watermark clock lost the source and tries again", "error", err)
		select {
		case <-ctx.Done():
			return Tick{}, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// isFinal tells failures that no patience mends: another server, a refused account, a missing
// privilege. Everything else may be a restart, a cut network, a statement that somebody killed.
func isFinal(err error) bool {
	var f *fault.Error
	if !errors.As(server.Classify(err), &f) {
		return false
	}
	return f.Kind != fault.KindConnect
}
