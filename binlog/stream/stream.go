package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
)

// Stream is one replication connection. It belongs to one goroutine.
type Stream struct {
	cfg     Config
	conn    *client.Conn
	packets *packets
	uuid    string // the server's identity (W6)
	mariadb bool
	// serverID is set where the server has no uuid.
	serverID string
	start    binlog.Position

	file string
	pos  uint64 // end of the last event of file
	// format is the file's format description event as the server sent it; nil until it came.
	format     []byte
	formatTime uint32
	began      uint32 // formatTime of the file in which the stream began
	received   bool   // an event of the file came
	waited     bool   // the network was waited for to have the last packet
	pending    *Event // what handshake read too far
	err        error  // what ended the stream
}

// ServerUUID returns the identity that the server gave on this connection (W6).
func (s *Stream) ServerUUID() string { return s.uuid }

// Timeline returns that of the start, else the server's uuid, on MariaDB the one that begins with the
// file in which the stream began.
func (s *Stream) Timeline() binlog.Timeline {
	if s.start.Timeline != "" {
		return s.start.Timeline
	}
	return s.ownTimeline()
}

// Format returns the format description event of the current file as the server sent it: with
// LogPos 0 where the stream began inside the file. A reader needs it in front of events.
func (s *Stream) Format() []byte { return s.format }

// FormatTime returns the header time of the current file's format description event.
func (s *Stream) FormatTime() uint32 { return s.formatTime }

// Moved tells when something else than a heartbeat came last, a part of an event too; the zero time for never. Safe for
// concurrent use.
func (s *Stream) Moved() time.Time {
	if at := s.packets.moved.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// interrupt ends every read and write; the connection is of no further use.
func (s *Stream) interrupt() {
	// An error says that the connection had ended already.
	_ = s.conn.Conn.Conn.Close()
}

// Close ends the connection.
func (s *Stream) Close() error {
	if s.err == nil {
		s.err = errors.New("the stream is closed")
	}
	s.interrupt()
	return nil
}

// Next returns the next event of the log, or a heartbeat. Its bytes are valid until the next
// call. After an error, the end of ctx among them, the stream is of no further use.
func (s *Stream) Next(ctx context.Context) (Event, error) {
	if s.pending != nil {
		event := *s.pending
		s.pending = nil
		return event, nil
	}
	if s.err != nil {
		return Event{}, s.err
	}
	event, err := s.next(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		s.err = err
		return Event{}, err
	}
	return event, nil
}

func (s *Stream) next(ctx context.Context) (Event, error) {
	for {
		raw, err := s.await(ctx)
		if err != nil {
			return Event{}, err
		}
		event, isEvent, err := s.take(raw)
		if err != nil || isEvent {
			return event, err
		}
	}
}

// await reads the next packet's event, and gives up when ctx ends.
func (s *Stream) await(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.packets.ready() { // saves the bookkeeping for most events
		s.waited = false
		return s.packet()
	}
	s.waited = true
	stop := context.AfterFunc(ctx, s.interrupt)
	defer stop()
	return s.packet()
}

// packet returns the event in the next packet.
func (s *Stream) packet() ([]byte, error) {
	payload, err := s.packets.read()
	switch {
	case err != nil:
		return nil, err
	case len(payload) == 0:
		return nil, fmt.Errorf("%w: empty packet", ErrDisconnected)
	}
	switch payload[0] {
	case 0x00:
		return payload[1:], nil
	case 0xff:
		return nil, s.refused(serverError(payload))
	case 0xfe:
		return nil, fmt.Errorf("%w: the server ended it", ErrDisconnected)
	}
	return nil, fmt.Errorf("%w: packet of unknown kind %#x", ErrDisconnected, payload[0])
}

// take moves the stream behind one event. isEvent is false for what stands in no file and is
// of no use to the caller.
func (s *Stream) take(raw []byte) (event Event, isEvent bool, err error) {
	h, err := readHeader(raw)
	if err != nil {
		return Event{}, false, err
	}
	switch {
	case h.kind == typeHeartbeat || h.kind == typeHeartbeatV2:
		return Event{File: s.file, Start: s.pos, End: s.pos}, true, nil
	case s.waited:
		s.packets.moves()
	}
	switch {
	case h.kind == typeRotate && h.flags&flagArtificial != 0:
		return Event{}, false, s.enter(raw)
	case h.kind == typeFormat:
		if err := s.setFormat(raw, h); err != nil {
			return Event{}, false, err
		}
		if s.pos != binlog.FirstOffset { // repeated in front of a place inside the file
			return Event{}, false, nil
		}
		// Set on disk as long as the file is open, and left out of the checksum.
		raw[17] &^= flagInUse
	case h.flags&flagArtificial != 0:
		return Event{}, false, nil
	}
	if h.kind == typeStartEncryption && s.mariadb {
		return Event{}, false, encrypted("%s is encrypted", s.file)
	}
	if s.format == nil {
		return Event{}, false, fmt.Errorf("%w: an event came before the format description of %s", ErrDisconnected, s.file)
	}
	end := s.pos + uint64(len(raw))
	if h.logPos != uint32(end) {
		return Event{}, false, fault.New(fault.CodeFailed, fault.KindSource, "look at the source's error log: its binlog is damaged, or something between it and tripod changes it",
			"the event at %s:%d ends at %d by its size and at %d (modulo 2^32) by its own word", s.file, s.pos, end, h.logPos)
	}
	event = Event{Raw: raw, File: s.file, Start: s.pos, End: end}
	s.pos, s.received = end, true
	return event, true, nil
}

// enter follows a fake ROTATE: the one in front of the stream, or one to the next file.
func (s *Stream) enter(raw []byte) error {
	file, pos, err := readRotate(raw)
	if err != nil {
		return err
	}
	switch {
	case file == s.file && pos == s.pos:
		return nil
	case s.format == nil:
		return fmt.Errorf("%w: the server began at %s:%d instead of %s:%d", ErrDisconnected, file, pos, s.file, s.pos)
	case pos != binlog.FirstOffset || binlog.CompareFiles(file, s.file) <= 0:
		return fmt.Errorf("%w: behind %s:%d comes %s:%d", ErrIdentity, s.file, s.pos, file, pos)
	}
	s.file, s.pos, s.format = file, binlog.FirstOffset, nil
	// What is expected is said of the file that the stream began in.
	s.cfg.Expect.FormatTime = 0
	return nil
}

func (s *Stream) setFormat(raw []byte, h header) error {
	if want := s.cfg.Expect.FormatTime; want != 0 && want != h.timestamp {
		return fmt.Errorf("%w: %s was begun at %d (Unix time), not at %d", ErrIdentity, s.file, h.timestamp, want)
	}
	s.format, s.formatTime = bytes.Clone(raw), h.timestamp
	if s.began == 0 {
		s.began = h.timestamp
	}
	return nil
}
