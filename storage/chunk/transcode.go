package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/tripod-db/tripod/internal/schema"
)

// ErrPacket: a row packet is cut off, or has other fields than the SELECT asked for.
var ErrPacket = errors.New("row packet is malformed")

// Transcoder turns row packets of the text protocol into lines of LOAD DATA text. It belongs
// to one goroutine.
type Transcoder struct {
	fields int
	enum   []bool // which fields are ENUMs
	// zeroEnum: an ENUM of index 0 has passed since it was last cleared.
	zeroEnum bool
}

// NewTranscoder returns a transcoder for rows of the expressions that Select gives for t.
func NewTranscoder(t *schema.Table) *Transcoder {
	c := &Transcoder{}
	for i := range t.Columns {
		if t.Columns[i].Generated == schema.NotGenerated {
			c.enum = append(c.enum, t.Columns[i].Type == "enum")
		}
	}
	if len(c.enum) == 0 {
		c.enum = []bool{false} // the one expression of a table without columns of its own
	}
	c.fields = len(c.enum)
	return c
}

// AppendRow appends the row's line to dst. rest holds the fields that the SELECT has behind
// those of Select, for NextField; it aliases packet. On error dst is unchanged.
func (c *Transcoder) AppendRow(dst, packet []byte) (line, rest []byte, err error) {
	line, rest = dst, packet
	for i := range c.fields {
		value, null, next, err := NextField(rest)
		if err != nil {
			return dst, nil, fmt.Errorf("field %d of %d: %w", i+1, c.fields, err)
		}
		rest = next
		if i > 0 {
			line = append(line, '\t')
		}
		if null {
			line = append(line, '\\', 'N')
			continue
		}
		c.note(i, value)
		line = appendEscaped(line, value)
	}
	return append(line, '\n'), rest, nil
}

// note looks at a value that says something about the chunk. In strict mode an ENUM of index 0
// is refused (fact 6, 15.8).
func (c *Transcoder) note(field int, value []byte) {
	if c.enum[field] && len(value) == 1 && value[0] == '0' {
		c.zeroEnum = true
	}
}

// First bytes of a field of the text protocol that are no length themselves.
const (
	fieldNull   = 0xfb
	field2Bytes = 0xfc
	field3Bytes = 0xfd
	field8Bytes = 0xfe
)

// NextField returns the first field of a row packet and the packet behind it. value aliases packet.
func NextField(packet []byte) (value []byte, null bool, rest []byte, err error) {
	if len(packet) == 0 {
		return nil, false, nil, fmt.Errorf("%w: it ends before the field", ErrPacket)
	}
	first, packet := packet[0], packet[1:]
	length, width := uint64(first), 0
	switch first {
	case fieldNull:
		return nil, true, packet, nil
	case field2Bytes:
		width = 2
	case field3Bytes:
		width = 3
	case field8Bytes:
		width = 8
	case 0xff:
		return nil, false, nil, fmt.Errorf("%w: no field begins with 0xff", ErrPacket)
	}
	if width > 0 {
		if len(packet) < width {
			return nil, false, nil, fmt.Errorf("%w: it ends inside a length", ErrPacket)
		}
		var wide [8]byte
		copy(wide[:], packet[:width])
		length, packet = binary.LittleEndian.Uint64(wide[:]), packet[width:]
	}
	if length > uint64(len(packet)) {
		return nil, false, nil, fmt.Errorf("%w: it ends inside a field", ErrPacket)
	}
	return packet[:length], false, packet[length:], nil
}

// appendEscaped appends a value with a backslash in front of a backslash, and tab and line
// feed as \t and \n. No other byte means anything to LOAD DATA with these terminators: NUL and
// carriage return stand for themselves. Since every backslash of a value is doubled, \N can
// only be NULL.
func appendEscaped(dst, value []byte) []byte {
	for {
		i := indexSpecial(value)
		if i < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:i]...)
		switch value[i] {
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, '\\', '\\')
		}
		value = value[i+1:]
	}
}

// Words in which every byte is the same, for indexSpecial.
const (
	ones       = 0x0101010101010101
	highBits   = 0x8080808080808080
	tabs       = '\t' * ones
	lineFeeds  = '\n' * ones
	backslashs = '\\' * ones
)

// indexSpecial returns where the first backslash, tab or line feed stands, or -1. It looks at
// eight bytes at a time: (w-ones) &^ w has the high bit of the lowest zero byte of w, and none
// below it.
func indexSpecial(value []byte) int {
	i := 0
	for ; i+8 <= len(value); i += 8 {
		word := binary.LittleEndian.Uint64(value[i:])
		tab, feed, slash := word^tabs, word^lineFeeds, word^backslashs
		if found := ((tab-ones)&^tab | (feed-ones)&^feed | (slash-ones)&^slash) & highBits; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(value); i++ {
		if b := value[i]; b == '\\' || b == '\t' || b == '\n' {
			return i
		}
	}
	return -1
}
