package hold

import (
	"io"
	"time"
)

// Config says how large the measurement is.
type Config struct {
	Binary  string        // tripod
	Bytes   int64         // of rows, at least
	Alters  int           // beside the backup, and as many alone
	MaxHold time.Duration // tripod's --max-hold
	Writers int           // sessions of the application
	Threads int           // tripod's --threads
	Dir     string        // where server and store are kept; empty: the temporary folder
	Log     io.Writer     // progress
}

// Defaults of the measurement that the issue asks for.
const (
	DefaultBytes   = 1 << 30
	DefaultAlters  = 100
	DefaultMaxHold = 2 * time.Second
	DefaultWriters = 3
	DefaultThreads = 2
)

// tolerance is what a statement of the backup may take beyond --max-hold: the time in which
// an interrupted statement ends.
const tolerance = 500 * time.Millisecond
