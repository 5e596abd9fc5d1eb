package event

import (
	"encoding/base64"
	"math"
	"strconv"
)

// AppendJSON appends the text of a stored JSON document, byte for byte what SELECT prints.
//
// What the text does not tell (fact 6.6): DECIMAL from DOUBLE, dates and times from strings, and
// the type of a small unsigned number. jsonb is the value of a JSON column as row images hold
// it; an empty one, which a column has that was added or filled without a value, is null.
func AppendJSON(dst []byte, jsonb []byte) ([]byte, error) {
	if len(jsonb) == 0 {
		return append(dst, "null"...), nil
	}
	// Altered bytes may let many elements share what they point to: the work is bounded by what a
	// proper document of that length can hold.
	w := jsonWriter{dst: dst, budget: 2*len(jsonb) + 64}
	if err := w.value(jsonb[0], jsonb[1:], 0); err != nil {
		return dst, err
	}
	return w.dst, nil
}

// jsonWriter prints one document.
type jsonWriter struct {
	dst    []byte
	budget int // bytes that may still be read
}

func (w *jsonWriter) spend(n int) error {
	w.budget -= n
	if w.budget < 0 {
		return jsonbError("elements overlap")
	}
	return nil
}

func (w *jsonWriter) value(kind byte, data []byte, depth int) error {
	switch kind {
	case jsonbSmallObject, jsonbLargeObject, jsonbSmallArray, jsonbLargeArray:
		return w.container(kind, data, depth+1)
	case jsonbLiteral:
		return w.literal(data)
	case jsonbInt16, jsonbUint16, jsonbInt32, jsonbUint32, jsonbInt64, jsonbUint64:
		return w.integer(kind, data)
	case jsonbDouble:
		if len(data) < 8 {
			return jsonbError("a double of %d bytes", len(data))
		}
		return w.double(math.Float64frombits(littleEndian(data[:8])))
	case jsonbString:
		n, rest, err := jsonbLength(data)
		if err != nil {
			return err
		}
		if err := w.spend(n); err != nil {
			return err
		}
		w.quoted(rest[:n])
		return nil
	case jsonbOpaque:
		return w.opaque(data)
	}
	return jsonbError("a value of type 0x%x", kind)
}

func (w *jsonWriter) container(kind byte, data []byte, depth int) error {
	if depth > maxJSONDepth {
		return jsonbError("more than %d levels", maxJSONDepth)
	}
	b, err := openContainer(kind, data)
	if err != nil {
		return err
	}
	if err := w.spend(b.valueEntry(b.count)); err != nil {
		return err
	}
	open, end := byte('['), byte(']')
	if b.object {
		open, end = '{', '}'
	}
	w.dst = append(w.dst, open)
	for i := range b.count {
		if i > 0 {
			w.dst = append(w.dst, ", "...)
		}
		if b.object {
			key, err := b.key(i)
			if err != nil {
				return err
			}
			if err := w.spend(len(key)); err != nil {
				return err
			}
			w.quoted(key)
			w.dst = append(w.dst, ": "...)
		}
		kind, data, err := b.value(i)
		if err != nil {
			return err
		}
		if err := w.value(kind, data, depth); err != nil {
			return err
		}
	}
	w.dst = append(w.dst, end)
	return nil
}

func (w *jsonWriter) literal(data []byte) error {
	if len(data) < 1 {
		return jsonbError("a literal without value")
	}
	switch data[0] {
	case jsonbNull:
		w.dst = append(w.dst, "null"...)
	case jsonbTrue:
		w.dst = append(w.dst, "true"...)
	case jsonbFalse:
		w.dst = append(w.dst, "false"...)
	default:
		return jsonbError("literal %d", data[0])
	}
	return nil
}

func (w *jsonWriter) integer(kind byte, data []byte) error {
	size := 2
	switch kind {
	case jsonbInt32, jsonbUint32:
		size = 4
	case jsonbInt64, jsonbUint64:
		size = 8
	}
	if len(data) < size {
		return jsonbError("an integer of %d bytes in %d", size, len(data))
	}
	unsigned := kind == jsonbUint16 || kind == jsonbUint32 || kind == jsonbUint64
	w.dst = appendInteger(w.dst, data[:size], unsigned)
	return nil
}

