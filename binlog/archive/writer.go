package archive

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// errIdle: everything that was wanted is archived.
var errIdle = errors.New("everything is archived")

// writer archives for as long as it holds the lease.
type writer struct {
	config   Config
	tenure   *tenure
	spool    *spool
	queue    *queue
	clock    *clock
	uploader *uploader
	receiver *receiver
	keeper   *keeper
	journal  *journal

	number  int    // of the server's timelines
	base    string // the name of the first; empty where nothing is archived and the server has no uuid
	held    *tip   // of the store and the spool; nil for nothing
	other   error  // why the source has another history than held; nil as long as it has not
	started bool   // a stream was there: an unreachable source is waited for from then on
}

func newWriter(cfg Config, s *spool, t *tenure) *writer {
	if cfg.UntilIdle {
		cfg.Wanted = NewWanted()
	}
	w := &writer{config: cfg, tenure: t, spool: s, queue: newQueue(), clock: newClock(cfg.UntilIdle, cfg.Wanted)}
	w.keeper, w.journal = newKeeper(cfg, t), newJournal(cfg, t)
	w.uploader = &uploader{config: cfg, spool: s, queue: w.queue, tenure: t, clock: w.clock, covered: func() {}, closed: w.keeper.add}
	w.receiver = newReceiver(cfg, s, w.queue, w.journal)
	return w
}

func (w *writer) uuid() string { return w.config.Server.Facts().ServerUUID }

func (w *writer) timeline() binlog.Timeline { return timelineOf(w.base, w.number) }

func (w *writer) streamConfig(s start) stream.Config {
	return stream.Config{
		Address: w.config.Server.Address(), ServerID: w.config.ServerID, Heartbeat: w.config.timing.heartbeat,
		Expect: stream.Identity{ServerUUID: w.uuid(), FormatTime: s.formatTime}, Log: w.config.Log,
	}
}

// run archives until ctx ends, a backup is asked for the lease (errAsked), the lease is lost
// (errLeaseLost), or something fails that time does not mend. Whatever it is, what was received
// up to the last boundary is brought into the store if that can be done within seconds.
func (w *writer) run(ctx context.Context) error {
	// Bringing away what was received goes on for a while when receiving has ended.
	away, stopAway := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopAway(nil)
	receiving, stopReceiving := context.WithCancelCause(ctx)
	defer stopReceiving(nil)
	w.uploader.covered = func() { stopReceiving(errIdle) }

	if err := w.recover(ctx); err != nil {
		w.tenure.giveBack(ctx)
		return err
	}
	var bringing errgroup.Group
	for _, part := range []func(context.Context) error{w.queue.seal, w.uploader.run} {
		bringing.Go(func() error {
			err := part(away)
			if err != nil {
				stopReceiving(err)
				stopAway(err)
			}
			return err
		})
	}
	var keeping sync.WaitGroup
	kept, stopKeeping := context.WithCancel(away)
	defer stopKeeping()
	keeping.Go(func() {
		if err := w.tenure.keep(kept); errors.Is(err, errAsked) {
			stopReceiving(err)
		}
	})
	tending, stopTending := context.WithCancel(kept)
	defer stopTending()
	var tended sync.WaitGroup
	tended.Go(func() { w.keeper.run(tending) })
	tended.Go(func() { w.journal.run(tending) })
	err := w.receiveAll(receiving)
	if cause := context.Cause(receiving); cause != nil && ctx.Err() == nil {
		err = cause
	}
	err = w.end(ctx, err, &bringing, stopAway)
	w.endTending(ctx, err, &tended, stopTending)
	stopKeeping()
	keeping.Wait()
	if err = w.orLost(ctx, err); !errors.Is(err, errLeaseLost) {
		w.tenure.giveBack(ctx)
	}
	return err
}

// orLost returns the loss of the lease instead of an error that came with it: a writer that was
// frozen for long meets dead connections too, and what the operator has to know is the other one.
func (w *writer) orLost(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, errAsked) {
		return err
	}
	look, cancel := context.WithTimeout(ctx, w.config.timing.ending)
	defer cancel()
	if lost := w.tenure.check(look); errors.Is(lost, errLeaseLost) {
		w.config.Log.Warn("the lease is lost", "also", err)
		return lost
	}
	return err
}

