package event

import (
	"encoding/binary"
	"fmt"
)

// cursor reads the body of one event from front to back. Its first error stays: later reads
// return zero values, so that a caller checks err once, and before every loop over a count.
type cursor struct {
	kind  Type
	body  []byte
	pos   int
	start int // offset of body in the event, for errors
	err   error
}

// fail notes an error at the present offset.
func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("read %s event at offset %d: %s: %w",
			c.kind, c.start+c.pos, fmt.Sprintf(format, args...), ErrMalformed)
	}
}

// left returns the number of unread bytes.
func (c *cursor) left() int { return len(c.body) - c.pos }

// take returns the next n bytes, aliasing the body.
func (c *cursor) take(n uint64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(c.left()) {
		c.fail("%s needs %d bytes, %d are left", what, n, c.left())
		return nil
	}
	b := c.body[c.pos : c.pos+int(n) : c.pos+int(n)]
	c.pos += int(n)
	return b
}

// rest returns all unread bytes.
func (c *cursor) rest() []byte { return c.take(uint64(c.left()), "rest") }

func (c *cursor) u8(what string) byte {
	if b := c.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16(what string) uint16 {
	if b := c.take(2, what); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32(what string) uint32 {
	if b := c.take(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64(what string) uint64 {
	if b := c.take(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uint reads a little-endian integer of n bytes, at most 8.
func (c *cursor) uint(n int, what string) uint64 {
	return littleEndian(c.take(uint64(n), what))
}

// lenenc reads a length-encoded integer.
func (c *cursor) lenenc(what string) uint64 {
	switch first := c.u8(what); first {
	case 0xfc:
		return uint64(c.u16(what))
	case 0xfd:
		return c.uint(3, what)
	case 0xfe:
		return c.u64(what)
	case 0xfb, 0xff:
		c.fail("%s begins with 0x%x, which is no length-encoded integer", what, first)
		return 0
	default:
		return uint64(first)
	}
}

// lenencBytes reads bytes with a length-encoded length in front.
func (c *cursor) lenencBytes(what string) []byte {
	n := c.lenenc(what)
	return c.take(n, what)
}

// sub returns a cursor over bytes that this one has just taken.
func (c *cursor) sub(b []byte) *cursor {
	return &cursor{kind: c.kind, body: b, start: c.start + c.pos - len(b), err: c.err}
}

// join takes over the error of a cursor made by sub.
func (c *cursor) join(s *cursor) {
	if c.err == nil {
		c.err = s.err
	}
}

// littleEndian reads up to 8 bytes.
func littleEndian(b []byte) uint64 {
	var v uint64
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return v
}

// bigEndian reads up to 8 bytes.
func bigEndian(b []byte) uint64 {
	var v uint64
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}