// quoted prints a string. Bytes above 0x1f but the quote and the backslash stand for themselves.
func (w *jsonWriter) quoted(s []byte) {
	const hexDigits = "0123456789abcdef"
	w.dst = append(w.dst, '"')
	from := 0
	for i, b := range s {
		if b >= 0x20 && b != '"' && b != '\\' {
			continue
		}
		w.dst = append(w.dst, s[from:i]...)
		from = i + 1
		switch b {
		case '"', '\\':
			w.dst = append(w.dst, '\\', b)
		case '\b':
			w.dst = append(w.dst, `\b`...)
		case '\f':
			w.dst = append(w.dst, `\f`...)
		case '\n':
			w.dst = append(w.dst, `\n`...)
		case '\r':
			w.dst = append(w.dst, `\r`...)
		case '\t':
			w.dst = append(w.dst, `\t`...)
		default:
			w.dst = append(w.dst, `\u00`...)
			w.dst = append(w.dst, hexDigits[b>>4], hexDigits[b&0xf])
		}
	}
	w.dst = append(w.dst, s[from:]...)
	w.dst = append(w.dst, '"')
}

// opaque prints a value of an SQL type: its column type, a length, its bytes.
func (w *jsonWriter) opaque(data []byte) error {
	if len(data) < 1 {
		return jsonbError("an opaque value without type")
	}
	t := ColumnType(data[0])
	n, rest, err := jsonbLength(data[1:])
	if err != nil {
		return err
	}
	if err := w.spend(n); err != nil {
		return err
	}
	value := rest[:n]
	switch t {
	case ColumnNewDecimal:
		return w.decimal(value)
	case ColumnDate, ColumnTime, ColumnDatetime, ColumnTimestamp:
		return w.temporal(t, value)
	default:
		text := append([]byte("base64:type"), strconv.Itoa(int(t))...)
		text = append(text, ':')
		w.quoted(appendBase64(text, value))
		return nil
	}
}

// maxJSONDecimalPrecision is greater than that of a column: the server counts leading zeros up to
// whole groups of digits (seen: decimal(71,8)), and has room for nine groups.
const maxJSONDecimalPrecision = 9 * digitsPerGroup

// decimal prints a number: its precision, its scale, then as in a column.
func (w *jsonWriter) decimal(value []byte) error {
	if len(value) < 2 {
		return jsonbError("a decimal of %d bytes", len(value))
	}
	precision, scale := int(value[0]), int(value[1])
	if precision < 1 || precision > maxJSONDecimalPrecision || scale > maxDecimalScale || scale > precision ||
		len(value)-2 != decimalSize(precision, scale) {
		return jsonbError("a decimal(%d,%d) in %d bytes", precision, scale, len(value)-2)
	}
	w.dst = appendDecimal(w.dst, value[2:], precision, scale)
	return nil
}

// temporal prints a date, time or datetime: 8 little-endian bytes, signed, of the packed fields
// and 24 bits of microseconds.
func (w *jsonWriter) temporal(t ColumnType, value []byte) error {
	if len(value) != 8 {
		return jsonbError("a %s of %d bytes", t, len(value))
	}
	v := int64(littleEndian(value))
	negative := v < 0
	if negative {
		v = -v
	}
	fields, micros := uint64(v)>>24, uint64(v)&(1<<24-1)
	w.dst = append(w.dst, '"')
	switch t {
	case ColumnTime:
		w.dst = appendTimeFields(w.dst, negative, fields, micros, 6)
	case ColumnDate:
		w.dst = appendDateFields(w.dst, fields>>17)
	default:
		w.dst = appendDateFields(w.dst, fields>>17)
		w.dst = append(w.dst, ' ')
		w.dst = appendTimeFields(w.dst, false, fields&(1<<17-1), micros, 6)
	}
	w.dst = append(w.dst, '"')
	return nil
}

// base64Line is the number of characters after which the server puts a line feed.
const base64Line = 76

// appendBase64 prints base64 as the server does: in lines, without a line feed behind the last.
func appendBase64(dst []byte, b []byte) []byte {
	const perLine = base64Line / 4 * 3
	for len(b) > perLine {
		dst = base64.StdEncoding.AppendEncode(dst, b[:perLine])
		dst = append(dst, '\n')
		b = b[perLine:]
	}
	return base64.StdEncoding.AppendEncode(dst, b)
}
