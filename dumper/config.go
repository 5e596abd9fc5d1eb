package dumper

import (
	"log/slog"
	"time"

	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// Defaults of Config.
const (
	DefaultThreads       = 4
	DefaultMaxHold       = 2 * time.Second
	DefaultWait          = 10 * time.Minute
	DefaultDDLTries      = 20
	DefaultSnapshotTries = 20
	DefaultMemory        = 512 << 20
)

// Config says what Run backs up, and how.
type Config struct {
	Source   *server.Server
	Catalog  *catalog.Catalog
	Instance string

	// Patterns of names; all empty: everything but the server's own schemas.
	Databases, Tables, Exclude []string
	// Users: users and roles with their privileges as well.
	Users bool

	Threads int
	// MaxHold is the longest time for which a statement may hold a read view.
	MaxHold time.Duration
	// Compression of chunks: chunk.Zstd, chunk.Gzip or chunk.None.
	Compression string
	// Wait bounds each wait without progress: for the stream, the archive, an open row lock.
	Wait time.Duration
	// DDLTries is how often a table is read again because of statements, SnapshotTries because
	// of row events in the window of a table without a key.
	DDLTries, SnapshotTries int
	// KeylessMissing: tables without a key that cannot be read exactly are left out and listed,
	// instead of failing the backup.
	KeylessMissing bool
	// Fresh: nothing of a killed backup is gone on with.
	Fresh bool
	// Memory in bytes bounds the chunks held at once.
	Memory int64

	// SpoolDir, Flush, SegmentSize, SpoolSize, ServerID and SingleWriter are those of
	// archive.Config, for the time in which nobody else archives.
	SpoolDir     string
	Flush        time.Duration
	SegmentSize  int64
	SpoolSize    int64
	ServerID     uint32
	SingleWriter bool

	Program  string // tripod's version, for the manifest
	Log      *slog.Logger
	Progress progress.Sink

	tuning tuning
}

// tuning is what tests change.
type tuning struct {
	// firstRows is how many rows the first chunk of a table asks for: wide rows of 64 KiB still fit.
	firstRows uint64
	// mostRows bounds a chunk of tiny rows.
	mostRows uint64
	// chunkText is the most text that a chunk gets, in bytes.
	chunkText uint64
	// splitText is how much text has to be left of a key range, in bytes, before it is split for a
	// worker that has nothing to do.
	splitText uint64
	// renewEvery is how often the intent is renewed. A backup that has not done so for three times
	// as long is taken for dead on other machines, and gone on with there.
	renewEvery time.Duration
}

// defaultSplitText is what one worker reads in about a tenth of a second.
const defaultSplitText = 8 << 20

var defaultTuning = tuning{firstRows: 1000, mostRows: 4_000_000, chunkText: 64 << 20, splitText: defaultSplitText, renewEvery: 5 * time.Second}

func (c Config) withDefaults() Config {
	setDefault(&c.Threads, DefaultThreads)
	setDefault(&c.MaxHold, DefaultMaxHold)
	setDefault(&c.Compression, chunk.Zstd)
	setDefault(&c.Wait, DefaultWait)
	setDefault(&c.DDLTries, DefaultDDLTries)
	setDefault(&c.SnapshotTries, DefaultSnapshotTries)
	setDefault(&c.Memory, DefaultMemory)
	setDefault(&c.tuning, defaultTuning)
	setDefault(&c.tuning.splitText, defaultTuning.splitText)
	setDefault(&c.tuning.renewEvery, defaultTuning.renewEvery)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = progress.Discard
	}
	return c
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Check says what no backup can work with, before anybody is connected to: values out of range,
// names that are none.
func (c Config) Check() error {
	usage := func(hint, format string, args ...any) error {
		return fault.New(fault.CodeUsage, fault.KindUsage, hint, format, args...)
	}
	switch {
	case c.Instance == "":
		return usage("give it a name with --instance", "a backup needs the name of an instance")
	case c.Wait <= 0:
		return usage("--wait 10m is the default", "--wait %v is no time", c.Wait)
	case c.DDLTries < 1 || c.SnapshotTries < 1:
		return usage("--ddl-tries 20 and --snapshot-tries 20 are the defaults", "less than one try")
	case c.Threads < 1 || c.Threads > 128:
		return usage("--threads 4 is the default", "%d threads: want 1 to 128", c.Threads)
	case c.MaxHold < 100*time.Millisecond:
		return usage("--max-hold 2s is the default", "--max-hold %v is too short to read anything", c.MaxHold)
	}
	switch c.Compression {
	case chunk.Zstd, chunk.Gzip, chunk.None:
		_, err := newSelection(c)
		return err
	}
	return usage("--compress zstd, gzip or none", "unknown compression %q", c.Compression)
}

func (c Config) archive(firstFile string) archive.Config {
	return archive.Config{
		Server: c.Source, Catalog: c.Catalog, Instance: c.Instance, Role: archive.RoleBackup,
		SpoolDir: c.SpoolDir, Flush: c.Flush, SegmentSize: c.SegmentSize, SpoolSize: c.SpoolSize,
		ServerID: c.ServerID, SingleWriter: c.SingleWriter, FirstFile: firstFile, Log: c.Log,
	}
}
