package server

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
)

const (
	// readBuffer holds many rows, so that one system call brings many and a row is handed out
	// without being copied.
	readBuffer = 256 << 10
	// maxFragment is the protocol's: a longer packet comes in fragments, each with a header.
	maxFragment = 1<<24 - 1
	// keepBuffer is the largest buffer for oversize rows that is kept for the next one.
	keepBuffer = 4 << 20
)

var errMalformed = errors.New("the server sent a malformed packet")

// packets reads and writes the packets of one connection, after the handshake.
type packets struct {
	conn     net.Conn
	br       *bufio.Reader
	consumed int // bytes of br that the packet handed out last occupies
	large    []byte
	spare    *spare
	longest  int    // packets above it are refused; 0 for none
	out      []byte // what is gathered before it is sent
	sequence byte
}

func newPackets(conn net.Conn, shared *spare) *packets {
	return &packets{conn: conn, spare: shared, br: bufio.NewReaderSize(conn, readBuffer)}
}

// read returns the payload of the next packet. It is valid until the next call.
func (p *packets) read() ([]byte, error) {
	if p.consumed > 0 {
		if _, err := p.br.Discard(p.consumed); err != nil {
			return nil, err
		}
		p.consumed = 0
	}
	length, err := p.header()
	if err != nil {
		return nil, err
	}
	if length < maxFragment && 4+length <= readBuffer {
		packet, err := p.br.Peek(4 + length)
		if err != nil {
			return nil, unexpected(err)
		}
		p.consumed = 4 + length
		return packet[4:], nil
	}
	return p.readLarge(length)
}

// header looks at the next fragment's header without consuming it.
func (p *packets) header() (int, error) {
	head, err := p.br.Peek(4)
	if err != nil {
		return 0, unexpected(err)
	}
	if head[3] == 0 && p.sequence == 1 {
		return 0, p.farewell()
	}
	if head[3] != p.sequence {
		return 0, fmt.Errorf("%w: number %d instead of %d", errMalformed, head[3], p.sequence)
	}
	p.sequence++
	return int(head[0]) | int(head[1])<<8 | int(head[2])<<16, nil
}

// farewell is the error of a connection that the server has ended while nothing was asked: what it said then (4031 of MySQL
// after wait_timeout, 1927 of MariaDB after KILL) was there before the command, and is no answer to it.
func (p *packets) farewell() error {
	if head, err := p.br.Peek(4 + 3); err == nil && head[4] == 0xff {
		return &net.OpError{Op: "read", Net: "mysql", Err: fmt.Errorf("the server has ended the connection with error %d", binary.LittleEndian.Uint16(head[5:]))}
	}
	return fmt.Errorf("%w: number 0 instead of 1", errMalformed)
}

func (p *packets) readLarge(length int) ([]byte, error) {
	p.large = p.large[:0]
	for {
		if _, err := p.br.Discard(4); err != nil {
			return nil, unexpected(err)
		}
		at := len(p.large)
		if err := p.reserve(length); err != nil {
			return nil, err
		}
		p.large = p.large[:at+length]
		if _, err := io.ReadFull(p.br, p.large[at:]); err != nil {
			return nil, unexpected(err)
		}
		if length < maxFragment {
			return p.large, nil
		}
		var err error
		if length, err = p.header(); err != nil {
			return nil, err
		}
	}
}

// reserve makes room for n more bytes, if the packet may be that long. The first fragment of a row
// tells of most rows how long all of them are: memory holds a long row once (promise 8).
func (p *packets) reserve(n int) error {
	want := len(p.large) + n
	if len(p.large) == 0 && n == maxFragment {
		if begun, err := p.br.Peek(readBuffer); err == nil {
			want = max(want, announced(begun))
		}
	}
	if p.longest > 0 && want > p.longest {
		return &LongRowError{Size: want}
	}
	if cap(p.large) < want {
		begun := p.large
		if len(begun) == 0 {
			p.large = nil // not both at once
		}
		grown := p.spare.take(want)
		if grown == nil {
			grown = make([]byte, 0, want)
		}
		p.large = append(grown, begun...)
	}
	return nil
}

// shrink lets the memory of a long packet go.
func (p *packets) shrink() {
	if cap(p.large) > keepBuffer {
		p.spare.put(p.large)
		p.large = nil
	}
}

// announced returns how long a row is at least, by the lengths of its first values.
func announced(row []byte) int {
	at := 0
	for at < len(row) {
		n, size, _, ok := lengthEncoded(row[at:])
		if !ok || n > 1<<32 {
			break
		}
		at += size + int(n)
	}
	return at
}

// unexpected makes the end of the connection an error of its own kind: between packets io.EOF
// would mean a regular end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &net.OpError{Op: "read", Net: "mysql", Err: io.ErrUnexpectedEOF}
	}
	return err
}

const (
	commandQuit  = 0x01
	commandQuery = 0x03
)

// errorPacket reads an ERR packet into the type that go-sql-driver uses, so that callers know one.
func errorPacket(payload []byte) error {
	if len(payload) < 3 {
		return errMalformed
	}
	e := &mysql.MySQLError{Number: binary.LittleEndian.Uint16(payload[1:])}
	rest := payload[3:]
	if len(rest) >= 6 && rest[0] == '#' {
		copy(e.SQLState[:], rest[1:6])
		rest = rest[6:]
	}
	e.Message = string(rest)
	return e
}

// lengthEncoded reads a length-encoded integer. ok is false where the bytes end too early;
// null tells of the value that stands for NULL.
func lengthEncoded(b []byte) (value uint64, size int, null, ok bool) {
	if len(b) == 0 {
		return 0, 0, false, false
	}
	switch first := b[0]; {
	case first < 0xfb:
		return uint64(first), 1, false, true
	case first == 0xfb:
		return 0, 1, true, true
	case first == 0xfc && len(b) >= 3:
		return uint64(binary.LittleEndian.Uint16(b[1:])), 3, false, true
	case first == 0xfd && len(b) >= 4:
		return uint64(b[1]) | uint64(b[2])<<8 | uint64(b[3])<<16, 4, false, true
	case first == 0xfe && len(b) >= 9:
		return binary.LittleEndian.Uint64(b[1:]), 9, false, true
	}
	return 0, 0, false, false
}

// SplitRow cuts a row packet of the text protocol into its values, which alias it; nil is NULL.
// dst is reused.
func SplitRow(packet []byte, dst [][]byte) ([][]byte, error) {
	dst = dst[:0]
	for len(packet) > 0 {
		n, size, null, ok := lengthEncoded(packet)
		if !ok || uint64(len(packet)-size) < n {
			return nil, errMalformed
		}
		packet = packet[size:]
		if null {
			dst = append(dst, nil)
			continue
		}
		dst = append(dst, packet[:n:n])
		packet = packet[n:]
	}
	return dst, nil
}
