package event

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tripod-db/tripod/internal/schema"
)

// AppendLiteral appends the SQL literal that stores exactly the value of column i, and that
// compares equal to it in a WHERE clause (facts 6 and 7). The column must be present in the
// image and no JSON diff. c is the column's definition, which tells signedness and BINARY from
// CHAR; m is the column of the event's table map. Compatible must have passed for both.
//
// The literals need a session with time_zone '+00:00' and the sql_mode of fact 6.12; none
// depends on the session's character set or on how it quotes. NULL needs IS NULL or <=> in a
// WHERE clause, and VECTOR cannot be compared at all (error 1210). Strings compare under the
// column's collation (fact 6.2).
func AppendLiteral(dst []byte, c *schema.Column, m *ColumnMeta, im Image, i int) ([]byte, error) {
	if i < 0 || i >= im.NumColumns() {
		return dst, fmt.Errorf("column %s: no column %d among %d: %w", c.Name, i+1, im.NumColumns(), ErrMalformed)
	}
	switch im.cells[i].state {
	case cellAbsent:
		return dst, fmt.Errorf("column %s is not in the row image: %w", c.Name, ErrUnsupported)
	case cellDiff:
		return dst, fmt.Errorf("column %s: a JSON diff (binlog_row_value_options=PARTIAL_JSON) instead of the document: %w", c.Name, ErrUnsupported)
	case cellNull:
		return append(dst, "NULL"...), nil
	case cellValue:
	}
	out, err := appendValue(dst, c, m, im.Raw(i))
	if err != nil {
		return dst, fmt.Errorf("column %s: %w", c.Name, err)
	}
	return out, nil
}

// appendValue prints a value that is not NULL.
func appendValue(dst []byte, c *schema.Column, m *ColumnMeta, raw []byte) ([]byte, error) {
	if w := widthOf(m); w.prefix == 0 && len(raw) != int(w.fixed) {
		return dst, fmt.Errorf("%s value of %d bytes: %w", m.Type, len(raw), ErrMalformed)
	}
	switch m.Type {
	case ColumnTiny, ColumnShort, ColumnInt24, ColumnLong, ColumnLongLong:
		return appendInteger(dst, raw, c.Unsigned), nil
	case ColumnFloat, ColumnDouble:
		return appendDouble(dst, withinDigits(c, stored(raw)))
	case ColumnNewDecimal:
		return appendDecimal(dst, raw, int(m.Meta>>8), int(m.Meta&0xff)), nil
	case ColumnEnum:
		return strconv.AppendUint(dst, littleEndian(raw), 10), nil
	case ColumnSet:
		// Signed: a SET with its 64th member compares as a negative number, and stores one as its bits.
		return strconv.AppendInt(dst, int64(littleEndian(raw)), 10), nil
	case ColumnBit:
		return strconv.AppendUint(dst, bigEndian(raw), 10), nil
	case ColumnYear:
		return appendYear(dst, raw[0]), nil
	case ColumnDate, ColumnNewDate, ColumnTime2, ColumnDatetime2, ColumnTimestamp2:
		dst = append(dst, '\'')
		dst = appendTemporal(dst, m, raw)
		return append(dst, '\''), nil
	case ColumnString:
		if padded[c.Type] {
			return appendPadded(dst, raw, int(m.Meta)), nil
		}
		return appendHex(dst, raw), nil
	case ColumnBlobCompressed, ColumnVarcharCompressed:
		value, err := inflateValue(raw)
		if err != nil {
			return dst, err
		}
		return appendHex(dst, value), nil
	case ColumnVarchar, ColumnVarString, ColumnBlob, ColumnGeometry, ColumnVector:
		return appendHex(dst, raw), nil
	case ColumnJSON:
		return appendJSONLiteral(dst, raw)
	default:
		return dst, fmt.Errorf("values of type %s: %w", m.Type, ErrUnsupported)
	}
}

// padded are the types of which the log leaves out zero bytes at the end.
var padded = map[string]bool{"binary": true, "inet4": true, "inet6": true, "uuid": true}

func appendTemporal(dst []byte, m *ColumnMeta, raw []byte) []byte {
	switch m.Type {
	case ColumnTime2:
		return appendTime2(dst, raw, m.Meta)
	case ColumnDatetime2:
		return appendDatetime2(dst, raw, m.Meta)
	case ColumnTimestamp2:
		return appendTimestamp2(dst, raw, m.Meta)
	default:
		return appendDate3(dst, raw)
	}
}

