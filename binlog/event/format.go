package event

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// serverVersionSize is the length of the zero-padded server version in a format description.
const serverVersionSize = 50

// parseFormat reads a format description. It says itself whether it has a checksum: its last
// bytes are the algorithm and 4 bytes of CRC32, which stand there with the algorithm "off" too
// (MySQL 5.6.1 and later).
func parseFormat(h Header, raw []byte) (*Format, error) {
	c := &cursor{kind: h.Type, body: raw[HeaderSize:], start: HeaderSize}
	f := &Format{common: common{h}, Version: c.u16("binlog version")}
	version := c.take(serverVersionSize, "server version")
	f.Created = c.u32("creation time")
	headerSize := c.u8("header length")
	if c.err != nil {
		return nil, c.err
	}
	if end := bytes.IndexByte(version, 0); end >= 0 {
		version = version[:end]
	}
	f.ServerVersion = string(version)
	if f.Version != 4 || headerSize != HeaderSize {
		return nil, fmt.Errorf("read %s event: binlog version %d of server %q with headers of %d bytes: %w",
			h.Type, f.Version, f.ServerVersion, headerSize, ErrUnsupported)
	}
	if c.left() < 1+ChecksumSize {
		c.fail("no room for the checksum algorithm")
		return nil, c.err
	}
	lengths := c.take(uint64(c.left()-1-ChecksumSize), "post-header lengths")
	f.PostHeaderLengths = bytes.Clone(lengths)
	f.Checksum = c.u8("checksum algorithm")
	switch f.Checksum {
	case ChecksumOff:
		return f, nil
	case ChecksumCRC32:
		return f, checkFormat(h, raw)
	}
	return nil, fmt.Errorf("read %s event: checksum algorithm %d: %w", h.Type, f.Checksum, ErrUnsupported)
}

// checkFormat verifies a format description's CRC32, which is that of the event without the
// in-use flag: the server clears the flag in place when it closes the file.
func checkFormat(h Header, raw []byte) error {
	end := len(raw) - ChecksumSize
	var header [HeaderSize]byte
	copy(header[:], raw)
	binary.LittleEndian.PutUint16(header[17:], h.Flags&^FlagInUse)
	got := crc32.Update(crc32.ChecksumIEEE(header[:]), crc32.IEEETable, raw[HeaderSize:end])
	if want := binary.LittleEndian.Uint32(raw[end:]); want != got {
		return fmt.Errorf("read %s event of %d bytes: CRC32 is %08x, the event says %08x: %w", h.Type, len(raw), got, want, ErrChecksum)
	}
	return nil
}
