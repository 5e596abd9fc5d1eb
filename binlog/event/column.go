package event

import "fmt"

// ColumnType is the storage type of a column in a table map.
type ColumnType byte

// Column types.
const (
	ColumnDecimal    ColumnType = 0 // before 5.0
	ColumnTiny       ColumnType = 1
	ColumnShort      ColumnType = 2
	ColumnLong       ColumnType = 3
	ColumnFloat      ColumnType = 4
	ColumnDouble     ColumnType = 5
	ColumnNull       ColumnType = 6
	ColumnTimestamp  ColumnType = 7 // before 5.6.4
	ColumnLongLong   ColumnType = 8
	ColumnInt24      ColumnType = 9
	ColumnDate       ColumnType = 10
	ColumnTime       ColumnType = 11 // before 5.6.4
	ColumnDatetime   ColumnType = 12 // before 5.6.4
	ColumnYear       ColumnType = 13
	ColumnNewDate    ColumnType = 14
	ColumnVarchar    ColumnType = 15
	ColumnBit        ColumnType = 16
	ColumnTimestamp2 ColumnType = 17
	ColumnDatetime2  ColumnType = 18
	ColumnTime2      ColumnType = 19
	ColumnTypedArray ColumnType = 20

	// MariaDB's columns with the attribute COMPRESSED: values are compressed one by one (inflateValue).
	ColumnBlobCompressed    ColumnType = 140
	ColumnVarcharCompressed ColumnType = 141

	ColumnVector     ColumnType = 242
	ColumnBool       ColumnType = 244
	ColumnJSON       ColumnType = 245
	ColumnNewDecimal ColumnType = 246
	ColumnEnum       ColumnType = 247
	ColumnSet        ColumnType = 248
	ColumnTinyBlob   ColumnType = 249
	ColumnMediumBlob ColumnType = 250
	ColumnLongBlob   ColumnType = 251
	ColumnBlob       ColumnType = 252
	ColumnVarString  ColumnType = 253
	ColumnString     ColumnType = 254
	ColumnGeometry   ColumnType = 255
)

var columnTypeNames = map[ColumnType]string{
	ColumnDecimal: "DECIMAL (before 5.0)", ColumnTiny: "TINYINT", ColumnShort: "SMALLINT", ColumnLong: "INT",
	ColumnFloat: "FLOAT", ColumnDouble: "DOUBLE", ColumnNull: "NULL", ColumnTimestamp: "TIMESTAMP (before 5.6.4)",
	ColumnLongLong: "BIGINT", ColumnInt24: "MEDIUMINT", ColumnDate: "DATE", ColumnTime: "TIME (before 5.6.4)",
	ColumnDatetime: "DATETIME (before 5.6.4)", ColumnYear: "YEAR", ColumnNewDate: "DATE", ColumnVarchar: "VARCHAR",
	ColumnBit: "BIT", ColumnTimestamp2: "TIMESTAMP", ColumnDatetime2: "DATETIME", ColumnTime2: "TIME",
	ColumnTypedArray: "ARRAY", ColumnVector: "VECTOR", ColumnBool: "BOOL", ColumnJSON: "JSON", ColumnNewDecimal: "DECIMAL",
	ColumnEnum: "ENUM", ColumnSet: "SET", ColumnTinyBlob: "TINYBLOB", ColumnMediumBlob: "MEDIUMBLOB",
	ColumnBlobCompressed: "BLOB COMPRESSED", ColumnVarcharCompressed: "VARCHAR COMPRESSED",
	ColumnLongBlob: "LONGBLOB", ColumnBlob: "BLOB", ColumnVarString: "VARCHAR", ColumnString: "CHAR", ColumnGeometry: "GEOMETRY",
}

// String names the type as SQL does.
func (t ColumnType) String() string {
	if s, ok := columnTypeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("column type %d", byte(t))
}

// ColumnMeta is one column of a table map.
type ColumnMeta struct {
	// Type is the real type: ColumnEnum and ColumnSet where the event says "string".
	Type ColumnType
	// Meta depends on Type: length in bytes of CHAR, BINARY, VARCHAR, VARBINARY; precision<<8 |
	// scale of DECIMAL; fractional digits of TIME, DATETIME, TIMESTAMP; number of bits of BIT; size of
	// the length field of BLOB, JSON, GEOMETRY, VECTOR; size in bytes of ENUM, SET, FLOAT, DOUBLE.
	Meta     uint16
	Nullable bool
	// Unsigned holds only when SignKnown (fact 6).
	Unsigned  bool
	SignKnown bool
	// CollationID is 0 where it is not logged. 63 is binary.
	CollationID uint16
	Name        string   // empty where it is not logged
	Members     []string // of ENUM and SET where logged, in the column's character set
	// GeometryType: 0 geometry, 1 point, 2 linestring, 3 polygon, 4 multipoint, 5
	// multilinestring, 6 multipolygon, 7 geomcollection; -1 where it is not logged.
	GeometryType int8
	Invisible    bool // holds only when VisibilityKnown
	// VisibilityKnown: binlog_row_metadata=FULL on 8.0.23 and later.
	VisibilityKnown bool
	// Dimensions is the greatest length of VECTOR; 0 where it is not logged.
	Dimensions uint32
}

