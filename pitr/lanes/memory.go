package lanes

import (
	"github.com/tripod-db/tripod/internal/budget"
)

// defaultMemory is the budget where Config names none: promise 8's.
const defaultMemory = 512 << 20

// Memory is the byte budget of one restore (promise 8). What is bounded by a constant while a
// phase lasts is reserved for that time; what comes and goes is acquired: batches on
// their way to the target, rows too long for their worker's buffers.
//
// Two things are not in it, and are what the promise allows beside it: the event at hand, which
// is held once, as the archive has it, and the one long row that passes alone.
type Memory struct {
	*budget.Budget
}

// NewMemory is the budget of a restore that may take so many bytes; the default for 0.
func NewMemory(limit int64) *Memory {
	if limit <= 0 {
		limit = defaultMemory
	}
	return &Memory{budget.New(limit)}
}

// Shares of the budget.
const (
	segmentShare = 4   // of a segment that is held stored: a larger one is read twice
	loadShare    = 2   // of all workers of the load
	batchShare   = 32  // of the SQL of a batch
	largeShare   = 128 // of a row change that goes into a batch
	keyedShare   = 8   // of a generation of the keyed lane
	writersShare = 8   // of all writers of the keyed lane
	xaShare      = 32  // of prepared XA transactions
)

// Segment is the largest segment that is held in memory while its events are read.
func (m *Memory) Segment() int64 { return m.Limit() / segmentShare }

// Batch is how much SQL a batch of the ordered lane takes.
func (m *Memory) Batch() int { return int(min(batchBytes, max(m.Limit()/batchShare, 64<<10))) }

// Large is the size, in the event, of a change that passes alone instead of in a batch.
func (m *Memory) Large() int { return int(min(4<<20, max(m.Limit()/largeShare, 64<<10))) }

// BatchCost is what a batch may take: it is full when a change made it larger than batch, whose
// values are twice as long as hexadecimal digits, and so again with what --on-divergence
// binlog-wins would do instead.
func (m *Memory) BatchCost(alternatives bool) int64 {
	cost := int64(m.Batch() + 2*m.Large())
	if alternatives {
		cost *= 2
	}
	return cost
}

// Workers is how many of the wanted workers of the load, each with a constant cost, there is room for.
func (m *Memory) Workers(wanted int, cost int64) int {
	return max(1, min(wanted, int(m.Limit()/loadShare/cost)))
}

// Generation is what a generation of the keyed lane gathers. Two are held at once.
func (m *Memory) Generation() int { return int(m.Limit() / keyedShare) }

// XA is how many bytes of prepared XA transactions are kept. As much is taken by the one that is being
// prepared, and by the segment from which one is fetched that is not kept.
func (m *Memory) XA() int { return int(m.Limit() / xaShare) }

// Writers is how many of the wanted writers of the keyed lane there is room for.
func (m *Memory) Writers(wanted int, alternatives bool) int {
	return max(1, min(wanted, int(m.Limit()/writersShare/m.BatchCost(alternatives))))
}
