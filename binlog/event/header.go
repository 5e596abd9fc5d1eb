package event

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is the length of the common header in front of every event of binlog version 4.
const HeaderSize = 19

// ChecksumSize is the length of the CRC32 behind every event of a file written with binlog_checksum=CRC32.
const ChecksumSize = 4

// Flags of Header.Flags.
const (
	FlagInUse          uint16 = 0x1  // format description of a file that was not closed cleanly; the only flag that is ever changed in place
	FlagThreadSpecific uint16 = 0x4  // of a statement whose session has used a temporary table
	FlagArtificial     uint16 = 0x20 // made by the sender, not in the file
	FlagIgnorable      uint16 = 0x80 // a reader that does not know the type may skip the event
	FlagNoFilter       uint16 = 0x100
	FlagMTSIsolated    uint16 = 0x200
)

// Header is the common header of an event.
type Header struct {
	Timestamp uint32 // seconds; any session may set it (fact 15.3): never a commit time
	Type      Type
	ServerID  uint32
	Size      uint32 // of the whole event with header and checksum
	LogPos    uint32 // end of the event in its file modulo 2^32; 0 in events that stand in no file
	Flags     uint16
}

// ParseHeader reads the common header. It needs the first HeaderSize bytes only, and checks
// that Size is at least HeaderSize.
func ParseHeader(raw []byte) (Header, error) {
	if len(raw) < HeaderSize {
		return Header{}, fmt.Errorf("read event header: want %d bytes, have %d: %w", HeaderSize, len(raw), ErrMalformed)
	}
	h := Header{
		Timestamp: binary.LittleEndian.Uint32(raw),
		Type:      Type(raw[4]),
		ServerID:  binary.LittleEndian.Uint32(raw[5:]),
		Size:      binary.LittleEndian.Uint32(raw[9:]),
		LogPos:    binary.LittleEndian.Uint32(raw[13:]),
		Flags:     binary.LittleEndian.Uint16(raw[17:]),
	}
	if h.Size < HeaderSize {
		return Header{}, fmt.Errorf("read event header: %s event of %d bytes: %w", h.Type, h.Size, ErrMalformed)
	}
	return h, nil
}

// common is the part that all events share.
type common struct {
	header Header
}

// Header returns the event's common header. An event from a compressed transaction has the
// header of its payload with its own type and timestamp (see Parser.Parse).
func (c *common) Header() Header { return c.header }

// Event is one decoded event: *Format, *PreviousGTIDs, *Rotate, *GTID, *Query, *TableMap, *Rows,
// *XID, *XAPrepare, *Stop, *Heartbeat, *RowsQuery, *BinlogCheckpoint, *StatementContext, *Incident or *Other.
type Event interface {
	Header() Header
}
