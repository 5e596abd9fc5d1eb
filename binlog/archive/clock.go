package archive

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

const (
	// keptSamples bounds the samples that wait to be covered; of more every second one goes.
	keptSamples = 4096
	// shortestSample is how often the source is asked at most.
	shortestSample = 200 * time.Millisecond
	// standstill is how long the stream may lack what a sample saw before its connection is
	// taken for one that hears nothing any more.
	standstill = 15 * time.Second
	// verifiedPoll is how often the stream is looked at before the first sample.
	verifiedPoll = 10 * time.Millisecond
	// sampleTimeout bounds one sample: a source that does not answer for so long is asked anew.
	sampleTimeout = 10 * time.Second
)

// clock samples the source's time and end of log, and tells up to which time a place in the log
// covers everything.
type clock struct {
	mu      sync.Mutex
	samples []sample
	// Until idle: the head has to cover the place of the first sample.
	untilIdle bool
	asked     bool    // there is a first sample
	first     bool    // what is archived covers it
	end       *Wanted // is told the place of the first sample
	tick      chan struct{}
	started   time.Time
}

func newClock(untilIdle bool, end *Wanted) *clock {
	return &clock{tick: make(chan struct{}), started: time.Now(), untilIdle: untilIdle, end: end}
}

// thin lets every second sample go. The first one stays, for which somebody may wait, and some of every age: an archiver that is
// hours behind comes to them one after the other.
func (c *clock) thin() {
	kept := c.samples[:0]
	for i, s := range c.samples {
		if i%2 == 0 {
			kept = append(kept, s)
		}
	}
	c.samples = kept
}

// add takes a sample.
func (c *clock) add(s sample) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) >= keptSamples {
		c.thin()
	}
	c.samples = append(c.samples, s)
	if !c.asked {
		c.asked = true
		if c.untilIdle {
			c.end.Tell(binlog.Position{File: s.file, Pos: s.pos})
		}
	}
	close(c.tick)
	c.tick = make(chan struct{})
}

// ticked is closed when the next sample comes.
func (c *clock) ticked() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tick
}

// covered returns the time of the latest sample whose end is held by an archive that ends with
// the segment of h, and forgets those before it; false for none. It may be before the time of the
// sample in front of it: the source's clock was set back, and what it said before is no longer true.
func (c *clock) covered(h segment.Header) (asOf binlog.Time, any bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := 0
	for i, s := range c.samples {
		if !s.isBehind(h.File, h.End) {
			asOf, any, kept = s.asOf, true, i
		}
	}
	c.samples = c.samples[kept:]
	c.first = c.first || any
	return asOf, any
}

// isBehind tells whether the sample saw more than what ends at a place.
func (s sample) isBehind(file string, end uint64) bool {
	order := binlog.CompareFiles(s.file, file)
	return order > 0 || order == 0 && s.pos > end
}

// isBefore tells whether the sample saw less.
func (s sample) isBefore(file string, end uint64) bool {
	order := binlog.CompareFiles(s.file, file)
	return order < 0 || order == 0 && s.pos < end
}

// forget drops all samples: they are of another history.
func (c *clock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = nil
}

// wanted tells whether somebody waits for a head, and what is archived covers what it has to.
func (c *clock) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.untilIdle && c.first
}

// reached is wanted once: such a head is there.
func (c *clock) reached() bool {
	if !c.wanted() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.untilIdle = false
	return true
}

// rate returns bytes per second since the start.
func (c *clock) rate(bytes int64) float64 {
	return float64(bytes) / max(time.Since(c.started).Seconds(), 1)
}

// sampler asks the source again and again.
type sampler struct {
	server   *server.Server
	config   Config
	clock    *clock
	progress *progressMark
	again    func()           // makes the stream prove its history on a new connection
	moved    func() time.Time // when something came on it last, a part of an event or what is sent again
}

// run samples until ctx ends. A source that cannot be asked is no error: the stream's
// connection says what is wrong.
func (s *sampler) run(ctx context.Context) error {
	interval := max(shortestSample, min(s.config.Flush, s.config.timing.idleHead))
	var told error
	for {
		err := s.connected(ctx, interval)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if told == nil || err.Error() != told.Error() {
			s.config.Log.Warn("the source's clock cannot be read; as_of stands still", "error", err)
		}
		told = err
		if err := sleep(ctx, interval); err != nil {
			return err
		}
	}
}

// connected samples on one connection for as long as that works.
func (s *sampler) connected(ctx context.Context, interval time.Duration) (err error) {
	conn, err := s.server.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(conn)) }()
	var oldest sample // that the stream has not come to
	var since time.Time
	for {
		file, end, moved, err := s.awaitVerified(ctx)
		if err != nil {
			return err
		}
		taken, err := s.take(ctx, conn)
		if err != nil {
			return err
		}
		switch {
		case taken.isBefore(file, end):
			s.config.Log.Warn("the source's log ends before what was received of it; connecting again", "file", taken.file, "pos", taken.pos)
			s.again()
			since = time.Time{}
		default:
			s.clock.add(taken)
			if since.IsZero() || !oldest.isBehind(file, end) {
				oldest, since = taken, time.Now()
			}
			if time.Since(since) > standstill && time.Since(moved) > standstill && time.Since(s.moved()) > standstill {
				s.config.Log.Warn("the stream stands still behind the end of the source's log; connecting again", "file", file, "pos", end)
				s.again()
				since = time.Time{}
			}
		}
		if err := sleep(ctx, interval); err != nil {
			return err
		}
	}
}

// awaitVerified waits until the stream has proved that its history is the one that is held:
// as_of of another one would be wrong.
func (s *sampler) awaitVerified(ctx context.Context) (file string, end uint64, moved time.Time, err error) {
	for {
		file, end, verified, moved := s.progress.get()
		if verified {
			return file, end, moved, nil
		}
		if err := sleep(ctx, verifiedPoll); err != nil {
			return "", 0, time.Time{}, err
		}
	}
}

func (s *sampler) take(ctx context.Context, conn *sql.Conn) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, sampleTimeout)
	defer cancel()
	return takeSample(ctx, conn, s.server.Facts())
}

// discard gives a connection back; one that is broken has nothing more to say.
func discard(conn *sql.Conn) error {
	if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}

// sourceFault says that the source's log cannot be read as it is.
func sourceFault(err error) error {
	if f := fault.Of(err); f.Kind != fault.KindInternal {
		return err
	}
	return fault.New(fault.CodeFailed, fault.KindSource,
		"look at the source's error log; mysqlbinlog --verify-binlog-checksum of the file tells whether it is damaged", "%w", err)
}
