package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/server"
)

// Sentinels of what a caller can do about an error.
var (
	// ErrDisconnected: the connection ended; open another one at the last boundary.
	ErrDisconnected = errors.New("the replication connection ended")
	// ErrPurged: the server does not have the file that was asked for: purged, or of another history.
	ErrPurged = errors.New("the server does not have the binlog file")
	// ErrIdentity: the server is another one, or its log is not the one that was read before.
	ErrIdentity = errors.New("the server has another history")
	// ErrOtherServer is the ErrIdentity of another server_uuid: a failover, or an address of several servers (W6).
	ErrOtherServer = fmt.Errorf("%w: it is another server", ErrIdentity)
	// ErrBeyond4GiB: a connection cannot begin there; open the file's start and drop what is held.
	ErrBeyond4GiB = errors.New("the replication protocol cannot name a place beyond 4 GiB")
)

const (
	// DefaultHeartbeat is how long the source may be silent before it sends a heartbeat.
	DefaultHeartbeat = 2 * time.Second
	// silentHeartbeats is how many heartbeats may be missing before the connection is given up:
	// one that is late by a stalled disk of the source is no reason to stream again.
	silentHeartbeats = 5
	// lastPosition is the greatest offset that COM_BINLOG_DUMP can name.
	lastPosition = 1<<32 - 1
)

// Magic is what stands in front of the first event of every binlog file. It is not sent.
const Magic = "\xfebin"

// Config says from where and how to stream.
type Config struct {
	Address server.Address
	// ServerID is the id under which the connection is known to the source; 0 for a random one
	// above 2^31 per connection. Two clients with one id end each other's connections.
	ServerID uint32
	// Heartbeat is asked for when the source has nothing to send; 0 for DefaultHeartbeat.
	Heartbeat time.Duration
	// Expect is compared with what the server says; its zero fields are taken as they come.
	Expect Identity
	// LastPosition bounds where a connection begins; 0 for the protocol's 4 GiB. Files are
	// streamed from their start where the place lies behind it.
	LastPosition uint64
	// Log gets a line for each lost connection; nil for none.
	Log *slog.Logger
}

// Identity tells one binlog file from another one of the same name (fact 13.9).
type Identity struct {
	ServerUUID string
	// FormatTime is the header time, in seconds, of the file's format description event, which
	// is the same however a connection begins (fact 13.2).
	FormatTime uint32
}

func (c Config) heartbeat() time.Duration {
	if c.Heartbeat <= 0 {
		return DefaultHeartbeat
	}
	return c.Heartbeat
}

func (c Config) lastPosition() uint64 {
	if c.LastPosition == 0 || c.LastPosition > lastPosition {
		return lastPosition
	}
	return c.LastPosition
}

func (c Config) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

// Event is one event as it stands in a file.
type Event struct {
	// Raw are the event's bytes with header and checksum, valid until the next call of Next;
	// nil for a heartbeat, whose Start and End are the end of what was received.
	Raw  []byte
	File string
	// Start and End are offsets into File, by the sizes of the events.
	Start, End uint64
	// Held: the bytes lie before Resume.Held; they are sent again to be compared, and for
	// whoever needs the entry that is open there from its beginning.
	Held bool
}

// startOf returns the offset to ask for: 0 means the first event too.
func startOf(p binlog.Position) uint64 { return max(p.Pos, binlog.FirstOffset) }
