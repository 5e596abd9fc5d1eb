package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// What the client has to know of events; their contents are package event's.
const (
	eventHeader  = 19
	checksumSize = 4

	typeRotate      = 4
	typeFormat      = 15
	typeHeartbeat   = 27
	typeHeartbeatV2 = 41
	// typeStartEncryption is MariaDB's: the events behind it are encrypted in the file.
	typeStartEncryption = 164

	flagInUse      = 0x1  // the file is not closed; changed in place when it is
	flagArtificial = 0x20 // made by the sender
)

type header struct {
	timestamp uint32
	kind      byte
	logPos    uint32
	flags     uint16
}

// readHeader reads the header of the event that fills raw.
func readHeader(raw []byte) (header, error) {
	if len(raw) < eventHeader {
		return header{}, fmt.Errorf("%w: event of %d bytes", ErrDisconnected, len(raw))
	}
	if size := binary.LittleEndian.Uint32(raw[9:]); int64(size) != int64(len(raw)) {
		return header{}, fmt.Errorf("%w: event of %d bytes says that it has %d", ErrDisconnected, len(raw), size)
	}
	return header{
		timestamp: binary.LittleEndian.Uint32(raw),
		kind:      raw[4],
		logPos:    binary.LittleEndian.Uint32(raw[13:]),
		flags:     binary.LittleEndian.Uint16(raw[17:]),
	}, nil
}

// readRotate reads the place that a ROTATE event names. Before the first format event nobody
// says whether events have checksums, so the bytes tell.
func readRotate(raw []byte) (file string, pos uint64, err error) {
	body := raw[eventHeader:]
	if n := len(raw) - checksumSize; n >= eventHeader+8 &&
		crc32.ChecksumIEEE(raw[:n]) == binary.LittleEndian.Uint32(raw[n:]) {
		body = raw[eventHeader:n]
	}
	if len(body) < 9 {
		return "", 0, fmt.Errorf("%w: malformed ROTATE event", ErrDisconnected)
	}
	return string(bytes.TrimRight(body[8:], "\x00")), binary.LittleEndian.Uint64(body), nil
}
