package event

import "fmt"

// Types of stored JSON values.
const (
	jsonbSmallObject byte = 0x0
	jsonbLargeObject byte = 0x1
	jsonbSmallArray  byte = 0x2
	jsonbLargeArray  byte = 0x3
	jsonbLiteral     byte = 0x4
	jsonbInt16       byte = 0x5
	jsonbUint16      byte = 0x6
	jsonbInt32       byte = 0x7
	jsonbUint32      byte = 0x8
	jsonbInt64       byte = 0x9
	jsonbUint64      byte = 0xa
	jsonbDouble      byte = 0xb
	jsonbString      byte = 0xc
	jsonbOpaque      byte = 0xf
)

// Literals.
const (
	jsonbNull  = 0
	jsonbTrue  = 1
	jsonbFalse = 2
)

// maxJSONDepth is the depth of nesting that servers accept.
const maxJSONDepth = 100

// jsonbContainer is an object or array. All its offsets count from its first byte behind the
// type: number of elements, size in bytes, the keys' offsets and lengths (objects only), then a
// type with a value or an offset for each element.
type jsonbContainer struct {
	data   []byte // the container's bytes, no more
	count  int
	object bool
	large  bool
}

func (b *jsonbContainer) offsetSize() int {
	if b.large {
		return 4
	}
	return 2
}

// number reads an offset, size or count at pos; the caller has checked that it is there.
func (b *jsonbContainer) number(pos int) int {
	return int(littleEndian(b.data[pos : pos+b.offsetSize()]))
}

// openContainer reads the head of an object or array and checks that its tables fit.
func openContainer(kind byte, data []byte) (*jsonbContainer, error) {
	b := &jsonbContainer{
		data:   data,
		object: kind == jsonbSmallObject || kind == jsonbLargeObject,
		large:  kind == jsonbLargeObject || kind == jsonbLargeArray,
	}
	n := b.offsetSize()
	if len(data) < 2*n {
		return nil, jsonbError("a container of %d bytes", len(data))
	}
	b.count = b.number(0)
	size := b.number(n)
	if size < b.valueEntry(b.count) || size > len(data) {
		return nil, jsonbError("a container of %d elements in %d bytes, %d are there", b.count, size, len(data))
	}
	b.data = data[:size]
	return b, nil
}

func (b *jsonbContainer) keyEntrySize() int { return b.offsetSize() + 2 }

func (b *jsonbContainer) valueEntrySize() int { return b.offsetSize() + 1 }

// valueEntry is the place of element i's entry.
func (b *jsonbContainer) valueEntry(i int) int {
	pos := 2 * b.offsetSize()
	if b.object {
		pos += b.count * b.keyEntrySize()
	}
	return pos + i*b.valueEntrySize()
}

// key returns the name of element i of an object.
func (b *jsonbContainer) key(i int) ([]byte, error) {
	entry := 2*b.offsetSize() + i*b.keyEntrySize()
	start := b.number(entry)
	length := int(littleEndian(b.data[entry+b.offsetSize() : entry+b.keyEntrySize()]))
	if start < b.valueEntry(b.count) || length > len(b.data)-start {
		return nil, jsonbError("key %d at %d of %d bytes in a container of %d", i, start, length, len(b.data))
	}
	return b.data[start : start+length], nil
}

// value returns the type and the bytes of element i. The bytes of a value that does not stand
// in its entry reach to the container's end; the value itself knows its length.
func (b *jsonbContainer) value(i int) (kind byte, data []byte, err error) {
	entry := b.valueEntry(i)
	kind = b.data[entry]
	switch kind {
	case jsonbLiteral, jsonbInt16, jsonbUint16:
		return kind, b.data[entry+1 : entry+b.valueEntrySize()], nil
	case jsonbInt32, jsonbUint32:
		if b.large {
			return kind, b.data[entry+1 : entry+b.valueEntrySize()], nil
		}
	}
	start := b.number(entry + 1)
	if start < b.valueEntry(b.count) || start > len(b.data) {
		return 0, nil, jsonbError("element %d at %d in a container of %d bytes", i, start, len(b.data))
	}
	return kind, b.data[start:], nil
}

// jsonbLength reads the length in front of a string or opaque value: 7 bits in each byte, the
// lowest first, the top bit says that more follow.
func jsonbLength(data []byte) (length int, rest []byte, err error) {
	var v uint64
	for i := 0; i < 5 && i < len(data); i++ {
		v |= uint64(data[i]&0x7f) << (7 * i)
		if data[i]&0x80 == 0 {
			rest = data[i+1:]
			if v > uint64(len(rest)) {
				return 0, nil, jsonbError("a value of %d bytes, %d are there", v, len(rest))
			}
			return int(v), rest, nil
		}
	}
	return 0, nil, jsonbError("a length that does not end")
}

func jsonbError(format string, args ...any) error {
	return fmt.Errorf("read stored JSON: %s: %w", fmt.Sprintf(format, args...), ErrMalformed)
}
