package binlog

// Side tells where a log entry lies with regard to a window.
type Side int

// The three classes into which a window divides the log.
const (
	Skip   Side = iota // at or before low: what was read holds it
	Inside             // in (low, high]: what was read may or may not hold it
	After              // past high: what was read cannot hold it
)

// String names the side.
func (s Side) String() string {
	switch s {
	case Skip:
		return "skip"
	case Inside:
		return "inside"
	case After:
		return "after"
	}
	return "unknown"
}

// Window is (Low, High]: the entries of which it is not known whether a read saw them.
// Low and High are boundaries between entries. Their derivation is the protocol of
// binlog/source; W5 forbids to make one from the other.
type Window struct {
	Low  Position `json:"low"`
	High Position `json:"high"`
}

// Side classifies the log entry that starts at start. Bounds are entry boundaries, so
// "starts before the bound" and "ends at or before the bound" are the same thing; the start
// is known first, when an entry is still being received. This is the only comparison of an
// entry with a window in tripod.
func (w Window) Side(start Position) Side {
	switch {
	case start.Before(w.Low):
		return Skip
	case start.Before(w.High):
		return Inside
	}
	return After
}
