package server

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/fault"
)

// connector opens control connections: go-sql-driver's, with the session of the role.
type connector struct {
	driver.Connector
	role     Role
	identity *identity
}

func newConnector(a Address, role Role) (*connector, error) {
	config, err := a.DriverConfig()
	if err != nil {
		return nil, err
	}
	// Replay counts the rows that an UPDATE found: one that changes nothing found its row (fact 11.9).
	config.ClientFoundRows = role == Target
	c, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("read the server's address: %w", err)
	}
	return &connector{Connector: c, role: role, identity: &identity{}}, nil
}

// Connect implements driver.Connector. The limit holds for dialing, handshake and session
// together: a server that accepts connections and then says nothing (a frozen machine) must
// not be waited for.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	limited, cancel := context.WithTimeoutCause(ctx, dialTimeout, noAnswer)
	defer cancel()
	conn, err := c.connect(limited)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, context.Cause(limited)
	}
	return conn, err
}

func (c *connector) connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	s, err := readSession(ctx, conn, c.role)
	if err == nil {
		err = errors.Join(s.check(c.role), c.identity.check(s.identity()))
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// identity is the one server that all connections of a Server must come from (W6). The first
// connection sets it.
type identity struct{ value atomic.Pointer[string] }

func (i *identity) check(answered string) error {
	if i.value.CompareAndSwap(nil, &answered) || *i.value.Load() == answered {
		return nil
	}
	return otherServer(*i.value.Load(), answered)
}

func otherServer(want, got string) error {
	return fault.New(fault.CodeFailed, fault.KindSource,
		"give the address of one server: this one leads to several, or the server was replaced",
		"the address answered as server %s before and as %s now (W6)", want, got)
}

// readSession sends the role's settings and reads them back, in one round trip.
func readSession(ctx context.Context, conn driver.Conn, role Role) (session, error) {
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return session{}, errors.New("set up the session: the driver cannot query")
	}
	rows, err := queryer.QueryContext(ctx, sessionStatements(role), nil)
	if err != nil {
		return session{}, fmt.Errorf("set up the session: %w", err)
	}
	s, err := scanSession(rows)
	if err = errors.Join(err, rows.Close()); err != nil {
		return session{}, fmt.Errorf("set up the session: %w", err)
	}
	return s, nil
}

func scanSession(rows driver.Rows) (session, error) {
	var who [][]string
	var settings [][]string
	who, err := scanText(rows)
	if err != nil {
		return session{}, err
	}
	next, ok := rows.(driver.RowsNextResultSet)
	if !ok {
		return session{}, errors.New("the driver cannot read several results")
	}
	if err := next.NextResultSet(); err != nil {
		return session{}, err
	}
	if settings, err = scanText(rows); err != nil {
		return session{}, err
	}
	return newSession(who, settings)
}

// scanText reads a whole result as text; NULL is empty.
func scanText(rows driver.Rows) ([][]string, error) {
	var out [][]string
	values := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(values)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case []byte:
				row[i] = string(v)
			case nil:
			default:
				row[i] = fmt.Sprint(v)
			}
		}
		out = append(out, row)
	}
}
