package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/go-mysql-org/go-mysql/client"
	gomysql "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-sql-driver/mysql"
)

// Field describes one column of a result.
type Field struct {
	Schema, Table string // as stored, not as aliased
	Name          string // as aliased
	Type          byte   // MYSQL_TYPE_*
	Charset       uint16 // collation id
	Length        uint32
	Flags         uint16
	Decimals      byte
}

// RawConn is a connection of its own whose rows are handed over as the packets in which they
// came, without a Go value per field. Its session is set and read back like every other. It
// belongs to one goroutine at a time; only Close may be called beside.
type RawConn struct {
	packets  *packets
	threadID uint32
	uuid     string
	identity string // the expression whose value uuid is
	broken   bool
}

// RawConn opens a raw connection to the same server as all others (W6).
func (s *Server) RawConn(ctx context.Context) (*RawConn, error) {
	c, err := s.address.Dial(ctx, s.countFound)
	if err != nil {
		return nil, s.explain(err)
	}
	// The handshake is over and the server waits for a command: nothing is buffered on the way.
	r := &RawConn{packets: newPackets(c.Conn.Conn, &s.spare)}
	session, err := r.setUp(ctx, s.role)
	if err == nil {
		err = session.check(s.role)
	}
	if err == nil && session.identity() != s.facts.ServerUUID {
		err = otherServer(s.facts.ServerUUID, session.identity())
	}
	if err != nil {
		return nil, errors.Join(s.explain(err), r.Close())
	}
	r.threadID, r.uuid, r.identity = session.threadID, session.identity(), s.facts.Identity()
	return r, nil
}

// countFound lets a target count the rows that an UPDATE found, as its control connections do.
func (s *Server) countFound(c *client.Conn) error {
	if s.role != Target {
		return nil
	}
	return c.SetCapability(gomysql.CLIENT_FOUND_ROWS)
}

// setUp sends the role's session settings and reads them back.
func (c *RawConn) setUp(ctx context.Context, role Role) (session, error) {
	var results [][][]string
	err := c.Batch(ctx, sessionStatements(role), func(_ int, fields []Field) (func([]byte) error, error) {
		if fields == nil {
			return nil, nil
		}
		results = append(results, nil)
		at := len(results) - 1
		return func(packet []byte) error {
			row, err := TextRow(packet)
			results[at] = append(results[at], row)
			return err
		}, nil
	})
	if err != nil {
		return session{}, fmt.Errorf("set up the session: %w", err)
	}
	if len(results) != 2 {
		return session{}, errors.New("set up the session: the server did not answer all statements")
	}
	return newSession(results[0], results[1])
}

// TextRow copies the values of a row packet as text; NULL becomes an empty one.
func TextRow(packet []byte) ([]string, error) {
	values, err := SplitRow(packet, nil)
	if err != nil {
		return nil, err
	}
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = string(v)
	}
	return row, nil
}

// ThreadID returns the connection's id on the server, for Server.KillQuery.
func (c *RawConn) ThreadID() uint32 { return c.threadID }

// ServerUUID returns the identity that the server gave when the connection was opened.
func (c *RawConn) ServerUUID() string { return c.uuid }

// Identity returns the expression that asks the server for it.
func (c *RawConn) Identity() string { return c.identity }

// Broken tells that the connection is of no further use: the network failed, a context ended in
// the middle, or a callback gave up before the last row.
func (c *RawConn) Broken() bool { return c.broken }

// LongRowError is the error of a row, of Size bytes at least, that LimitRows does not allow.
type LongRowError struct{ Size int }

func (e *LongRowError) Error() string {
	return fmt.Sprintf("a row of %d bytes or more is longer than there is room for", e.Size)
}

// LimitRows sets the length up to which rows are taken, 0 for any; rows that fit into the read
// buffer always are. A query that meets a longer one ends with a LongRowError before the row takes
// memory, and the connection is given up.
func (c *RawConn) LimitRows(bytes int) { c.packets.longest = bytes }

// Close ends the connection. It returns nil: the farewell spares the server a line in its log,
// and whatever the network says after it is no news (TLS complains when the server was quicker).
func (c *RawConn) Close() error {
	if !c.broken {
		c.broken = true
		_ = c.packets.command(commandQuit, "")
	}
	_ = c.packets.conn.Close()
	return nil
}

// Query sends one statement. row gets each row packet as received (text protocol:
// length-encoded strings, 0xfb for NULL), valid until it returns. A statement without a result
// returns no fields. Server errors are *mysql.MySQLError; the connection stays usable after them.
func (c *RawConn) Query(ctx context.Context, sql string, row func(packet []byte) error) ([]Field, error) {
	var fields []Field
	err := c.Batch(ctx, sql, func(i int, f []Field) (func([]byte) error, error) {
		if i > 0 {
			return nil, errors.New("one statement gave several results")
		}
		fields = f
		return row, nil
	})
	return fields, err
}

// Batch sends several statements as one packet. result is called for each statement in order,
// with nil fields for one without rows, and returns what gets its row packets (nil: they are
// dropped). The first server error ends the batch: the statements behind it are not run, an
// open transaction stays open. An error of a callback, or the end of ctx, gives up the
// connection (Broken), whose unread rows nobody wants.
func (c *RawConn) Batch(ctx context.Context, statements string, result func(i int, fields []Field) (row func([]byte) error, err error)) error {
	return c.within(ctx, func() error { return c.batch(statements, result) })
}

