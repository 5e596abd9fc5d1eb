package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	gomysql "github.com/go-mysql-org/go-mysql/mysql"
)

// errNoTLS is go-sql-driver's ErrNoTLS for connections opened by Dial.
var errNoTLS = errors.New("TLS demanded, but the server offers none")

// noAnswer is why an attempt to connect ended at dialTimeout.
var noAnswer = &net.OpError{Op: "connect", Net: "tcp", Err: fmt.Errorf("no answer within %v", dialTimeout)}

// Dial opens an authenticated protocol connection: TLS by the address's mode, any of the
// server's usual authentication plugins over it. Several statements per query are allowed. The
// session is as the server gives it. ctx bounds the dialing and the handshake.
func (a Address) Dial(ctx context.Context, options ...client.Option) (*client.Conn, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	tlsConfig, preferred, err := a.TLSConfig()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, noAnswer)
	defer cancel()
	var greeted *greetedConn
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		greeted, err = dialGreeted(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return greeted, nil
	}
	var stop func() bool
	// The options are applied between the dialing and the handshake: here the greeting is known.
	prepare := func(c *client.Conn) error {
		stop = context.AfterFunc(ctx, func() { _ = greeted.SetDeadline(expired) })
		if tlsConfig != nil {
			switch {
			case greeted.offersTLS() || greeted.isError():
				c.SetTLSConfig(tlsConfig)
			case !preferred:
				return errNoTLS
			}
		}
		// Without these two the formats of COM_QUERY and of a result's end are the plain ones
		// that RawConn reads.
		c.UnsetCapability(gomysql.CLIENT_QUERY_ATTRIBUTES)
		c.UnsetCapability(gomysql.CLIENT_DEPRECATE_EOF)
		c.SetAttributes(map[string]string{"program_name": "tripod"})
		return errors.Join(c.SetCapability(gomysql.CLIENT_MULTI_STATEMENTS), c.SetCapability(gomysql.CLIENT_MULTI_RESULTS))
	}
	network, address := a.Endpoint()
	c, err := client.ConnectWithDialer(ctx, network, address, a.User, a.Password.Reveal(), "", dial,
		append([]client.Option{prepare}, options...)...)
	if stop != nil && !stop() && err == nil {
		err = errors.Join(context.Cause(ctx), c.Close())
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("connect to %s: %w", a.Redacted(), err)
	}
	return c, nil
}

// expired is a deadline that ends every read and write at once.
var expired = time.Unix(1, 0)

// greetedConn is a network connection whose greeting was read ahead, to learn from it whether
// the server offers TLS. It gives the greeting again to whoever reads.
type greetedConn struct {
	net.Conn
	greeting []byte // header and payload
	unread   []byte
}

func dialGreeted(ctx context.Context, network, address string) (*greetedConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(expired) })
	defer stop()
	greeting := make([]byte, 4)
	if _, err = io.ReadFull(conn, greeting); err == nil {
		greeting = append(greeting, make([]byte, int(greeting[0])|int(greeting[1])<<8|int(greeting[2])<<16)...)
		_, err = io.ReadFull(conn, greeting[4:])
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the server's greeting: %w", &net.OpError{Op: "read", Net: network, Err: err}), conn.Close())
	}
	return &greetedConn{Conn: conn, greeting: greeting, unread: greeting}, nil
}

// Read gives the greeting first.
func (c *greetedConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// isError tells that the server refused before it knew who asks: the client reads why.
func (c *greetedConn) isError() bool {
	return len(c.greeting) > 4 && c.greeting[4] == gomysql.ERR_HEADER
}

// offersTLS reads the capabilities: protocol version, version text up to a zero, connection id,
// 8 bytes of scramble, a zero, then their lower half.
func (c *greetedConn) offersTLS() bool {
	payload := c.greeting[4:]
	if len(payload) == 0 {
		return false
	}
	end := bytes.IndexByte(payload[1:], 0)
	at := 1 + end + 1 + 4 + 8 + 1
	if end < 0 || len(payload) < at+2 {
		return false
	}
	return uint32(binary.LittleEndian.Uint16(payload[at:]))&gomysql.CLIENT_SSL != 0
}
