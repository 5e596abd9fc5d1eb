package archive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

// errSpool: the spool does not hold what was put there.
var errSpool = errors.New("the spool is damaged")

const (
	firstUploadBackOff = 100 * time.Millisecond
	// headLag is how far the head may lie behind while segments wait for their upload.
	headLag = time.Second
)

// uploader brings sealed extents into the store, in order, and keeps the head.
type uploader struct {
	config Config
	spool  *spool
	queue  *queue
	tenure *tenure
	clock  *clock

	mu      sync.Mutex // begin changes the timeline beside run
	tip     *tip       // of what is in the store; nil before the first segment
	head    catalog.Head
	headPut time.Time
	stale   bool // the store holds more than the head says
	limits  limitIndex

	segments, bytes uint64
	covered         func() // is called when a head says as_of to somebody who waits for it
	ended           []closedFile
	closed          func(...closedFile) // is called when a head is there, with the files that it has left
}

// begin makes the head of a timeline of which nothing is archived, so that whoever comes next
// finds the timeline. Nothing may be on its way to the store.
func (u *uploader) begin(ctx context.Context, at binlog.Position, uuid string) error {
	u.mu.Lock()
	u.tip, u.stale = nil, false
	u.head = catalog.Head{End: binlog.Point{Position: at}, Identity: catalog.HeadIdentity{ServerUUID: uuid}}
	u.mu.Unlock()
	return u.putHead(ctx)
}

// run uploads until the queue is closed and empty, or ctx ends.
func (u *uploader) run(ctx context.Context) error {
	idle := time.NewTicker(u.config.timing.idleHead)
	defer idle.Stop()
	for {
		e, more, changed := u.queue.head()
		if e != nil {
			if err := u.upload(ctx, e); err != nil {
				return err
			}
			u.queue.pop()
			if e, _, _ := u.queue.head(); e != nil && time.Since(u.headPut) < headLag {
				continue
			}
			if err := u.putHead(ctx); err != nil {
				return err
			}
			continue
		}
		if u.isStale() || !more || u.wanted() {
			if err := u.putHead(ctx); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		case <-u.clock.ticked():
		case <-idle.C:
			if err := u.putHead(ctx); err != nil {
				return err
			}
		}
	}
}

// upload puts one extent into the store, however often that takes.
func (u *uploader) upload(ctx context.Context, e *sealed) error {
	h := e.header
	h.Epoch = u.tenure.epoch()
	what := fmt.Sprintf("upload %s to %d", h.StartPosition(), h.End)
	err := u.retry(ctx, what, func() error {
		if err := u.tenure.check(ctx); err != nil {
			return err
		}
		data, err := e.encode(h)
		if err != nil {
			return spoolFault("read the spool folder", errors.Join(errSpool, err))
		}
		if err := u.putLimits(ctx, h); err != nil {
			return err
		}
		ref := catalog.SegmentRef{Timeline: h.Timeline, File: h.File, Start: h.Start, End: h.End}
		return u.config.Catalog.PutSegment(ctx, u.config.Instance, ref, data)
	})
	switch {
	case errors.Is(err, catalog.ErrConflict):
		return otherHistory("%w", err)
	case err != nil:
		return err
	}
	failpoint.Inject("uploaded", nil)
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.tip == nil || u.tip.header.Timeline != h.Timeline:
		u.tip = &tip{}
	case u.tip.header.File != h.File:
		u.ended = append(u.ended, closedFile{h.Timeline, u.tip.header.File})
	}
	u.tip.add(h)
	u.segments++
	u.bytes += uint64(e.size())
	u.stale = true
	return u.spool.remove(e.sequence)
}

// asOf returns the latest time up to which the store holds everything; what the head says where
// no sample says more.
func (u *uploader) asOf() binlog.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.latest()
}

// wanted tells whether a head is waited for.
func (u *uploader) wanted() bool {
	u.asOf() // looks what is covered
	return u.clock.wanted()
}

func (u *uploader) isStale() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stale
}

// latest is asOf for who holds mu.
func (u *uploader) latest() binlog.Time {
	if u.tip == nil {
		return u.head.AsOf
	}
	if asOf, any := u.clock.covered(u.tip.header); any {
		return asOf
	}
	return u.head.AsOf
}

// putHead replaces the head by what the store holds now.
func (u *uploader) putHead(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.head.End.Timeline == "" {
		return nil // nothing was begun yet
	}
	head := u.head
	head.AsOf, head.Epoch = u.latest(), u.tenure.epoch()
	if u.tip != nil {
		h := u.tip.header
		head.End = u.tip.point()
		head.Last = catalog.HeadSegment{File: h.File, Start: h.Start, End: h.End}
		head.Identity.FormatCreated = h.FormatTime
	}
	err := u.retry(ctx, "write the head", func() error {
		if err := u.tenure.check(ctx); err != nil {
			return err
		}
		return u.config.Catalog.PutHead(ctx, u.config.Instance, head)
	})
	if err != nil {
		return err
	}
	failpoint.Inject("headed", nil)
	u.head, u.headPut, u.stale = head, time.Now(), false
	u.closed(u.ended...)
	u.ended = nil
	if u.clock.reached() {
		u.covered()
	}
	if u.config.Progress != nil && u.tip != nil {
		u.config.Progress(Progress{Segments: u.segments, Bytes: u.bytes, End: u.tip.end(), AsOf: head.AsOf, Spooled: u.queue.size()})
	}
	return nil
}

// known returns the head as it was written, or read, last.
func (u *uploader) known() catalog.Head {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.head
}

// retry calls do until it succeeds, ctx ends, or nothing that time brings helps.
func (u *uploader) retry(ctx context.Context, what string, do func() error) error {
	var over func()
	for wait := firstUploadBackOff; ; wait = min(2*wait, u.config.timing.uploadMax) {
		err := do()
		if err == nil || ctx.Err() != nil || u.isFinal(err) {
			return err
		}
		if over == nil {
			over = u.config.Waits("for the store, to " + what)
			defer over()
		}
		spooled := u.queue.size()
		u.config.Log.Warn("the store does not take what was received; trying again", "what", what, "in", wait,
			"spooled", spooled, "spool_left", max(u.config.SpoolSize-spooled, 0), "hours_left", u.hoursLeft(spooled), "error", err)
		if err := sleep(ctx, wait/2+rand.N(wait/2)); err != nil {
			return err
		}
	}
}

// hoursLeft tells for how long the spool takes over at the rate of this run so far.
func (u *uploader) hoursLeft(spooled int64) float64 {
	rate := u.clock.rate(int64(u.bytes) + spooled)
	if rate <= 0 {
		return 0
	}
	return float64(max(u.config.SpoolSize-spooled, 0)) / rate / time.Hour.Seconds()
}

// isFinal tells whether trying again is of no use: the lease is lost, the store holds another
// history, the spool is broken, or the store never took anything from this run and says that
// it will not.
func (u *uploader) isFinal(err error) bool {
	switch {
	case errors.Is(err, errLeaseLost), errors.Is(err, catalog.ErrConflict), errors.Is(err, errSpool):
		return true
	case fault.Of(err).Code == fault.CodeDifference, fault.Of(err).Kind == fault.KindVersion:
		return true
	case errors.Is(err, storage.ErrReadOnly):
		return u.segments == 0
	}
	return false
}
