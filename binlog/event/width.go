package event

import "fmt"

// width says how the bytes of a column's values are found in a row image: fixed bytes, or a
// length of prefix bytes in front.
type width struct {
	fixed  uint16
	prefix uint8
	known  bool
}

func fixedWidth(n int) width { return width{fixed: uint16(n), known: true} }

// widthOf derives it from the table map. It is not known for types whose values servers have
// not written since 5.0.
func widthOf(m *ColumnMeta) width {
	switch m.Type {
	case ColumnTiny, ColumnYear:
		return fixedWidth(1)
	case ColumnShort:
		return fixedWidth(2)
	case ColumnInt24, ColumnDate, ColumnNewDate, ColumnTime:
		return fixedWidth(3)
	case ColumnLong, ColumnFloat, ColumnTimestamp:
		return fixedWidth(4)
	case ColumnLongLong, ColumnDouble, ColumnDatetime:
		return fixedWidth(8)
	case ColumnNull:
		return fixedWidth(0)
	case ColumnEnum, ColumnSet:
		return fixedWidth(int(m.Meta))
	case ColumnBit:
		return fixedWidth((int(m.Meta) + 7) / 8)
	case ColumnNewDecimal:
		return fixedWidth(decimalSize(int(m.Meta>>8), int(m.Meta&0xff)))
	case ColumnTimestamp2:
		return fixedWidth(4 + fractionSize(m.Meta))
	case ColumnDatetime2:
		return fixedWidth(5 + fractionSize(m.Meta))
	case ColumnTime2:
		return fixedWidth(3 + fractionSize(m.Meta))
	case ColumnString, ColumnVarchar, ColumnVarString, ColumnVarcharCompressed:
		if m.Meta > 255 {
			return width{prefix: 2, known: true}
		}
		return width{prefix: 1, known: true}
	case ColumnBlob, ColumnJSON, ColumnGeometry, ColumnVector, ColumnBlobCompressed:
		return width{prefix: uint8(m.Meta), known: true}
	default:
		return width{}
	}
}

// widthOnMariaDB is widthOf, without the temporal types that MariaDB writes with
// mysql56_temporal_format=OFF: they have fractional digits whose number is not in the table map.
func widthOnMariaDB(m *ColumnMeta) width {
	switch m.Type {
	case ColumnTimestamp, ColumnTime, ColumnDatetime:
		return width{}
	default:
		return widthOf(m)
	}
}

// fractionSize is the number of bytes of fractional seconds.
func fractionSize(digits uint16) int { return int(digits+1) / 2 }

// locate returns the place of a value that begins at pos.
func (w width) locate(data []byte, pos int) (start, end int, err error) {
	start = pos
	size := uint64(w.fixed)
	if w.prefix > 0 {
		start += int(w.prefix)
		if start > len(data) {
			return 0, 0, fmt.Errorf("a length of %d bytes, %d are left", w.prefix, len(data)-pos)
		}
		size = littleEndian(data[pos:start])
	}
	if size > uint64(len(data)-start) {
		return 0, 0, fmt.Errorf("a value of %d bytes, %d are left", size, len(data)-start)
	}
	return start, start + int(size), nil
}
