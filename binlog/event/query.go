package event

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// loadQueryFixedSize is what Execute_load_query adds: file id, place of the file name in the
// text (2 x 4), what to do with duplicates.
const loadQueryFixedSize = 13

func parseQuery(h Header, c *cursor) *Query { return readQuery(h, c, 0) }

func parseExecuteLoadQuery(h Header, c *cursor) *Query {
	q := readQuery(h, c, loadQueryFixedSize)
	q.LoadFile = true
	return q
}

// readQuery reads a query event; more is the number of bytes that its fixed part has beyond that of
// a plain one.
func readQuery(h Header, c *cursor, more uint64) *Query {
	q := &Query{common: common{h}, Timestamp: h.Timestamp}
	q.ThreadID = c.u32("thread id")
	q.Seconds = c.u32("execution time")
	schemaLength := c.u8("schema length")
	q.ErrorCode = c.u16("error code")
	variables := c.u16("length of status variables")
	c.take(more, "load data fields")
	vars := c.sub(c.take(uint64(variables), "status variables"))
	q.Context.read(vars)
	c.join(vars)
	q.Schema = string(c.take(uint64(schemaLength), "schema"))
	if end := c.u8("end of schema"); end != 0 {
		c.fail("the schema's name does not end with a zero byte")
	}
	q.SQL = c.rest()
	return q
}

// Clone returns a query that owns its memory.
func (q *Query) Clone() *Query {
	own := *q
	own.SQL = append([]byte(nil), q.SQL...)
	return &own
}

// parseXAPrepare reads an XA prepare event.
func parseXAPrepare(h Header, c *cursor) *XAPrepare {
	e := &XAPrepare{common: common{h}, OnePhase: c.u8("one phase") != 0}
	e.FormatID = c.u32("format id")
	gtrid := c.u32("length of gtrid")
	bqual := c.u32("length of bqual")
	e.GTRID = c.take(uint64(gtrid), "gtrid")
	e.BQUAL = c.take(uint64(bqual), "bqual")
	return e
}

// is tells whether this is the event of a transaction with an id as the server writes it in XA
// statements: X'gtrid',X'bqual',formatID.
func (e *XAPrepare) is(xid string) bool {
	bytes := "X'" + hex.EncodeToString(e.GTRID) + "',X'" + hex.EncodeToString(e.BQUAL) + "',"
	format, ok := strings.CutPrefix(xid, bytes)
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(format, 10, 64)
	return err == nil && uint32(n) == e.FormatID
}

// Fields of a heartbeat of type 41.
const (
	heartbeatFile     = 1
	heartbeatPosition = 2
)

// parseHeartbeatV2 reads fields of type, length, value; a type of 0 ends them.
func parseHeartbeatV2(h Header, c *cursor) *Heartbeat {
	e := &Heartbeat{common: common{h}}
	for c.err == nil && c.left() > 0 {
		kind := c.lenenc("field type")
		if kind == 0 {
			break
		}
		value := c.sub(c.lenencBytes("field"))
		switch kind {
		case heartbeatFile:
			e.File = string(value.rest())
		case heartbeatPosition:
			e.Pos = value.lenenc("position")
		}
		c.join(value)
	}
	return e
}

// parseStatementContext reads what a statement in statement format needs beside its text.
func parseStatementContext(h Header, c *cursor) *StatementContext {
	e := &StatementContext{common: common{h}}
	switch h.Type {
	case TypeIntvar:
		e.Intvar = c.u8("kind")
		e.Value = c.u64("value")
	case TypeRand:
		e.Seeds[0] = c.u64("first seed")
		e.Seeds[1] = c.u64("second seed")
	case TypeUserVar:
		e.Variable = string(c.take(uint64(c.u32("length of name")), "name"))
	default: // pieces of a file for LOAD DATA: its contents are of no use without the statement
		c.rest()
	}
	return e
}
