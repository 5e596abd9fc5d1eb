package archive

import (
	"context"
	"io"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
)

// cutIfDue cuts where the file ends, and where the extent has the size of a segment: at the last
// boundary, or inside an entry that is larger than that.
func (r *receiver) cutIfDue() error {
	switch {
	case r.extent == nil:
		return nil
	case r.summary.closed:
		return r.cutAt(r.follower.Chain())
	case r.extent.size < r.config.SegmentSize:
		return nil
	case r.last.Offset > r.extent.start:
		return r.cutAtBoundary()
	}
	return r.cutAt(r.follower.Chain())
}

// flush cuts what has come at the last boundary.
func (r *receiver) flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.extent == nil:
		return nil
	case r.last.Offset <= r.extent.start: // an entry is open since then
		r.isDue()
		return nil
	}
	return r.cutAtBoundary()
}

// isDue starts the time after which the extent is cut.
func (r *receiver) isDue() {
	select {
	case r.due <- struct{}{}:
	default:
	}
}

// stop cuts at the last boundary and forgets what lies behind it: the source has it again.
func (r *receiver) stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.extent == nil {
		return nil
	}
	if r.last.Offset <= r.extent.start {
		e := r.extent
		r.extent = nil
		r.queue.grow(-e.size)
		return e.drop(r.spool)
	}
	chain, err := binlog.ResumeChain(r.last.State)
	if err != nil {
		return err
	}
	r.queue.grow(-int64(r.extent.end() - r.last.Offset))
	r.open = segment.Content{}
	return r.cutAt(chain)
}

// heldTip returns what is known at the end of what was cut.
func (r *receiver) heldTip() *tip {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tip.clone()
}

// hasReceived tells whether the last stream sent anything new.
func (r *receiver) hasReceived() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.received
}

// flushing cuts what has come a flush after its first byte; sooner the first time of a run, and where somebody waits for it.
func (r *receiver) flushing(ctx context.Context) error {
	delay := min(r.config.timing.firstCut, r.config.Flush)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.due:
		}
		if err := r.pause(ctx, delay); err != nil {
			return err
		}
		if err := r.flush(); err != nil {
			return err
		}
		delay = r.config.Flush
	}
}

// cutAtBoundary cuts at the last boundary and begins the next extent with what lies behind it.
func (r *receiver) cutAtBoundary() error {
	// Not the follower's chain: flush runs beside its goroutine.
	chain, err := binlog.ResumeChain(r.last.State)
	if err != nil {
		return err
	}
	if r.last.Offset == r.extent.end() {
		return r.cutAt(chain)
	}
	old := r.extent
	rest, err := old.tail(r.last.Offset)
	if err != nil {
		return err
	}
	next, err := r.spool.create(r.last.Offset)
	if err != nil {
		return err
	}
	if next.size, err = io.Copy(next.w, rest); err != nil {
		return spoolFault("write to the spool folder", err)
	}
	if err := r.finish(old, chain, false); err != nil {
		return err
	}
	r.extent = next
	r.isDue()
	return nil
}

// cutAt ends the extent where chain is.
func (r *receiver) cutAt(chain *binlog.Chain) error {
	e := r.extent
	r.extent = nil
	r.closeContent() // inside an entry: of what has come of it
	return r.finish(e, chain, r.last.Offset < chain.Offset())
}

// finish hands an extent over that ends where chain is.
func (r *receiver) finish(e *extent, chain *binlog.Chain, inside bool) error {
	h := segment.Header{
		Version:  segment.Version,
		Timeline: r.follower.Timeline(), File: r.file, Start: e.start, End: chain.Offset(), FormatTime: r.formatTime,
		BeginsInside: r.began.inside, EndsInside: inside, Boundary: r.last.Offset,
		SHA256Start: r.began.sum, State: r.began.state, SHA256End: chain.Sum(), OpenXA: r.limits.Open(),
	}
	if e.start == 0 {
		h.Previous = r.ended
	}
	resume := r.before
	if inside {
		resume = r.last
	}
	h.Resume = segment.Resume{At: resume.Offset, State: append(binlog.ChainState(nil), resume.State...)}
	r.summary.fill(&h)
	state, err := chain.AppendState(nil)
	if err != nil {
		return err
	}
	r.began, r.summary = beginning{inside: inside, state: state, sum: h.SHA256End}, summary{}
	if r.tip == nil {
		r.tip = &tip{}
	}
	r.tip.add(h)
	r.queue.put(cut{extent: e, header: h})
	return nil
}
