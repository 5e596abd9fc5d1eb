package history

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// session is a connection to the source whose statements are part of the history: all of them go through exec, or they
// are missing in the record, and no replay can repeat them. Not safe for concurrent use.
type session struct {
	conn   *sql.Conn
	name   string // in the record
	record *record
}

// open connects a session and sets it.
func (h *run) open(ctx context.Context, name, settings string) (*session, error) {
	conn, err := h.source.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", name, err)
	}
	s := &session{conn: conn, name: name, record: h.record}
	if err := s.exec(ctx, settings); err != nil {
		conn.Close()
		return nil, fmt.Errorf("set the session of %s: %w", name, err)
	}
	return s, nil
}

// exec runs a statement and records it with the place at which it was done.
func (s *session) exec(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	s.record.statement(s.name, statement, err)
	return err
}

// all runs statements that have to succeed.
func (s *session) all(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if err := s.exec(ctx, statement); err != nil {
			return fmt.Errorf("%.300s: %w", statement, err)
		}
	}
	return nil
}

// close ends the connection: back in the pool it would hand its settings to whoever comes next.
func (s *session) close() {
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool drops what is told to be bad
	s.conn.Close()
}