// appendInteger prints 1 to 8 little-endian bytes.
func appendInteger(dst []byte, raw []byte, unsigned bool) []byte {
	v := littleEndian(raw)
	if unsigned {
		return strconv.AppendUint(dst, v, 10)
	}
	unused := 64 - 8*len(raw)
	return strconv.AppendInt(dst, int64(v<<unused)>>unused, 10)
}

// appendDouble prints the shortest e-notation that reads back as the same double. FLOAT values
// take it too: the server compares them as doubles (fact 7.5).
func appendDouble(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, fmt.Errorf("floating-point value %v: %w", f, ErrMalformed)
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64), nil
}

// stored is the number in the 4 bytes of a FLOAT or the 8 of a DOUBLE.
func stored(raw []byte) float64 {
	if len(raw) == 4 {
		return float64(math.Float32frombits(uint32(littleEndian(raw))))
	}
	return math.Float64frombits(littleEndian(raw))
}

// BeyondDigits returns what a FLOAT(p,s) or DOUBLE(p,s) of these bytes holds where that is more than its literal
// says (see withinDigits); false for all others.
func BeyondDigits(c *schema.Column, raw []byte) (literal []byte, beyond bool) {
	if c.Type != "float" && c.Type != "double" || len(raw) != 4 && len(raw) != 8 {
		return nil, false
	}
	f := stored(raw)
	if math.IsNaN(f) || math.IsInf(f, 0) || withinDigits(c, f) == f {
		return nil, false
	}
	return strconv.AppendFloat(nil, f, 'e', -1, 64), true
}

// withinDigits returns f, or the greatest number that FLOAT(p,s) and DOUBLE(p,s) accept where
// rounding has made the stored one greater: FLOAT(10,3) stores 9999999.999 as 10000000, and
// refuses that as out of range, but takes 9999999.999. No literal finds such a value in every
// WHERE clause; f*1e0 <=> 1e7 does.
func withinDigits(c *schema.Column, f float64) float64 {
	if c.Decimals < 0 || c.Length <= 0 {
		return f
	}
	most := math.Pow10(c.Length-c.Decimals) - math.Pow10(-c.Decimals)
	return max(-most, min(f, most))
}

// appendYear prints a YEAR: 0 is the year 0000, others count from 1900.
func appendYear(dst []byte, b byte) []byte {
	if b == 0 {
		return append(dst, '0')
	}
	return strconv.AppendInt(dst, 1900+int64(b), 10)
}

// appendHex prints x'..', which stores its bytes unchanged in a column of any character set (fact 6.2).
func appendHex(dst []byte, raw []byte) []byte {
	dst = append(dst, "x'"...)
	dst = hex.AppendEncode(dst, raw)
	return append(dst, '\'')
}

// appendPadded prints x'..' with the zero bytes that the log leaves out of a BINARY(n): without
// them a comparison finds nothing (fact 6).
func appendPadded(dst []byte, raw []byte, n int) []byte {
	dst = append(dst, "x'"...)
	dst = hex.AppendEncode(dst, raw)
	for range n - len(raw) {
		dst = append(dst, "00"...)
	}
	return append(dst, '\'')
}

// appendJSONLiteral prints a document as the text that the server prints of it, and its parsing.
func appendJSONLiteral(dst []byte, jsonb []byte) ([]byte, error) {
	dst = append(dst, "CAST(_utf8mb4 x'"...)
	start := len(dst)
	dst, err := AppendJSON(dst, jsonb)
	if err != nil {
		return dst, err
	}
	dst = hexInPlace(dst, start)
	return append(dst, "' AS JSON)"...), nil
}

// hexInPlace turns the bytes from start on into hexadecimal digits, the last first: documents may
// be large, and a copy of one would be memory that nothing accounts for.
func hexInPlace(dst []byte, start int) []byte {
	const digits = "0123456789abcdef"
	n := len(dst) - start
	dst = slices.Grow(dst, n)[:start+2*n]
	for i := n - 1; i >= 0; i-- {
		b := dst[start+i]
		dst[start+2*i], dst[start+2*i+1] = digits[b>>4], digits[b&0xf]
	}
	return dst
}
