package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/server"
)

const (
	firstBackOff = 50 * time.Millisecond
	// lastBackOff is how long a source that came back may wait for us at most.
	lastBackOff = 5 * time.Second
)

// Resume is where a caller wants to go on. Position is an offset at which no entry is open (0
// and 4 are the file's start), State the chain's state there. Held says up to which byte of the
// file the caller has the log, if that is more, and Sum what the chain is there: Next compares
// and marks these events Held.
type Resume struct {
	Position binlog.Position
	State    binlog.ChainState
	Held     uint64
	Sum      binlog.Digest
}

// Mark is an offset of the current file at which no entry is open, with the chain's state there.
type Mark struct {
	Offset uint64
	State  binlog.ChainState
}

// Follower streams over as many connections as it takes. Every byte is handed out once, and
// what a new connection sends again is compared with what was handed out. One goroutine.
type Follower struct {
	cfg    Config
	stream *Stream
	// current is stream, for Reconnect.
	current atomic.Pointer[Stream]

	timeline  binlog.Timeline
	file      string
	chain     *binlog.Chain // of file up to the last event that came
	ended     *binlog.Chain // of the file before
	delivered uint64        // end of what was handed out of file

	// Up to verifyEnd the server sends what is held already; there the chain is verifySum.
	verifyEnd uint64
	verifySum binlog.Digest

	// The last two boundaries of the current file: a new connection begins at before, so that
	// it sends a whole entry again and with it the proof that this is the same history.
	before, last Mark
}

// Follow opens a stream at start. The first connection is not tried again: its error is the
// caller's to judge, see Open.
func Follow(ctx context.Context, cfg Config, start Resume) (*Follower, error) {
	f := &Follower{
		cfg: cfg, timeline: start.Position.Timeline, file: start.Position.File,
		verifyEnd: start.Held, verifySum: start.Sum,
	}
	f.before = Mark{Offset: start.Position.Pos, State: start.State}.clone()
	if f.before.Offset == binlog.FirstOffset {
		f.before = Mark{}
	}
	if f.verifyEnd > 0 && f.verifyEnd < f.before.Offset {
		return nil, fmt.Errorf("stream from %s: only %d bytes are held", start.Position, f.verifyEnd)
	}
	f.last = f.before.clone()
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	f.timeline = f.stream.Timeline()
	f.cfg.Expect.ServerUUID = f.stream.ServerUUID()
	return f, nil
}

func (m Mark) clone() Mark {
	return Mark{Offset: m.Offset, State: append(binlog.ChainState(nil), m.State...)}
}

// open connects at the last boundary but one, or at the file's start where that is too far for
// the protocol.
func (f *Follower) open(ctx context.Context) error {
	begin := f.before
	if begin.Offset > f.cfg.lastPosition() {
		begin = Mark{}
	}
	chain, err := binlog.ResumeChain(begin.State)
	if err != nil {
		return err
	}
	if chain.Offset() != begin.Offset {
		return fmt.Errorf("stream from %s: the chain is at %d: %w", f.at(begin.Offset), chain.Offset(), binlog.ErrChainState)
	}
	if begin.Offset == 0 {
		chain = fileStart()
	}
	s, err := Open(ctx, f.cfg, f.at(begin.Offset))
	if err != nil {
		return err
	}
	f.stream, f.chain = s, chain
	f.current.Store(s)
	f.cfg.Expect.FormatTime = s.FormatTime()
	return f.verify(chain.Offset())
}

func (f *Follower) at(offset uint64) binlog.Position {
	return binlog.Position{Timeline: f.timeline, File: f.file, Pos: offset}
}

// fileStart returns the chain behind the magic, which no server sends.
func fileStart() *binlog.Chain {
	chain := binlog.NewChain()
	_, _ = chain.Write([]byte(Magic)) // never fails
	return chain
}

// Timeline returns that of the start, else Stream.Timeline of the first connection.
func (f *Follower) Timeline() binlog.Timeline { return f.timeline }

// ServerUUID returns the identity of the server; every connection has the same (W6).
func (f *Follower) ServerUUID() string { return f.cfg.Expect.ServerUUID }

// Format is Stream.Format of the current file.
func (f *Follower) Format() []byte { return f.stream.Format() }

// FormatTime is Stream.FormatTime of the current file.
func (f *Follower) FormatTime() uint32 { return f.stream.FormatTime() }

// Chain returns the chain of the current file up to the end of the event that Next returned
// last. It moves with Next.
func (f *Follower) Chain() *binlog.Chain { return f.chain }

// EndedChain returns the chain of the file before the current one, at its end; nil while the
// stream is in the file that it began in.
func (f *Follower) EndedChain() *binlog.Chain { return f.ended }