// within runs a command, and gives up the connection when ctx ends before it has.
func (c *RawConn) within(ctx context.Context, command func() error) error {
	if c.broken {
		return mysql.ErrInvalidConn
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.packets.conn.SetDeadline(expired) })
	err := command()
	c.packets.shrink() // until the next command nobody counts with it
	if !stop() {
		c.broken = true
		if err != nil {
			return context.Cause(ctx)
		}
		return nil // everything had come when the context ended
	}
	return err
}

func (c *RawConn) batch(statements string, result func(int, []Field) (func([]byte) error, error)) error {
	if err := c.packets.command(commandQuery, statements); err != nil {
		c.broken = true
		return fmt.Errorf("send statement: %w", err)
	}
	for i := 0; ; i++ {
		more, err := c.readResult(i, result)
		if err != nil {
			var ofCallback callbackError
			if errors.As(err, &ofCallback) {
				c.broken = true
				return ofCallback.error
			}
			c.broken = ErrorNumber(err) == 0
			return err
		}
		if !more {
			return nil
		}
	}
}

// statusMoreResults tells that another statement's result follows.
const statusMoreResults = 0x0008

// readResult reads one statement's result and tells whether another one follows.
func (c *RawConn) readResult(i int, result func(int, []Field) (func([]byte) error, error)) (more bool, err error) {
	first, err := c.packets.read()
	if err != nil {
		return false, fmt.Errorf("read result: %w", err)
	}
	if len(first) == 0 {
		return false, errMalformed
	}
	switch first[0] {
	case 0xff:
		return false, errorPacket(first)
	case 0xfb:
		return false, errors.New("read result: the server asks for a local file")
	case 0x00:
		_, status, err := okPacket(first)
		if err != nil {
			return false, err
		}
		if _, err := result(i, nil); err != nil {
			return false, asCallback(err)
		}
		return status&statusMoreResults != 0, nil
	}
	fields, err := c.readFields(first)
	if err != nil {
		return false, err
	}
	row, err := result(i, fields)
	if err != nil {
		return false, asCallback(err)
	}
	status, err := c.readRows(row)
	return status&statusMoreResults != 0, err
}

// callbackError tells a callback's error, which may be one of another server, from the
// server's answer on this connection.
type callbackError struct{ error }

func asCallback(err error) error { return callbackError{err} }

// okPacket returns the affected rows and the status.
func okPacket(packet []byte) (affected uint64, status uint16, err error) {
	affected, size, _, ok := lengthEncoded(packet[1:])
	if !ok {
		return 0, 0, errMalformed
	}
	rest := packet[1+size:]
	_, size, _, ok = lengthEncoded(rest) // insert id
	if !ok || len(rest) < size+2 {
		return 0, 0, errMalformed
	}
	return affected, binary.LittleEndian.Uint16(rest[size:]), nil
}

func (c *RawConn) readFields(first []byte) ([]Field, error) {
	count, size, null, ok := lengthEncoded(first)
	// 4096 is the greatest number of columns of a table.
	if !ok || null || size != len(first) || count == 0 || count > 4096 {
		return nil, errMalformed
	}
	fields := make([]Field, count)
	for i := range fields {
		packet, err := c.packets.read()
		if err != nil {
			return nil, fmt.Errorf("read result: %w", err)
		}
		if fields[i], err = parseField(packet); err != nil {
			return nil, err
		}
	}
	end, err := c.packets.read()
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if !isEnd(end) {
		return nil, errMalformed
	}
	return fields, nil
}

// isEnd tells the packet behind the fields or rows from a row whose first value has 16 MiB or more.
func isEnd(packet []byte) bool { return len(packet) == 5 && packet[0] == 0xfe }

// readRows hands the rows out and returns the status behind them.
func (c *RawConn) readRows(row func([]byte) error) (uint16, error) {
	for {
		packet, err := c.packets.read()
		if err != nil {
			return 0, fmt.Errorf("read rows: %w", err)
		}
		switch {
		case len(packet) == 0:
			return 0, errMalformed
		case isEnd(packet):
			return binary.LittleEndian.Uint16(packet[3:]), nil
		case packet[0] == 0xff:
			return 0, errorPacket(packet)
		}
		if row == nil {
			continue
		}
		if err := row(packet); err != nil {
			return 0, asCallback(err)
		}
	}
}

func parseField(packet []byte) (Field, error) {
	var texts [6]string // catalog, schema, table, original table, name, original name
	for i := range texts {
		n, size, null, ok := lengthEncoded(packet)
		if !ok || null || uint64(len(packet)-size) < n {
			return Field{}, errMalformed
		}
		texts[i] = string(packet[size : size+int(n)])
		packet = packet[size+int(n):]
	}
	if len(packet) < 11 || packet[0] < 10 {
		return Field{}, errMalformed
	}
	return Field{
		Schema: texts[1], Table: texts[3], Name: texts[4],
		Charset: binary.LittleEndian.Uint16(packet[1:]), Length: binary.LittleEndian.Uint32(packet[3:]),
		Type: packet[7], Flags: binary.LittleEndian.Uint16(packet[8:]), Decimals: packet[10],
	}, nil
}

// Rows runs one statement and returns its rows as text, NULL as an empty one: for small results.
func (c *RawConn) Rows(ctx context.Context, sql string) ([][]string, error) {
	var rows [][]string
	_, err := c.Query(ctx, sql, func(packet []byte) error {
		row, err := TextRow(packet)
		rows = append(rows, row)
		return err
	})
	return slices.Clip(rows), err
}
