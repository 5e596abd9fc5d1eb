package binlog

import "fmt"

// StopKind says how a restore's end was named.
type StopKind int

// The ways to name a stop point. All are inclusive, none lies inside a transaction.
const (
	StopEnd        StopKind = iota // the last transaction end of the archive
	StopTime                       // before the first transaction, in archive order, committed later than Time
	StopGTID                       // behind the last transaction, in archive order, of GTIDs
	StopBeforeGTID                 // before the one transaction in GTIDs
	StopPosition                   // behind everything that ends at or before Position
)

// StopPoint is where a restore ends.
type StopPoint struct {
	Kind     StopKind
	Time     Time     // StopTime
	GTIDs    GTIDSet  // StopGTID, StopBeforeGTID
	Position Position // StopPosition; Timeline may be empty where File is unique
}

// String prints the stop point as the flag that asks for it.
func (s StopPoint) String() string {
	switch s.Kind {
	case StopTime:
		return "--to-time " + s.Time.String()
	case StopGTID:
		return "--to-gtid " + s.GTIDs.String()
	case StopBeforeGTID:
		return "--before-gtid " + s.GTIDs.String()
	case StopPosition:
		return "--to-position " + s.Position.String()
	case StopEnd:
		return "the end of the archive"
	}
	return fmt.Sprintf("stop kind %d", int(s.Kind))
}
