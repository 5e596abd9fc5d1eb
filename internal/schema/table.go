package schema

import "strings"

// Table is one table's definition as SHOW CREATE TABLE gives it.
type Table struct {
	Name        Name
	Columns     []Column // in table order, which is the order of row images
	Keys        []Key    // primary key first if there is one, then in the order of the definition
	ForeignKeys []ForeignKey
	Checks      int    // number of CHECK constraints
	Engine      string // as spelled by the server: InnoDB, MyISAM, ...
	Charset     string // default character set
	Collation   string // default collation
	Partitioned bool
	// AutoIncrement is the definition's AUTO_INCREMENT= value, 0 where none is shown.
	AutoIncrement uint64
	Comment       string
	// PartitionBy is the text behind PARTITION BY, empty where Partitioned is false.
	PartitionBy string
	// Union are the tables behind UNION=, of a MERGE table.
	Union []Name
	// Unsupported names what the table has that this version cannot restore exactly; empty for nothing.
	Unsupported string
	// Create is the text of SHOW CREATE TABLE, UTF-8.
	Create string
}

// Generated says whether and how a column is computed.
type Generated int

// Kinds of generated columns.
const (
	NotGenerated Generated = iota
	Virtual
	Stored
)

// Column is one column of a Table.
type Column struct {
	Name string
	// Type is the base type in lower case as SHOW CREATE TABLE spells it: tinyint, smallint,
	// mediumint, int, bigint, decimal, float, double, bit, year, date, time, datetime,
	// timestamp, char, varchar, binary, varbinary, tinytext .. longtext, tinyblob .. longblob,
	// enum, set, json, vector, geometry, point, linestring, polygon, multipoint,
	// multilinestring, multipolygon, geomcollection.
	Type string
	// Length is the number in parentheses: characters of CHAR and VARCHAR, bytes of BINARY,
	// VARBINARY, bits of BIT, precision of DECIMAL, fractional digits of TIME, DATETIME and
	// TIMESTAMP, dimensions of VECTOR. -1 where none is given.
	Length int
	// Decimals is the scale of DECIMAL(p,s), FLOAT(p,s), DOUBLE(p,s); -1 where none is given.
	Decimals  int
	Unsigned  bool
	ZeroFill  bool
	Charset   string // of character types, ENUM and SET; empty otherwise
	Collation string
	Nullable  bool
	Members   []string // of ENUM and SET, UTF-8
	Generated Generated
	// SessionDependent: a STORED generated column that another session may compute in another way (MarkSessionDependent).
	SessionDependent bool
	Invisible        bool
	AutoInc          bool
	SRID             int64 // -1 where none
	// OnUpdate tells of ON UPDATE CURRENT_TIMESTAMP.
	OnUpdate bool
	// Expression is the text of a generated column, without its outer parentheses.
	Expression string
	// Default is the SQL text behind DEFAULT ('x', NULL, b'1', (uuid()), CURRENT_TIMESTAMP(6));
	// empty where the definition shows none.
	Default string
	Comment string
}

// IsCharacter tells whether the column holds text in a character set (JSON, ENUM and SET excluded).
func (c *Column) IsCharacter() bool {
	switch c.Type {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return true
	}
	return false
}

// IsGeometry tells whether the column holds spatial values.
func (c *Column) IsGeometry() bool {
	switch c.Type {
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
		"multipolygon", "geomcollection", "geometrycollection":
		return true
	}
	return false
}

// KeyPart is one part of a Key: a column, or an expression.
type KeyPart struct {
	Column     string // empty for an expression
	Prefix     int    // characters or bytes; 0 for the whole column
	Expression string
	Descending bool
}

// KeyKind tells ordinary keys from those no row can be found by.
type KeyKind int

// Kinds of keys.
const (
	Ordinary KeyKind = iota
	Fulltext
	Spatial
)

// Key is an index of a Table.
type Key struct {
	Name      string // PRIMARY for the primary key
	Unique    bool   // the primary key included
	Primary   bool
	Kind      KeyKind
	Invisible bool
	Hash      bool // USING HASH: of MEMORY, and MariaDB's unique keys over long values, in no order
	Parts     []KeyPart
	Parser    string // of a full-text index, WITH PARSER; empty for the built-in one
	Comment   string
}

// Reference is what a foreign key does to its children.
type Reference int

// Reference actions.
const (
	Restrict Reference = iota // RESTRICT, NO ACTION, or none given
	Cascade
	SetNull
	SetDefault
)

// ForeignKey is one foreign key of the child table that holds it.
type ForeignKey struct {
	Name       string
	Columns    []string
	Parent     Name
	References []string
	OnDelete   Reference
	OnUpdate   Reference
}

// Cascades tells whether a change of the parent changes children.
func (f *ForeignKey) Cascades() bool { return f.OnDelete != Restrict || f.OnUpdate != Restrict }

// HashColumns is how many columns a MariaDB has behind those of the definition: one for each unique key over long values, whose
// hash it holds.
func (t *Table) HashColumns() (n int) {
	for i := range t.Keys {
		if k := &t.Keys[i]; k.Unique && k.Hash && !strings.EqualFold(t.Engine, "MEMORY") {
			n++
		}
	}
	return n
}

// Column returns the column of that name (names have no case) and its index, or nil and -1.
func (t *Table) Column(name string) (*Column, int) {
	for i := range t.Columns {
		if t.Columns[i].Name == name || strings.EqualFold(t.Columns[i].Name, name) {
			return &t.Columns[i], i
		}
	}
	return nil, -1
}
