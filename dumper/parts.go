package dumper

import (
	"context"
	"slices"
	"sync"

	"github.com/tripod-db/tripod/binlog/source"
)

// parts are the key ranges in which a table is walked, in the order of the key. Each has one walker;
// together they are one read of the table, with one window: it is whole when all of them are. A part
// is split by its own walker, between two chunks (see split).
type parts struct {
	mu   sync.Mutex
	list []*part
	// left is how many have not been walked to their end.
	left     int
	last     uint64 // the greatest number of a part
	earliest *source.Tick
	looks    []futureTick // behind the SELECTs that found nothing
	ended    *source.Tick // before the look at what lies behind the last part, nil where that has no bound
}

// part is the rows behind one bound and up to another one. Its walker alone changes it, under the
// lock of parts what others look at.
type part struct {
	number uint64
	first  []string // the bound in front of it, nil at the table's beginning
	after  []string // the bound behind its last chunk: the next one begins there
	until  []string // its last possible row, nil at the table's end
	chunks []storedChunk
	expect uint64 // how many rows it may have, 0 for unknown
	rows   uint64 // that this run has read of it
	text   uint64 // likewise
}

// newParts is a table in one part.
func newParts(rows uint64) *parts {
	return &parts{list: []*part{{expect: rows}}, left: 1}
}

// split makes a part of what lies behind a bound in another one, and returns it.
func (p *parts) split(of *part, at []string, expect, number uint64) *part {
	p.mu.Lock()
	defer p.mu.Unlock()
	behind := &part{number: number, first: at, after: at, until: of.until, expect: expect}
	of.until = at
	p.list = slices.Insert(p.list, slices.Index(p.list, of)+1, behind)
	p.left++
	p.last = max(p.last, number)
	return behind
}

// nextNumber returns the number of a part that is about to be split off.
func (p *parts) nextNumber() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	return p.last
}

// numbered returns the part of a number, nil for none.
func (p *parts) numbered(n uint64) *part {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.list {
		if part.number == n {
			return part
		}
	}
	return nil
}

// add notes a chunk of a part, and where the next one begins.
func (p *parts) add(to *part, c storedChunk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to.chunks = append(to.chunks, c)
	to.after = c.UpTo
	p.covers(c.before)
}

// nothing notes a look at a part that found no rows behind its last chunk.
func (p *parts) nothing(before source.Tick, behind futureTick) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks = append(p.looks, behind)
	p.covers(before)
}

// ends bounds the last part by the table's last key, behind which a look has found nothing.
func (p *parts) ends(of *part, last []string, before source.Tick, behind futureTick) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of.until, p.ended = last, &before
	p.looks = append(p.looks, behind)
	p.covers(before)
}

// covers notes the tick before a SELECT: the row window begins with the earliest. Ticks of earlier
// runs, which have no number, come first.
func (p *parts) covers(before source.Tick) {
	e := p.earliest
	if e == nil || before.N < e.N || before.N == 0 && e.N == 0 && before.LowPosition.Before(e.LowPosition) {
		p.earliest = &before
	}
}

// isWalked tells whether a chunk has reached the part's end.
func (p *part) isWalked() bool {
	n := len(p.chunks)
	return n > 0 && slices.Equal(p.chunks[n-1].UpTo, p.until)
}

// walked tells that a part's walker has come to its end, and whether it was the last one.
func (p *parts) walked() (all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left--
	return p.left == 0
}

// unwalked returns the parts of which something is left, in key order.
func (p *parts) unwalked() []*part {
	p.mu.Lock()
	defer p.mu.Unlock()
	var left []*part
	for _, part := range p.list {
		if !part.isWalked() {
			left = append(left, part)
		}
	}
	p.left = len(left)
	return left
}

// await waits for the ticks behind all SELECTs and returns the last of them.
func (p *parts) await(ctx context.Context) (last source.Tick, err error) {
	later := func(f futureTick) (source.Tick, error) {
		t, err := f.await(ctx)
		if err == nil && (last.High.IsZero() || last.High.Before(t.High)) {
			last = t
		}
		return t, err
	}
	for _, part := range p.list {
		for i := range part.chunks {
			if part.chunks[i].after, err = later(part.chunks[i].behind); err != nil {
				return last, err
			}
		}
	}
	for _, look := range p.looks {
		if _, err := later(look); err != nil {
			return last, err
		}
	}
	return last, nil
}

// all returns the chunks in key order. Each reaches to where the next one begins, the last one,
// which was seen to have nothing behind it, to the table's end.
func (p *parts) all(last source.Tick) []storedChunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []storedChunk
	for _, part := range p.list {
		all = append(all, part.chunks...)
	}
	for i := range all {
		if i == 0 {
			all[i].After = nil
		}
		if i+1 < len(all) {
			all[i].UpTo = all[i+1].After
			continue
		}
		all[i].UpTo, all[i].after, all[i].behind = nil, last, knownTick(last)
		if p.ended != nil {
			all[i].before = *p.ended
		}
	}
	return all
}
