package event

import (
	"bytes"
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
)

// TableMap describes the columns of the rows events that follow it. It owns its memory: rows
// events keep pointing to it when its bytes are gone. Events that describe the same table in the
// same way share the lists inside, which nobody may change.
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

	widths     []width
	json       int  // number of JSON columns
	compressed bool // some have the attribute COMPRESSED
	mariadb    bool // written by MariaDB
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

// dummyTableID stands in a rows event that carries no rows and only ends a statement.
const dummyTableID = 0xffffff

// tableMapMemory is the number of tables whose last map is kept to be recognised.
const tableMapMemory = 4096

// tableMaps holds the table maps of the open statement, and the last map of each table id, since
// the same few come again and again.
type tableMaps struct {
	open    map[uint64]*TableMap
	last    map[uint64]rememberedMap
	mariadb bool // of the present file
	// annotation is the beginning of the text of the statement whose rows come next; empty where it is not logged.
	annotation []byte
	// transactional: the GTID says that nothing but tables with transactions is changed.
	transactional bool
	// vouched is the table for whose last UPDATE a text vouched by a name without a schema; empty behind the next text. doubts is
	// what it was when a table came without a text of its own.
	vouched, doubts schema.Name
}

type rememberedMap struct {
	body []byte
	m    *TableMap
}

// reset forgets everything: a new file numbers its tables anew.
func (t *tableMaps) reset(f *Format) {
	t.mariadb = f.MariaDB()
	clear(t.open)
	clear(t.last)
	t.forget()
}

// parse reads a table map and opens it for the rows events that follow.
func (t *tableMaps) parse(h Header, c *cursor, idSize int) (*TableMap, error) {
	body := c.body
	if len(t.annotation) == 0 {
		t.doubts, t.vouched = t.vouched, schema.Name{}
	}
	id := c.uint(idSize, "table id")
	if r, ok := t.last[id]; ok && bytes.Equal(r.body, body) {
		m := *r.m
		m.common = common{h}
		t.open[id] = &m
		return &m, nil
	}
	own := bytes.Clone(body)
	m := parseTableMap(h, &cursor{kind: c.kind, body: own, start: c.start}, idSize, t.mariadb)
	if m.err != nil {
		return nil, m.err
	}
	if t.open == nil {
		t.open, t.last = map[uint64]*TableMap{}, map[uint64]rememberedMap{}
	}
	if len(t.last) >= tableMapMemory {
		clear(t.last)
	}
	t.last[id] = rememberedMap{body: own, m: m.TableMap}
	t.open[id] = m.TableMap
	return m.TableMap, nil
}

// parsedTableMap is a table map or the reason why there is none.
type parsedTableMap struct {
	*TableMap
	err error
}

// Unread tells whether the table has a column of which values other than NULL cannot be read: their length is not in the log.
func (m *TableMap) Unread() bool {
	return slices.ContainsFunc(m.widths, func(w width) bool { return !w.known })
}

// parseTableMap reads a table map from bytes that it may keep.
func parseTableMap(h Header, c *cursor, idSize int, mariadb bool) parsedTableMap {
	m := &TableMap{common: common{h}, mariadb: mariadb, TableID: c.uint(idSize, "table id"), Flags: c.u16("flags")}
	m.Name.Schema = string(c.name("schema"))
	m.Name.Name = string(c.name("table"))
	n := c.lenenc("number of columns")
	types := c.take(n, "column types")
	meta := c.sub(c.lenencBytes("column metadata"))
	m.Columns = make([]ColumnMeta, len(types))
	for i, t := range types {
		m.Columns[i] = readColumn(meta, ColumnType(t))
	}
	if meta.left() > 0 {
		meta.fail("%d bytes behind the metadata of the last column", meta.left())
	}
	c.join(meta)
	nullable := c.take((n+7)/8, "nullable columns")
	if c.err != nil {
		return parsedTableMap{err: c.err}
	}
	for i := range m.Columns {
		m.Columns[i].Nullable = nullable[i>>3]&(1<<(i&7)) != 0
	}
	m.readOptional(c)
	if c.err != nil {
		return parsedTableMap{err: c.err}
	}
	m.widths = make([]width, len(m.Columns))
	find := widthOf
	if m.mariadb {
		find = widthOnMariaDB
	}
	for i := range m.Columns {
		m.widths[i] = find(&m.Columns[i])
		switch m.Columns[i].Type {
		case ColumnJSON:
			m.json++
		case ColumnBlobCompressed, ColumnVarcharCompressed:
			m.compressed = true
		default:
		}
	}
	return parsedTableMap{TableMap: m}
}

// name reads a name with its length in front and a zero byte behind it.
func (c *cursor) name(what string) []byte {
	b := c.take(uint64(c.u8("length of "+what)), what)
	if end := c.u8("end of " + what); end != 0 {
		c.fail("the name of the %s does not end with a zero byte", what)
	}
	return b
}