// isNumeric tells whether the signedness of columns of the type is logged. YEAR is among them, as unsigned.
func (t ColumnType) isNumeric() bool {
	switch t {
	case ColumnTiny, ColumnShort, ColumnInt24, ColumnLong, ColumnLongLong, ColumnNewDecimal, ColumnFloat, ColumnDouble, ColumnYear:
		return true
	default:
		return false
	}
}

// isCharacter tells whether the collation of columns of the type is logged, 63 for binary ones.
// VECTOR is among them (9.7), as binary; JSON is not, and GEOMETRY on MariaDB only.
func (t ColumnType) isCharacter() bool {
	switch t {
	case ColumnString, ColumnVarString, ColumnVarchar, ColumnBlob, ColumnVector, ColumnBlobCompressed, ColumnVarcharCompressed:
		return true
	default:
		return false
	}
}

func (t ColumnType) isCharacterOnMariaDB() bool { return t.isCharacter() || t == ColumnGeometry }

// isLabels tells whether the members of columns of the type are logged.
func (t ColumnType) isLabels() bool { return t == ColumnEnum || t == ColumnSet }

// readColumn reads the metadata of one column.
func readColumn(c *cursor, t ColumnType) ColumnMeta {
	m := ColumnMeta{Type: t, GeometryType: -1}
	switch t {
	case ColumnString:
		m.Type, m.Meta = readStringMeta(c)
	case ColumnNewDecimal:
		precision := c.u8("precision")
		m.Meta = uint16(precision)<<8 | uint16(c.u8("scale"))
		checkDecimal(c, m.Meta)
	case ColumnVarchar, ColumnVarString, ColumnVarcharCompressed:
		m.Meta = c.u16("length")
	case ColumnBit:
		bits := c.u8("bits")
		whole := c.u8("bytes")
		m.Meta = uint16(whole)*8 + uint16(bits)
		if bits > 7 || m.Meta > 64 {
			c.fail("BIT of %d bytes and %d bits", whole, bits)
		}
	case ColumnFloat, ColumnDouble:
		m.Meta = uint16(c.u8("size"))
		if want := map[ColumnType]uint16{ColumnFloat: 4, ColumnDouble: 8}[t]; c.err == nil && m.Meta != want {
			c.fail("%s of %d bytes", t, m.Meta)
		}
	case ColumnBlob, ColumnJSON, ColumnGeometry, ColumnVector, ColumnBlobCompressed:
		m.Meta = uint16(c.u8("size of length"))
		if c.err == nil && (m.Meta < 1 || m.Meta > 4) {
			c.fail("%s with a length of %d bytes", t, m.Meta)
		}
	case ColumnTime2, ColumnDatetime2, ColumnTimestamp2:
		m.Meta = uint16(c.u8("fractional digits"))
		if m.Meta > 6 {
			c.fail("%s with %d fractional digits", t, m.Meta)
		}
	case ColumnDecimal, ColumnTiny, ColumnShort, ColumnLong, ColumnNull, ColumnTimestamp, ColumnLongLong,
		ColumnInt24, ColumnDate, ColumnTime, ColumnDatetime, ColumnYear, ColumnNewDate:
	default:
		c.fail("%s cannot be in a table map", t)
	}
	return m
}

// readStringMeta reads the metadata of a "string": the real type and a length. Lengths above 255
// have their two upper bits, inverted, in bits 4 and 5 of the type, which are set in every real type.
func readStringMeta(c *cursor) (ColumnType, uint16) {
	const upper = 0x30
	t := c.u8("real type")
	length := uint16(c.u8("length"))
	if t&upper != upper {
		length |= uint16(t&upper^upper) << 4
		t |= upper
	}
	switch real := ColumnType(t); real {
	case ColumnEnum:
		if length != 1 && length != 2 {
			c.fail("ENUM of %d bytes", length)
		}
		return real, length
	case ColumnSet:
		if length < 1 || length > 8 {
			c.fail("SET of %d bytes", length)
		}
		return real, length
	case ColumnString, ColumnVarString:
		return ColumnString, length
	default:
		c.fail("string of real type %d", t)
		return ColumnString, length
	}
}

// checkDecimal refuses what no server can declare.
func checkDecimal(c *cursor, meta uint16) {
	precision, scale := int(meta>>8), int(meta&0xff)
	if c.err == nil && (precision < 1 || precision > maxDecimalPrecision || scale > maxDecimalScale || scale > precision) {
		c.fail("DECIMAL(%d,%d)", precision, scale)
	}
}
