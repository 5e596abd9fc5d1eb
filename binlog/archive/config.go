package archive

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Role says for whom the archive is written; the lease names it.
type Role string

// The roles. An archiver takes the lease or ends (exit 11 where another archiver holds it). A
// backup archives only while nobody else does, and gives the lease to an archiver that asks.
const (
	RoleArchive Role = "archive"
	RoleBackup  Role = "backup"
)

// Defaults of Config.
const (
	DefaultFlush       = time.Second
	DefaultSegmentSize = 16 << 20
	DefaultSpoolSize   = 10 << 30
)

// Config says what Run archives, and how.
type Config struct {
	Server   *server.Server
	Catalog  *catalog.Catalog
	Instance string
	// SpoolDir is the folder of bytes that came and are not in the store yet; it is made if
	// missing. A backup makes a folder of its own inside it, so that both run at once.
	SpoolDir string
	// Flush is the longest time from a commit's arrival to the upload that holds it.
	Flush time.Duration
	// SegmentSize in bytes is where a segment is cut before that.
	SegmentSize int64
	// SpoolSize bounds the spool in bytes: behind it nothing is received.
	SpoolSize int64
	ServerID  uint32 // of the replication connection; 0 for random

	// FromOldest: an archive that begins takes all files that the source still has.
	FromOldest bool
	// FirstFile is the file with which an archive begins instead of the source's current one:
	// that of a backup's own stream (W4).
	FirstFile string
	// NewTimeline: go on as <uuid>~2 where the source has another history.
	NewTimeline bool
	// SingleWriter: the operator promises that nobody else writes; for stores without put-if-absent.
	SingleWriter bool
	// UntilIdle: end when everything is archived that the source had at the start.
	UntilIdle bool
	// Wanted is what a backup waits for; nil for none.
	Wanted *Wanted

	Role Role
	Log  *slog.Logger // nil for none
	// Progress is called after each upload, from one goroutine; nil for none.
	Progress func(Progress)
	// Waits is told why the archiver stands still, and to call what it returns when that is over; nil for none.
	Waits func(why string) (over func())

	timing timing
	clock  func() time.Time // nil for the real one
}

// Progress is how far an archiver has come.
type Progress struct {
	Segments uint64 // uploaded by this run
	Bytes    uint64 // of the log, uploaded by this run
	End      binlog.Position
	AsOf     binlog.Time
	Spooled  int64 // bytes that wait for the store
}

// Result is what Run has done.
type Result struct {
	Segments uint64
	Bytes    uint64
	// End is the last boundary between entries that the archive holds; AsOf the source's clock up to which that is everything.
	End  binlog.Point
	AsOf binlog.Time
	// Ends are the first places, table by table, at which a range ends in what this run received.
	Ends []End
}

// timing is what tests change.
type timing struct {
	beat      time.Duration // how often the lease is renewed
	stale     time.Duration // without a beat for so long, the holder is taken for dead
	look      time.Duration // how often a waiting writer looks at the lease
	idleHead  time.Duration // how often the head is replaced when nothing happens
	firstCut  time.Duration // the first segment of a run does not wait for a whole flush
	uploadMax time.Duration // longest back-off between two tries of an upload
	ending    time.Duration // what is left after an interruption
	heartbeat time.Duration // of the replication connection; 0 for the stream's default
	tendAgain time.Duration // pause after a closed file that could not be looked after
	tendLast  time.Duration // for closed files, when everything is archived that was to be

	compactSize  uint64 // of a large segment, in bytes of the binlog
	compactLeast int    // so many segments are worth a large one: their bytes are read three times for it
	// headersHeld is up to how many segments of a file have their headers in memory, and the file an index
	// before it is compacted: in a week of quiet a file gets several hundred thousand.
	headersHeld int
	keepSmall   time.Duration // segments that a large one holds stay for as long as readers may go by old listings
}

var defaultTiming = timing{
	beat:      5 * time.Second,
	stale:     15 * time.Second,
	look:      500 * time.Millisecond,
	idleHead:  10 * time.Second,
	firstCut:  50 * time.Millisecond,
	uploadMax: 15 * time.Second,
	ending:    5 * time.Second,
	tendAgain: time.Minute,
	tendLast:  30 * time.Second,

	compactSize:  256 << 20,
	compactLeast: 16,
	headersHeld:  4096,
	keepSmall:    time.Hour,
}

func (c Config) now() time.Time {
	if c.clock == nil {
		return time.Now()
	}
	return c.clock()
}

func (c Config) withDefaults() Config {
	if c.Waits == nil {
		c.Waits = func(string) func() { return func() {} }
	}
	if c.Flush <= 0 {
		c.Flush = DefaultFlush
	}
	if c.SegmentSize <= 0 {
		c.SegmentSize = DefaultSegmentSize
	}
	if c.SpoolSize <= 0 {
		c.SpoolSize = DefaultSpoolSize
	}
	if c.Role == "" {
		c.Role = RoleArchive
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.timing == (timing{}) {
		c.timing = defaultTiming
		// Tests in which a process dies, and is only told so: what is left to an interrupted one is not left to a dead one.
		failpoint.Inject("ending", func(ms failpoint.Value) { c.timing.ending = time.Duration(ms.(int)) * time.Millisecond })
		// Tests in which the holder of the lease stands still for good.
		failpoint.Inject("stale", func(ms failpoint.Value) { c.timing.stale = time.Duration(ms.(int)) * time.Millisecond })
	}
	return c
}

// check says what no run can work with.
func (c Config) check() error {
	switch {
	case c.Instance == "":
		return fault.New(fault.CodeUsage, fault.KindUsage, "give it a name with --instance", "an archive needs the name of an instance")
	case c.SpoolDir == "":
		return fault.New(fault.CodeUsage, fault.KindUsage, "name a folder with --spool", "an archive needs a spool folder")
	case c.SpoolSize < 2*c.SegmentSize:
		return fault.New(fault.CodeUsage, fault.KindUsage, "give --spool-size at least twice --segment-size",
			"a spool of %d bytes does not hold two segments of %d", c.SpoolSize, c.SegmentSize)
	}
	facts := c.Server.Facts()
	switch {
	case !facts.LogBin:
		return fault.New(fault.CodeFailed, fault.KindSource, "start the source with log_bin", "the source writes no binlog")
	}
	return nil
}

// errOtherHistory: the source's log is not the one that was archived.
var errOtherHistory = errors.New("the source's log is not the one that was archived")

func otherHistory(format string, args ...any) error {
	return fault.New(fault.CodeFailed, fault.KindSource,
		"if the source was reset, cloned or restored on purpose, run tripod archive --new-timeline once: it writes a hole and goes on; then take a new backup",
		"%w: %w", errOtherHistory, fmt.Errorf(format, args...))
}
