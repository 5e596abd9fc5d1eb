package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/fault"
)

// dialTimeout bounds one attempt to connect, so that a host that swallows packets is told
// within seconds rather than after the kernel's minutes.
const dialTimeout = 10 * time.Second

// Server is one MySQL server. Its connections have the session of its role, read back when they
// open, and all of them come from one server: one that answers with another identity is refused
// (W6). Safe for concurrent use.
type Server struct {
	address Address
	role    Role
	db      *sql.DB
	facts   Facts
	spare   spare
}

// Open connects once and reads the server's facts. Faults: usage (2) for an incomplete address;
// password, connect (1), each with its hint.
func Open(ctx context.Context, a Address, role Role) (*Server, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	c, err := newConnector(a, role)
	if err != nil {
		return nil, err
	}
	s := &Server{address: a, role: role, db: sql.OpenDB(c)}
	// A connection that idles for minutes is cut by some firewalls without a word.
	s.db.SetConnMaxIdleTime(time.Minute)
	s.facts, err = s.readFacts(ctx)
	if err != nil {
		return nil, errors.Join(s.explain(err), s.db.Close())
	}
	return s, nil
}

// explain classifies an error of the first connection and names the server in it.
func (s *Server) explain(err error) error {
	err = Classify(fmt.Errorf("connect to the %s %s: %w", s.role, s.address.Redacted(), err))
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.KindPassword {
		hint := "check the user in the URL and the password in " + s.role.passwordVariable() + " or the defaults file"
		if s.address.Password.IsEmpty() {
			hint = "no password is set: put it into " + s.role.passwordVariable() + " in the environment, or into a defaults file"
		}
		return fault.New(f.Code, f.Kind, hint, "%w", err)
	}
	return err
}

// DB returns the pool of control connections.
func (s *Server) DB() *sql.DB { return s.db }

// Conn takes a control connection of the caller's own out of the pool.
func (s *Server) Conn(ctx context.Context) (*sql.Conn, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	return conn, nil
}

// Close closes the pool. Raw connections are closed by their owners.
func (s *Server) Close() error { return s.db.Close() }

// Address returns the address as given.
func (s *Server) Address() Address { return s.address }

// Role returns what the server is used for.
func (s *Server) Role() Role { return s.role }

// Facts returns what the server said of itself when it was opened.
func (s *Server) Facts() Facts { return s.facts }

// DriverConfig returns the settings of go-sql-driver for this address: no schema, several
// statements per query allowed, LOAD DATA LOCAL only through registered readers.
func (a Address) DriverConfig() (*mysql.Config, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	tlsConfig, preferred, err := a.TLSConfig()
	if err != nil {
		return nil, err
	}
	c := mysql.NewConfig()
	c.Net, c.Addr = a.Endpoint()
	c.User, c.Passwd = a.User, a.Password.Reveal()
	c.TLS, c.AllowFallbackToPlaintext = tlsConfig, preferred
	c.Timeout = dialTimeout
	c.MultiStatements = true
	// The server has the only say on how large a packet may be.
	c.MaxAllowedPacket = 1 << 30
	// Errors are returned; the driver's own lines would bypass the log's format.
	c.Logger = &mysql.NopLogger{}
	return c, nil
}

// KillQuery ends the statement that a connection of our own account is running: an account may
// always do that to itself. A statement or connection that has ended meanwhile is no error.
func (s *Server) KillQuery(ctx context.Context, threadID uint32) error {
	const noSuchThread = 1094
	_, err := s.db.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", threadID))
	if err != nil && ErrorNumber(err) != noSuchThread {
		return fmt.Errorf("end statement of connection %d: %w", threadID, Classify(err))
	}
	return nil
}
