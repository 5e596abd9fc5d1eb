package archive

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/server"
)

// receiver puts what a stream sends into extents, and cuts these at boundaries between entries.
type receiver struct {
	config Config
	spool  *spool
	queue  *queue

	mu       sync.Mutex // flush cuts beside receive
	follower *stream.Follower
	asm      *event.Assembler
	tip      *tip // of what is cut; nil before the first segment
	limits   *limit.Collector
	ends     ends

	file       string
	formatTime uint32
	ended      *segment.PreviousFile // the file before file; nil where the archive begins, and behind a hole
	// before and last are the last two boundaries of the file, with the chain's state.
	before, last stream.Mark

	received bool    // something that was not held before
	extent   *extent // nil when nothing came since the last cut
	summary  summary
	open     segment.Content // of the events behind the last boundary
	// statements are those of the open entry; nil ones cannot be read.
	statements []*ddl.Statement
	journal    *journal
	began      beginning
	due        chan struct{} // an extent has begun
	came       chan struct{} // what is wanted is there

	progress progressMark
}

// beginning is what is known where the extent begins.
type beginning struct {
	inside bool
	state  binlog.ChainState
	sum    binlog.Digest
}

// progressMark is what other goroutines may know of the stream.
type progressMark struct {
	mu       sync.Mutex
	file     string
	end      uint64
	verified bool      // the stream is behind what was held when it began
	moved    time.Time // when the last event came
	held     bool      // it waits for room, and takes nothing
}

func (p *progressMark) set(file string, end uint64, verified bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.file, p.end, p.verified, p.moved = file, end, verified, time.Now()
}

// hold says whether the receiver waits for room: then it is no fault of the stream that nothing comes.
func (p *progressMark) hold(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held, p.moved = held, time.Now()
}

func (p *progressMark) get() (file string, end uint64, verified bool, moved time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		p.moved = time.Now()
	}
	return p.file, p.end, p.verified, p.moved
}

func newReceiver(cfg Config, s *spool, q *queue, j *journal) *receiver {
	return &receiver{config: cfg, spool: s, queue: q, journal: j, due: make(chan struct{}, 1), came: make(chan struct{}, 1), ends: newEnds(cfg)}
}

// attach sets the receiver up behind a new stream that begins at s.
func (r *receiver) attach(f *stream.Follower, s start) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follower, r.asm = f, event.NewAssembler(s.resume.Position.Timeline, event.WithoutRowCounts())
	r.file, r.formatTime, r.ended = s.resume.Position.File, f.FormatTime(), s.previous
	r.tip = s.tip.clone()
	r.collect(s)
	r.before, r.last = f.Marks()
	r.extent, r.summary, r.open, r.received = nil, summary{}, segment.Content{}, false
	r.progress.set(r.file, s.resume.Held, f.Chain().Offset() >= s.resume.Held)
	if f.Chain().Offset() > binlog.FirstOffset { // else the real one comes
		if err := r.asm.SetFormat(f.Format()); err != nil {
			return sourceFault(err)
		}
	}
	return r.goOn()
}

// goOn notes, when the stream comes to the end of what is held, how the next extent begins.
func (r *receiver) goOn() error {
	chain := r.follower.Chain()
	if r.tip == nil || r.tip.header.File != r.file || chain.Offset() != r.tip.header.End {
		return nil
	}
	state, err := chain.AppendState(nil)
	if err != nil {
		return err
	}
	r.began = beginning{inside: r.tip.header.EndsInside, state: state, sum: r.tip.header.SHA256End}
	return nil
}

// receive takes events until ctx ends or the stream does.
func (r *receiver) receive(ctx context.Context) error {
	for {
		if err := r.queue.awaitRoom(ctx, r.config.SpoolSize, r.waits); err != nil {
			return err
		}
		e, err := r.follower.Next(ctx)
		if err != nil {
			return err
		}
		if e.Raw == nil {
			continue
		}
		if err := r.take(e); err != nil {
			return err
		}
	}
}

// waits says that there is no room; over that there is some again.
func (r *receiver) waits(why string) (over func()) {
	r.progress.hold(true)
	told := r.config.Waits(why)
	return func() {
		told()
		r.progress.hold(false)
	}
}

