package event

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

// inflater decompresses what MariaDB has compressed by log_bin_compress. It keeps its memory between events.
type inflater struct {
	reader io.ReadCloser
	buf    bytes.Buffer
	keep   bool // what is returned must outlive the next event
}

// In front of compressed bytes stand a byte, of which the top bit is set, the next three bits are the
// algorithm (0 is zlib) and the lowest three count the bytes of the length that follow, big-endian.
const (
	inflateMark      = 0x80
	inflateAlgorithm = 0x70
	inflateLength    = 0x07
	largestInflated  = 1 << 30 // max_allowed_packet ends there
)

// rest decompresses what is left of an event.
func (f *inflater) rest(c *cursor) []byte {
	head := c.u8("head of compressed bytes")
	if c.err == nil && (head&inflateMark == 0 || head&inflateAlgorithm != 0) {
		c.fail("compressed bytes with the head 0x%x", head)
	}
	n := head & inflateLength
	if c.err == nil && (n < 1 || n > 4) {
		c.fail("a length of %d bytes in front of compressed bytes", n)
	}
	size := bigEndian(c.take(uint64(n), "uncompressed length"))
	data := c.rest()
	if c.err == nil && size > largestInflated {
		c.fail("%d uncompressed bytes", size)
	}
	if c.err != nil {
		return nil
	}
	out, err := f.inflate(data, int(size))
	if err != nil {
		c.fail("decompress: %v", err)
	}
	return out
}

func (f *inflater) inflate(data []byte, size int) ([]byte, error) {
	var err error
	if reset, ok := f.reader.(zlib.Resetter); ok {
		err = reset.Reset(bytes.NewReader(data), nil)
	} else {
		f.reader, err = zlib.NewReader(bytes.NewReader(data))
	}
	if err != nil {
		return nil, err
	}
	buf := &f.buf
	if f.keep {
		buf = &bytes.Buffer{}
	}
	buf.Reset()
	// As for payloads: a length is believed up to a multiple of what is there.
	reserve(buf, min(size, believed*len(data)+payloadKept))
	// One byte more tells bytes that the length does not count.
	n, err := io.Copy(buf, io.LimitReader(f.reader, int64(size)+1))
	if err == nil && n != int64(size) {
		err = fmt.Errorf("%d bytes instead of %d", n, size)
	}
	return buf.Bytes(), err
}

// shrink lets the memory of a large event go. What was returned may still be in use: it is only
// forgotten.
func (f *inflater) shrink() {
	if f.buf.Cap() > payloadKept+bytes.MinRead {
		f.buf = bytes.Buffer{}
	}
}

// compressedQuery reads a statement whose text alone is compressed.
func (p *Parser) compressedQuery(h Header, c *cursor) (Event, error) {
	q := parseQuery(h, c)
	text := &cursor{kind: h.Type, body: q.SQL, start: c.start + c.pos - len(q.SQL), err: c.err}
	q.SQL = p.zlib.rest(text)
	c.join(text)
	if c.err != nil {
		return nil, c.err
	}
	return q, nil
}

// compressedRows reads rows whose images alone are compressed.
func (p *Parser) compressedRows(h Header, c *cursor) (Event, error) {
	e, err := p.tables.parseRows(h, c, p.tableIDSize(h.Type))
	r, ok := e.(*Rows)
	if err != nil || !ok {
		return e, err
	}
	images := &cursor{kind: h.Type, body: r.images, start: r.offset}
	r.images, r.Packed = p.zlib.rest(images), true
	return r, images.err
}

// The first byte of a value of a column with the attribute COMPRESSED: 0 where the rest is the value;
// else the method (8 is zlib), whether the zlib header is left out, and the number of bytes of the
// value's length, big-endian, that follow.
const (
	valueMethod = 0xf0
	valueZlib   = 0x80
	valueRaw    = 0x08
	valueLength = 0x07
)

// inflateValue returns the value of a column with the attribute COMPRESSED. An empty one has no bytes.
func inflateValue(raw []byte) (_ []byte, err error) {
	if len(raw) == 0 || raw[0] == 0 {
		return raw[min(len(raw), 1):], nil
	}
	head := raw[0]
	lengthSize := int(head & valueLength)
	if head&valueMethod != valueZlib || lengthSize > 4 || len(raw) < 1+lengthSize {
		return nil, fmt.Errorf("compressed value of %d bytes with the head 0x%x: %w", len(raw), head, ErrMalformed)
	}
	size, data := bigEndian(raw[1:1+lengthSize]), bytes.NewReader(raw[1+lengthSize:])
	var r io.ReadCloser
	if head&valueRaw != 0 {
		r = flate.NewReader(data)
	} else if r, err = zlib.NewReader(data); err != nil {
		return nil, fmt.Errorf("decompress a value: %w: %w", err, ErrMalformed)
	}
	var out bytes.Buffer
	reserve(&out, min(int(size), believed*len(raw)+payloadKept))
	n, err := io.Copy(&out, io.LimitReader(r, int64(size)+1))
	if err == nil && n != int64(size) {
		err = fmt.Errorf("%d bytes came", n)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress a value of %d bytes: %w: %w", size, err, ErrMalformed)
	}
	return out.Bytes(), nil
}