// end brings the rest into the store, within limits, and returns what ended the run.
func (w *writer) end(ctx context.Context, cause error, bringing *errgroup.Group, stopAway context.CancelCauseFunc) error {
	w.queue.close()
	limit := time.AfterFunc(w.config.timing.ending, func() { stopAway(errEnding) })
	err := bringing.Wait()
	limit.Stop()
	switch {
	case errors.Is(err, errEnding):
		w.config.Log.Warn("the store did not take everything in time; the rest stays in the spool", "spooled", w.queue.size())
		err = nil
	case errors.Is(cause, errIdle):
		cause = nil
	case err != nil && errors.Is(cause, err):
		err = nil
	}
	if ctx.Err() != nil && errors.Is(cause, context.Canceled) {
		cause = context.Cause(ctx)
	}
	return errors.Join(cause, err)
}

// endTending lets keeper and journal do what is left where the run has come to its end by itself, within
// limits; otherwise the next run does it.
func (w *writer) endTending(ctx context.Context, err error, tended *sync.WaitGroup, stop context.CancelFunc) {
	w.keeper.end()
	w.journal.end()
	if err == nil && ctx.Err() == nil {
		limit := time.AfterFunc(w.config.timing.tendLast, stop)
		defer limit.Stop()
		released := context.AfterFunc(ctx, stop)
		defer released()
	} else {
		stop()
	}
	tended.Wait()
}

// errEnding: the time for bringing the rest away is over.
var errEnding = errors.New("time is over")

// receiveAll receives, cuts and samples until ctx ends or one of them fails.
func (w *writer) receiveAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.stream(ctx) })
	g.Go(func() error { return w.receiver.flushing(ctx) })
	return g.Wait()
}

// firstPatience is for how long a source is tried again that answered when the archiver began and is gone before it
// sends its log: one that is started again is back by then. Later the stream itself waits as long as it takes.
const (
	firstPatience = time.Minute
	longestPause  = 5 * time.Second // between two tries
)

func isLost(err error) bool { return errors.Is(err, stream.ErrDisconnected) || server.IsTransient(err) }

// stream receives over all connections, timelines and holes that it takes.
func (w *writer) stream(ctx context.Context) error {
	const tries = 5 // of a source that purges between the list of its files and the connection
	began, pause := time.Now(), w.config.Flush
	for try := 0; ; try++ {
		s, err := w.decide(ctx)
		if err == nil {
			err = w.follow(ctx, s)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errOtherHistory): // decide has judged
			return err
		case isOtherHistory(err):
			w.other = err
		case errors.Is(err, stream.ErrOtherServer):
			return fault.New(fault.CodeFailed, fault.KindSource, "give the address of one server: this one leads to several, or the server was replaced", "%w (W6)", err)
		case errors.Is(err, stream.ErrPurged) && try < tries:
		case w.started && (server.IsTransient(err) || isLost(err)):
			if err := sleep(ctx, w.config.Flush); err != nil {
				return err
			}
		case isLost(err) && time.Since(began) < firstPatience:
			if lost := w.orLost(ctx, err); errors.Is(lost, errLeaseLost) {
				return lost
			}
			w.config.Log.Warn("the source was lost; trying again", "in", pause.String(), "error", err)
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			pause = min(2*pause, longestPause)
		default:
			return grantFault(w.config.Server.Facts(), err)
		}
		if w.receiver.hasReceived() {
			try = 0
		}
	}
}

// follow receives from one start on, for as long as the follower finds its way.
func (w *writer) follow(ctx context.Context, s start) (err error) {
	f, err := stream.Follow(ctx, w.streamConfig(s), s.resume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := w.receiver.attach(f, s); err != nil {
		return err
	}
	w.started = true
	defer func() {
		err = errors.Join(err, w.receiver.stop())
		w.held = w.receiver.heldTip()
	}()
	sampling, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	smp := &sampler{server: w.config.Server, config: w.config, clock: w.clock, progress: &w.receiver.progress, again: f.Reconnect, moved: f.Moved}
	work.Go(func() { _ = smp.run(sampling) }) // ends with sampling only
	return w.receiver.receive(ctx)
}