// take adds one event.
func (r *receiver) take(e stream.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.File != r.file {
		if err := r.enter(e.File); err != nil {
			return err
		}
	}
	entry, err := r.asm.Add(e.File, e.Start, e.Raw)
	if err != nil {
		return sourceFault(err)
	}
	var limits []segment.Limit
	if entry != nil {
		limits = r.limits.End(entry)
	}
	if e.Held {
		r.open = segment.Content{} // a segment that is there tells it
	} else {
		if err := r.keep(e); err != nil {
			return err
		}
		if entry != nil {
			r.note(entry, limits)
			r.summary.add(entry)
			addEntry(&r.open, entry)
			r.journal.note(entry, r.statements)
		}
	}
	// Not behind a file's format description alone: what was executed before the file stands in the event behind that, and the first
	// segment has to tell it.
	if r.asm.AtBoundary() && !r.isHead(e) {
		r.closeContent()
		if err := r.mark(); err != nil {
			return err
		}
		r.tellWanted()
	}
	if e.Held {
		r.progress.set(r.tip.header.File, r.tip.header.End, e.End >= r.tip.header.End)
		return r.goOn()
	}
	r.progress.set(e.File, e.End, true)
	r.journal.pass(binlog.Position{Timeline: r.follower.Timeline(), File: e.File, Pos: e.End})
	return r.cutIfDue()
}

// isHead tells of the format description of a file, behind which an event with what was executed before comes from every server but
// a MySQL before 5.7, which writes that with GTIDs alone.
func (r *receiver) isHead(e stream.Event) bool {
	f := r.config.Server.Facts()
	return e.Start == binlog.FirstOffset && event.Type(e.Raw[4]) == event.TypeFormatDescription && (f.Flavor == server.FlavorMariaDB || f.AtLeast(5, 7, 0))
}

// keep writes an event's bytes to the spool and notes what its kind says.
func (r *receiver) keep(e stream.Event) error {
	r.received = true
	if r.extent == nil {
		if err := r.begin(e.Start); err != nil {
			return err
		}
	}
	if err := r.extent.append(e.Raw); err != nil {
		return err
	}
	r.queue.grow(int64(len(e.Raw)))
	switch event.Type(e.Raw[4]) {
	case event.TypeRotate, event.TypeStop:
		r.summary.closed = true
	case event.TypeFormatDescription:
		r.summary.format = slices.Clone(e.Raw)
	case event.TypePreviousGTIDs, event.TypeGTIDList:
		set, err := previousGTIDs(r.follower.Format(), e.Raw)
		if err != nil {
			return sourceFault(err)
		}
		r.summary.previousGTIDs = &set
	default: // is of no matter to the header
	}
	return nil
}

// previousGTIDs reads the set out of a Previous_gtids event, or MariaDB's Gtid_list.
func previousGTIDs(format, raw []byte) (binlog.GTIDSet, error) {
	p := event.NewParser()
	if _, err := p.Parse(format); err != nil {
		return binlog.GTIDSet{}, err
	}
	events, err := p.Parse(raw)
	if err != nil {
		return binlog.GTIDSet{}, err
	}
	for _, e := range events {
		if previous, ok := e.(*event.PreviousGTIDs); ok {
			return previous.Set, nil
		}
	}
	return binlog.GTIDSet{}, fmt.Errorf("read Previous_gtids event: it is none: %w", event.ErrMalformed)
}

// begin makes an extent for the events from start on. A file's first one holds the magic too,
// which no server sends.
func (r *receiver) begin(start uint64) error {
	inFront := []byte(nil)
	if start == binlog.FirstOffset {
		start, inFront = 0, []byte(stream.Magic)
		r.began = beginning{sum: binlog.EmptyDigest}
	} else if r.tip == nil || r.tip.header.File != r.file || r.tip.header.End != start {
		return fmt.Errorf("receive %s: event at %d does not go on where the last segment ends", r.file, start)
	}
	var err error
	if r.extent, err = r.spool.create(start); err != nil {
		return err
	}
	r.isDue()
	if len(inFront) == 0 {
		return nil
	}
	r.queue.grow(int64(len(inFront)))
	return r.extent.append(inFront)
}

// mark notes that no entry is open behind the last event.
func (r *receiver) mark() error {
	chain := r.follower.Chain()
	if chain.Offset() == r.last.Offset {
		return nil
	}
	state, err := chain.AppendState(r.before.State[:0])
	if err != nil {
		return err
	}
	r.before, r.last = r.last, stream.Mark{Offset: chain.Offset(), State: state}
	return r.follower.Acknowledge()
}

// enter ends the present file, which the server has left, and begins the next.
func (r *receiver) enter(file string) error {
	chain := r.follower.EndedChain()
	if r.extent != nil { // the file has no ROTATE or STOP event at its end: the source crashed
		if err := r.cutAt(chain); err != nil {
			return err
		}
	}
	r.ended = &segment.PreviousFile{File: r.file, End: chain.Offset(), SHA256: chain.Sum()}
	r.file, r.formatTime = file, r.follower.FormatTime()
	r.before, r.last = stream.Mark{}, stream.Mark{}
	return nil
}
