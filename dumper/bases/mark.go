package bases

import "github.com/tripod-db/tripod/binlog"

// Mark is one tick of the clock, or a pair of samples made for one snapshot.
type Mark struct {
	// High is file:pos of the tick.
	High binlog.Position
	// Low returns the low sample as a position; not ok until the stream has got that far. W5: it
	// is never made from High.
	Low func() (binlog.Position, bool)
}

// laterHigh returns the mark whose high is later.
func laterHigh(a, b Mark) Mark {
	if a.High.Before(b.High) {
		return b
	}
	return a
}
