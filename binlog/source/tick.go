package source

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tripod-db/tripod/binlog"
)

// LowMark says what a tick's low sample is.
type LowMark int

// The low marks of DESIGN section 3, in the order in which they are preferred.
const (
	// MarkGTID is gtid_executed: MySQL with gtid_mode=ON, of a version on the proved list.
	MarkGTID LowMark = iota
	// MarkFile is the start of the current binlog file, which rotation makes safe (fact 1.9),
	// or the last position of log_status where that is later (fact 1.8).
	MarkFile
	// MarkCheckpoint is the start of the file that the newest binlog checkpoint names: MariaDB,
	// whose rotation waits for nobody (fact 1.10).
	MarkCheckpoint
)

// String names the mark.
func (m LowMark) String() string {
	switch m {
	case MarkGTID:
		return "gtid_executed"
	case MarkCheckpoint:
		return "binlog checkpoint"
	default:
		return "start of the file"
	}
}

// Tick is one look of the clock at the source: low sample, then high sample, of one server.
// It is a value; copies share what the Resolver finds out about it.
type Tick struct {
	N          int64 // counts from 1
	ServerUUID string
	// SourceTime is the source's UTC_TIMESTAMP(6), read before the high sample: what committed
	// by then lies at or before High.
	SourceTime binlog.Time

	Mark LowMark
	// LowGTID is the low sample of MarkGTID. It is shared: not to be changed.
	LowGTID binlog.GTIDSet
	// LowPosition is the low sample of MarkFile and MarkCheckpoint.
	LowPosition binlog.Position
	// High is the high sample: file:pos. Everything that a read saw which ended before this tick
	// was asked for lies at or before it (W2, fact 1.2).
	High binlog.Position

	Asked    time.Time // before the first statement was sent
	Answered time.Time // after the last reply had come

	low *atomic.Pointer[binlog.Position]
}

// PastTick is a tick of an earlier clock of the same timeline, of which the position of the low
// mark is known.
func PastTick(low, high binlog.Position) Tick {
	t := Tick{Mark: MarkFile, LowPosition: low, High: high, low: newLow()}
	t.low.Store(&low)
	return t
}

// String prints the tick for logs and errors.
func (t Tick) String() string {
	low := t.LowPosition.String()
	if t.Mark == MarkGTID {
		low = t.LowGTID.String()
	}
	return fmt.Sprintf("tick %d of %s: low %s, high %s", t.N, t.ServerUUID, low, t.High)
}