// Acknowledge says that behind the event that Next returned last no entry is open: a new
// connection may begin there, or at the acknowledged place before.
func (f *Follower) Acknowledge() error {
	if f.chain.Offset() == f.last.Offset {
		return nil
	}
	state, err := f.chain.AppendState(f.before.State[:0])
	if err != nil {
		return err
	}
	f.before, f.last = f.last, Mark{Offset: f.chain.Offset(), State: state}
	return nil
}

// Marks returns the last two acknowledged places of the current file; the file's start, with
// offset 0, stands for what is missing.
func (f *Follower) Marks() (before, last Mark) { return f.before.clone(), f.last.clone() }

// Reconnect ends the present connection, so that Next opens another one and compares what it
// sends. A connection that lived through a RESET hears heartbeats only, with nothing to tell
// from an idle source: whoever learns elsewhere that the log has shrunk calls this. It may be
// called from any goroutine.
func (f *Follower) Reconnect() { f.current.Load().interrupt() }

// Moved is Stream.Moved of the connection: what a new one sends again counts. It may be called from any goroutine.
func (f *Follower) Moved() time.Time { return f.current.Load().Moved() }

// Close ends the connection.
func (f *Follower) Close() error { return f.stream.Close() }

// Next returns the next event, or a heartbeat, however many connections it takes. It returns
// what no new connection mends: ErrPurged, ErrIdentity, a fault about the account, the end of ctx.
func (f *Follower) Next(ctx context.Context) (Event, error) {
	for {
		event, err := f.stream.Next(ctx)
		if err != nil {
			if err := f.reconnect(ctx, err); err != nil {
				return Event{}, err
			}
			continue
		}
		again, err := f.follow(&event)
		if err != nil {
			return Event{}, err
		}
		if !again {
			return event, nil
		}
	}
}

// follow moves the chain over an event and tells whether the event was handed out before.
func (f *Follower) follow(event *Event) (again bool, err error) {
	if event.File != f.file {
		if err := f.enter(event.File); err != nil {
			return false, err
		}
	}
	if event.Raw == nil { // the server has sent everything it has
		if f.chain.Offset() < f.verifyEnd {
			return false, fmt.Errorf("%w: %s ends at %d, before %d bytes that were read of it", ErrIdentity, f.file, f.chain.Offset(), f.verifyEnd)
		}
		return f.chain.Offset() < f.delivered, nil
	}
	if event.Start == binlog.FirstOffset {
		f.cfg.Expect.FormatTime = f.stream.FormatTime()
	}
	_, _ = f.chain.Write(event.Raw) // never fails
	if event.Start < f.verifyEnd {
		event.Held = true
		if err := f.verify(event.End); err != nil {
			return false, err
		}
	}
	if event.End <= f.delivered {
		return true, nil
	}
	f.delivered = event.End
	return false, nil
}

// verify compares the chain with what is held when it has come to the end of that.
func (f *Follower) verify(end uint64) error {
	if f.verifyEnd == 0 || end < f.verifyEnd {
		return nil
	}
	if end > f.verifyEnd || f.chain.Sum() != f.verifySum {
		return fmt.Errorf("%w: the first %d bytes of %s are not those that were read before", ErrIdentity, f.verifyEnd, f.file)
	}
	return nil
}

// enter begins the next file.
func (f *Follower) enter(file string) error {
	if f.chain.Offset() < f.verifyEnd {
		return fmt.Errorf("%w: %s ends at %d, before %d bytes that were read of it", ErrIdentity, f.file, f.chain.Offset(), f.verifyEnd)
	}
	f.file, f.ended, f.chain, f.delivered, f.verifyEnd = file, f.chain, fileStart(), 0, 0
	f.before, f.last = Mark{}, Mark{}
	f.cfg.Expect.FormatTime = 0
	return nil
}

// reconnect opens a new connection for as long as that may help, and returns cause otherwise.
func (f *Follower) reconnect(ctx context.Context, cause error) error {
	if f.delivered > 0 && f.chain.Offset() >= f.verifyEnd {
		f.verifyEnd, f.verifySum = f.chain.Offset(), f.chain.Sum()
	}
	for wait := firstBackOff; ; wait = min(2*wait, lastBackOff) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(cause, ErrDisconnected) && !server.IsTransient(cause) {
			return cause
		}
		// Close says nothing about a connection that is lost.
		_ = f.stream.Close()
		f.cfg.log().Warn("the replication connection was lost; connecting again", "file", f.file, "offset", f.delivered, "in", wait, "error", cause)
		// Many clients of one source that restarts do not all come at once.
		if err := sleep(ctx, wait/2+rand.N(wait/2)); err != nil {
			return err
		}
		if cause = f.open(ctx); cause == nil {
			return nil
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
