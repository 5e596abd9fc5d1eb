package event

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// Compatible tells whether the rows that m describes fit the definition t (R7): number of
// columns, types, lengths, signedness, nullability, and names, members and dimensions where they
// are logged. The error names the table, the column and what differs, and wraps ErrIncompatible.
// The table's own name is not compared: a restore may use another.
func Compatible(m *TableMap, t *schema.Table) error {
	if !sameColumns(m, t) {
		return fmt.Errorf("table %s: %d columns in the log, %d in the definition: %w", m.Name, len(m.Columns), len(t.Columns), ErrIncompatible)
	}
	for i := range t.Columns {
		if err := compatibleColumn(&m.Columns[i], &t.Columns[i], m.HasNames); err != nil {
			return fmt.Errorf("table %s, column %d (%s): %w", m.Name, i+1, t.Columns[i].Name, err)
		}
	}
	return nil
}

// sameColumns compares numbers of columns. MariaDB logs, behind those of the definition, one for each unique key over long values:
// their hash, which it computes.
func sameColumns(m *TableMap, t *schema.Table) bool {
	n := len(t.Columns)
	if len(m.Columns) == n {
		return true
	}
	if !m.mariadb || len(m.Columns) != n+t.HashColumns() {
		return false
	}
	return !slices.ContainsFunc(m.Columns[n:], func(c ColumnMeta) bool { return c.Type != ColumnLongLong })
}

func compatibleColumn(m *ColumnMeta, c *schema.Column, named bool) error {
	if named && !strings.EqualFold(m.Name, c.Name) {
		return differs("name", m.Name, c.Name)
	}
	want, err := storedAs(c)
	if err != nil {
		return err
	}
	if compressed, ok := compressedAs[want.Type]; ok && m.Type == compressed { // said by a comment of the definition
		if want.Type == ColumnVarchar {
			want.Meta++ // a byte that says how the value is compressed
		}
		want.Type = compressed
	}
	if m.Type != want.Type {
		return differs("type", m.Type, want.Type)
	}
	if m.Meta != want.Meta {
		return differs(metaMeaning(m.Type), metaText(m), metaText(&want))
	}
	if m.Nullable != c.Nullable {
		return differs("nullability", m.Nullable, c.Nullable)
	}
	if m.SignKnown && m.Type != ColumnYear && m.Unsigned != c.Unsigned {
		return differs("signedness: unsigned", m.Unsigned, c.Unsigned)
	}
	if m.CollationID != 0 && m.Type.isCharacter() && (m.CollationID == collationBinary) != isBinary(c) {
		return differs("binary", m.CollationID == collationBinary, isBinary(c))
	}
	return compatibleDetails(m, c)
}

// compressedAs are the types of MariaDB's columns with the attribute COMPRESSED.
var compressedAs = map[ColumnType]ColumnType{ColumnVarchar: ColumnVarcharCompressed, ColumnBlob: ColumnBlobCompressed}

// compatibleDetails compares what only some sources log.
func compatibleDetails(m *ColumnMeta, c *schema.Column) error {
	if m.Members != nil && len(m.Members) != len(c.Members) {
		return differs("number of members", len(m.Members), len(c.Members))
	}
	if m.Members != nil && strings.HasPrefix(c.Charset, "utf8") {
		for i := range m.Members {
			if m.Members[i] != c.Members[i] {
				return differs("member", m.Members[i], c.Members[i])
			}
		}
	}
	if m.Type == ColumnGeometry && m.GeometryType >= 0 && m.GeometryType != geometryTypeOf(c.Type) {
		return differs("geometry type", m.GeometryType, geometryTypeOf(c.Type))
	}
	if m.Type == ColumnVector && m.Dimensions > 0 && int(m.Dimensions) != lengthOr(c, defaultVectorLength) {
		return differs("dimensions", m.Dimensions, lengthOr(c, defaultVectorLength))
	}
	return nil
}

func differs(what string, logged, defined any) error {
	return fmt.Errorf("%s is %v in the log, %v in the definition: %w", what, logged, defined, ErrIncompatible)
}

func metaMeaning(t ColumnType) string {
	switch t {
	case ColumnNewDecimal:
		return "precision and scale"
	case ColumnTime2, ColumnDatetime2, ColumnTimestamp2:
		return "number of fractional digits"
	case ColumnBit:
		return "number of bits"
	case ColumnBlob:
		return "size of the length field"
	default:
		return "length in bytes"
	}
}

func metaText(m *ColumnMeta) string {
	if m.Type == ColumnNewDecimal {
		return fmt.Sprintf("(%d,%d)", m.Meta>>8, m.Meta&0xff)
	}
	return fmt.Sprint(m.Meta)
}

// Lengths that a definition leaves out.
const (
	defaultVectorLength     = 2048
	defaultDecimalPrecision = 10
)

// lengthOr returns the column's length, or what stands for one that is not given.
func lengthOr(c *schema.Column, otherwise int) int {
	if c.Length < 0 {
		return otherwise
	}
	return c.Length
}

// isBinary tells whether a column of a character-like storage type holds bytes, not text.
func isBinary(c *schema.Column) bool { return !c.IsCharacter() || c.Charset == "binary" }

