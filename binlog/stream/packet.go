package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"
)

const (
	// readBuffer holds many events, so that one system call brings many and each is handed out
	// without being copied.
	readBuffer = 256 << 10
	// maxFragment is the protocol's: a longer packet comes in fragments, each with a header.
	maxFragment = 1<<24 - 1
	// keepBuffer is the largest buffer for oversize events that is kept for the next one.
	keepBuffer = 4 << 20
	// packetHeader is a fragment's length in 3 bytes and its number.
	packetHeader = 4
	// largestEvent bounds what is reserved on the word of an event's header: max_allowed_packet
	// ends at 1 GiB.
	largestEvent = 1<<30 + 1<<20
)

// packets reads the packets of a connection on which COM_BINLOG_DUMP was sent.
type packets struct {
	br       *bufio.Reader
	consumed int // bytes of br that the packet handed out last occupies
	large    []byte
	sequence byte

	// long: what is being read is longer than any heartbeat.
	long  bool
	moved atomic.Int64 // Unix nanoseconds at which something else than a heartbeat came last; 0 for none
}

// longestHeartbeat is more than a heartbeat takes: the headers of packet and event, a file name, a position, a checksum.
const longestHeartbeat = 1 << 10

// timedReader gives every read of the network its own deadline.
type timedReader struct {
	conn    net.Conn
	timeout time.Duration
	packets *packets
}

func (r timedReader) Read(p []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(r.timeout)); err != nil {
		return 0, err
	}
	n, err := r.conn.Read(p)
	if n > 0 && r.packets.long {
		r.packets.moves()
	}
	return n, err
}

// moves notes that something of the log came.
func (p *packets) moves() { p.moved.Store(time.Now().UnixNano()) }

func newPackets(conn net.Conn, timeout time.Duration) *packets {
	// The command was number 0.
	p := &packets{sequence: 1}
	p.br = bufio.NewReaderSize(timedReader{conn, timeout, p}, readBuffer)
	return p
}

// ready tells whether the next packet is here as a whole.
func (p *packets) ready() bool {
	n := p.br.Buffered() - p.consumed
	if n < packetHeader {
		return false
	}
	b, err := p.br.Peek(p.consumed + packetHeader)
	return err == nil && n >= packetHeader+fragmentLength(b[p.consumed:])
}

// read returns the payload of the next packet. It is valid until the next call.
func (p *packets) read() ([]byte, error) {
	if p.consumed > 0 {
		if _, err := p.br.Discard(p.consumed); err != nil {
			return nil, lost(err)
		}
		p.consumed = 0
	}
	if cap(p.large) > keepBuffer { // what was handed out is over
		p.large = nil
	}
	length, err := p.header()
	if err != nil {
		return nil, err
	}
	p.long = length > longestHeartbeat
	defer func() { p.long = false }()
	if length < maxFragment && packetHeader+length <= readBuffer {
		packet, err := p.br.Peek(packetHeader + length)
		if err != nil {
			return nil, lost(err)
		}
		p.consumed = packetHeader + length
		return packet[packetHeader:], nil
	}
	return p.readLarge(length)
}

// header looks at the next fragment's header without consuming it.
func (p *packets) header() (int, error) {
	head, err := p.br.Peek(packetHeader)
	if err != nil {
		return 0, lost(err)
	}
	if head[3] != p.sequence {
		return 0, fmt.Errorf("%w: packet %d came instead of %d", ErrDisconnected, head[3], p.sequence)
	}
	p.sequence++
	return fragmentLength(head), nil
}

func fragmentLength(head []byte) int {
	return int(head[0]) | int(head[1])<<8 | int(head[2])<<16
}

func (p *packets) readLarge(length int) ([]byte, error) {
	p.large = p.large[:0]
	for {
		if _, err := p.br.Discard(packetHeader); err != nil {
			return nil, lost(err)
		}
		at := len(p.large)
		p.reserve(length)
		p.large = p.large[:at+length]
		if _, err := io.ReadFull(p.br, p.large[at:]); err != nil {
			return nil, lost(err)
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

// reserve makes room for n more bytes. The first fragment holds the event's header with its
// size: all of a large event is reserved at once, so that memory holds it once (promise 8).
func (p *packets) reserve(n int) {
	want := len(p.large) + n
	if len(p.large) == 0 && n == maxFragment {
		if head, err := p.br.Peek(1 + eventHeader); err == nil {
			want = max(want, min(largestEvent, 1+int(binary.LittleEndian.Uint32(head[1+9:]))))
		}
	}
	if cap(p.large) < want {
		grown := make([]byte, len(p.large), want)
		copy(grown, p.large)
		p.large = grown
	}
}

// lost makes the end of the network an ErrDisconnected.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

// serverError reads an ERR packet.
func serverError(payload []byte) error {
	if len(payload) < 3 {
		return fmt.Errorf("%w: malformed error packet", ErrDisconnected)
	}
	e := &mysql.MyError{Code: binary.LittleEndian.Uint16(payload[1:])}
	rest := payload[3:]
	if len(rest) >= 6 && rest[0] == '#' {
		e.State, rest = string(rest[1:6]), rest[6:]
	}
	e.Message = string(rest)
	return e
}
