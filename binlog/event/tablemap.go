package event

import "github.com/tripod-db/tripod/internal/schema"

// TableMap describes the columns of the rows events that follow it. It owns its memory: rows
// events keep pointing to it when its bytes are gone.
type TableMap struct {
	common
	TableID uint64
	Name    schema.Name // UTF-8 (fact 14.1)
	Flags   uint16
	Columns []ColumnMeta
	// HasNames: binlog_row_metadata=FULL; names, ENUM and SET members, the primary key and
	// visibility are logged.
	HasNames bool
	// PrimaryKey lists the primary key's parts in key order, where logged.
	PrimaryKey []PrimaryKeyPart
}

// Flags of TableMap.Flags.
const (
	TableMapBitLengthExact      uint16 = 0x1
	TableMapReferredByForeign   uint16 = 0x2
	TableMapGeneratedPrimaryKey uint16 = 0x4
)

// PrimaryKeyPart is one column of the primary key.
type PrimaryKeyPart struct {
	Column int // ordinal
	Prefix int // characters; 0 for the whole column
}

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

// ColumnMeta is one column of a table map.
type ColumnMeta struct {
	// Type is the real type: ColumnEnum and ColumnSet where the event says "string".
	Type ColumnType
	// Meta depends on Type: length in bytes of CHAR, BINARY, VARCHAR, VARBINARY; precision<<8 |
	// scale of DECIMAL; fractional digits of TIME, DATETIME, TIMESTAMP; bytes<<8 | bits of BIT (the
	// bits beyond whole bytes); size of the length field of BLOB, JSON, GEOMETRY, VECTOR; size in
	// bytes of ENUM, SET, FLOAT, DOUBLE.
	Meta     uint16
	Nullable bool
	// Unsigned holds only when SignKnown (fact 6).
	Unsigned  bool
	SignKnown bool
	// CollationID is 0 where it is not logged. 63 is binary.
	CollationID uint16
	Name        string   // empty where it is not logged
	Members     []string // of ENUM and SET where logged, in the column's character set
	// GeometryType: 0 geometry, 1 point .. 7 geomcollection; -1 where it is not logged.
	GeometryType int8
	Invisible    bool // holds only when VisibilityKnown
	// VisibilityKnown: binlog_row_metadata=FULL on 8.0.23 and later.
	VisibilityKnown bool
	// Dimensions is the length of VECTOR; 0 where it is not logged.
	Dimensions uint32
}