// storedAs returns type and metadata with which the server logs a column of the definition.
func storedAs(c *schema.Column) (ColumnMeta, error) {
	if m, ok := simpleTypes[c.Type]; ok {
		return m, nil
	}
	switch c.Type {
	case "decimal":
		scale := max(c.Decimals, 0)
		return ColumnMeta{Type: ColumnNewDecimal, Meta: uint16(lengthOr(c, defaultDecimalPrecision)<<8 | scale)}, nil
	case "bit":
		return ColumnMeta{Type: ColumnBit, Meta: uint16(lengthOr(c, 1))}, nil
	case "time":
		return ColumnMeta{Type: ColumnTime2, Meta: uint16(lengthOr(c, 0))}, nil
	case "datetime":
		return ColumnMeta{Type: ColumnDatetime2, Meta: uint16(lengthOr(c, 0))}, nil
	case "timestamp":
		return ColumnMeta{Type: ColumnTimestamp2, Meta: uint16(lengthOr(c, 0))}, nil
	case "binary":
		return ColumnMeta{Type: ColumnString, Meta: uint16(lengthOr(c, 1))}, nil
	case "varbinary":
		return ColumnMeta{Type: ColumnVarchar, Meta: uint16(lengthOr(c, 0))}, nil
	case "char", "varchar":
		return storedText(c)
	case "enum":
		return ColumnMeta{Type: ColumnEnum, Meta: enumSize(len(c.Members))}, nil
	case "set":
		return ColumnMeta{Type: ColumnSet, Meta: setSize(len(c.Members))}, nil
	}
	if c.IsGeometry() {
		return ColumnMeta{Type: ColumnGeometry, Meta: 4}, nil
	}
	return ColumnMeta{}, fmt.Errorf("type %q of the definition: %w", c.Type, ErrUnsupported)
}

func storedText(c *schema.Column) (ColumnMeta, error) {
	width, ok := bytesPerCharacter[c.Charset]
	if !ok {
		return ColumnMeta{}, fmt.Errorf("character set %q of the definition: %w", c.Charset, ErrUnsupported)
	}
	if c.Type == "char" {
		return ColumnMeta{Type: ColumnString, Meta: uint16(lengthOr(c, 1) * width)}, nil
	}
	return ColumnMeta{Type: ColumnVarchar, Meta: uint16(lengthOr(c, 0) * width)}, nil
}

// enumSize is the number of bytes of an ENUM.
func enumSize(members int) uint16 {
	if members < 256 {
		return 1
	}
	return 2
}

// setSize is the number of bytes of a SET.
func setSize(members int) uint16 {
	if n := (members + 7) / 8; n <= 4 {
		return uint16(n)
	}
	return 8
}

// simpleTypes are the types whose storage does not depend on anything else.
var simpleTypes = map[string]ColumnMeta{
	"tinyint":    {Type: ColumnTiny},
	"smallint":   {Type: ColumnShort},
	"mediumint":  {Type: ColumnInt24},
	"int":        {Type: ColumnLong},
	"bigint":     {Type: ColumnLongLong},
	"float":      {Type: ColumnFloat, Meta: 4},
	"double":     {Type: ColumnDouble, Meta: 8},
	"year":       {Type: ColumnYear},
	"date":       {Type: ColumnDate},
	"json":       {Type: ColumnJSON, Meta: 4},
	"vector":     {Type: ColumnVector, Meta: 4},
	"tinyblob":   {Type: ColumnBlob, Meta: 1},
	"blob":       {Type: ColumnBlob, Meta: 2},
	"mediumblob": {Type: ColumnBlob, Meta: 3},
	"longblob":   {Type: ColumnBlob, Meta: 4},
	"tinytext":   {Type: ColumnBlob, Meta: 1},
	"text":       {Type: ColumnBlob, Meta: 2},
	"mediumtext": {Type: ColumnBlob, Meta: 3},
	"longtext":   {Type: ColumnBlob, Meta: 4},
	// MariaDB's.
	"inet4": {Type: ColumnString, Meta: 4},
	"inet6": {Type: ColumnString, Meta: 16},
	"uuid":  {Type: ColumnString, Meta: 16},
}

// geometryTypeOf returns the number under which a geometry type is logged.
func geometryTypeOf(t string) int8 {
	switch t {
	case "point":
		return 1
	case "linestring":
		return 2
	case "polygon":
		return 3
	case "multipoint":
		return 4
	case "multilinestring":
		return 5
	case "multipolygon":
		return 6
	case "geomcollection", "geometrycollection":
		return 7
	}
	return 0
}

// bytesPerCharacter is the greatest length of a character in each character set.
var bytesPerCharacter = map[string]int{
	"armscii8": 1, "ascii": 1, "big5": 2, "binary": 1, "cp1250": 1, "cp1251": 1, "cp1256": 1, "cp1257": 1,
	"cp850": 1, "cp852": 1, "cp866": 1, "cp932": 2, "dec8": 1, "eucjpms": 3, "euckr": 2, "gb18030": 4,
	"gb2312": 2, "gbk": 2, "geostd8": 1, "greek": 1, "hebrew": 1, "hp8": 1, "keybcs2": 1, "koi8r": 1,
	"koi8u": 1, "latin1": 1, "latin2": 1, "latin5": 1, "latin7": 1, "macce": 1, "macroman": 1, "sjis": 2,
	"swe7": 1, "tis620": 1, "ucs2": 2, "ujis": 3, "utf16": 4, "utf16le": 4, "utf32": 4, "utf8": 3,
	"utf8mb3": 3, "utf8mb4": 4,
}
