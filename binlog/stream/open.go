package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
)

// Open connects and asks for the log from start on: File, and Pos at an event's start (0 and 4
// are both the file's start). start.Timeline may be empty for the server's uuid. It returns when
// the server has agreed. Errors: ErrPurged, ErrIdentity, ErrBeyond4GiB, ErrDisconnected; faults
// of package server for what concerns host, password and grants.
func Open(ctx context.Context, cfg Config, start binlog.Position) (*Stream, error) {
	if startOf(start) > cfg.lastPosition() {
		return nil, fmt.Errorf("stream from %s: %w", start, ErrBeyond4GiB)
	}
	conn, err := cfg.Address.Dial(ctx)
	if err != nil {
		return nil, server.Classify(err)
	}
	s := &Stream{cfg: cfg, conn: conn, start: start, file: start.File, pos: startOf(start)}
	stop := context.AfterFunc(ctx, s.interrupt)
	err = s.begin()
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, errors.Join(fmt.Errorf("stream from %s: %w", start, err), s.Close())
	}
	return s, nil
}

// begin sets the session up, sends COM_BINLOG_DUMP and reads the answer's beginning.
func (s *Stream) begin() error {
	if err := s.identify(); err != nil {
		return err
	}
	if err := s.settings(); err != nil {
		return err
	}
	// The answers of all statements are read: nothing is left in the client's buffer.
	s.packets = newPackets(s.conn.Conn.Conn, silentHeartbeats*s.cfg.heartbeat())
	if err := s.dump(); err != nil {
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	return s.handshake()
}

// dump sends COM_BINLOG_DUMP: position 4 bytes, flags 2, server id 4, file name.
func (s *Stream) dump() error {
	id := s.cfg.ServerID
	if id == 0 {
		id = 1<<31 + 1 + rand.Uint32N(1<<31-2)
	}
	payload := make([]byte, 4, 4+1+4+2+4+len(s.file))
	payload = append(payload, mysql.COM_BINLOG_DUMP)
	payload = binary.LittleEndian.AppendUint32(payload, uint32(s.pos))
	payload = binary.LittleEndian.AppendUint16(payload, s.dumpFlags())
	payload = binary.LittleEndian.AppendUint32(payload, id)
	payload = append(payload, s.file...)
	s.conn.ResetSequence()
	return s.conn.WritePacket(payload)
}

// handshake reads the events in front: a fake ROTATE to where the stream begins, and the file's
// format description, the real one at the file's start, a copy elsewhere (fact 13.2).
func (s *Stream) handshake() error {
	for s.format == nil {
		raw, err := s.packet()
		if err != nil {
			return err
		}
		event, inFile, err := s.take(raw)
		if err != nil {
			return err
		}
		if inFile {
			s.pending = &event
		}
	}
	return nil
}

// explain names the missing grant where that is what the server said.
func (s *Stream) explain(err error) error {
	err = server.Classify(err)
	if f := fault.Of(err); f != nil && f.Kind == fault.KindGrant {
		return fault.New(f.Code, f.Kind, fmt.Sprintf("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO %s", s.cfg.Address.User),
			"read the source's binlog: %w", err)
	}
	return err
}

// refused turns an error of the server, in answer to COM_BINLOG_DUMP or in the stream, into what
// a caller can do about it. The number is 1236 for everything; the text tells.
func (s *Stream) refused(err error) error {
	var e *mysql.MyError
	if !errors.As(err, &e) || e.Code != mysql.ER_MASTER_FATAL_ERROR_READING_BINLOG {
		return s.explain(err)
	}
	says := func(text string) bool { return strings.Contains(strings.ToLower(e.Message), text) }
	switch {
	case says("could not find first log"):
		return fmt.Errorf("%w: %s: %w", ErrPurged, s.file, err)
	case says("binary log is not open"):
		return fault.New(fault.CodeFailed, fault.KindSource, "start the source with log_bin", "the source writes no binlog: %w", err)
	case s.received && s.mariadb && says("truncated in the middle"):
		// MySQL takes such a rest away when it starts again; no connection ever gets behind this one.
		return fault.New(fault.CodeFailed, fault.KindSource,
			"purge the file (PURGE BINARY LOGS TO the one behind it): the archive goes on there, behind a hole; then take a new backup",
			"%s of the source ends inside the event at %d, which it was writing when it was killed; it sends nothing behind that: %w", s.file, s.pos, err)
	case s.received:
		// Such as "could not find next log" after a purge or a RESET: the next connection tells.
		return fmt.Errorf("%w: %w", ErrDisconnected, err)
	case says("position > file size"), says("impossible position"):
		return fmt.Errorf("%w: %s is shorter than %d bytes: %w", ErrIdentity, s.file, s.pos, err)
	case says("bogus data"), says("truncated in the middle"), says("event size too small"), says("corrupt"), says("exceeded max_allowed_packet"):
		// The last is no setting's: the server sends whatever it could write, and takes what it finds for a length.
		return fmt.Errorf("%w: no event begins at byte %d of %s: %w", ErrIdentity, s.pos, s.file, err)
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}
