package event

import (
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
)

// Action is what a rows event does.
type Action byte

// The actions.
const (
	Insert Action = iota + 1
	Update
	Delete
)

// String names the action as SQL does.
func (a Action) String() string {
	switch a {
	case Insert:
		return "INSERT"
	case Update:
		return "UPDATE"
	case Delete:
		return "DELETE"
	}
	return "unknown action"
}

// Flags of Rows.Flags (fact 4.3).
const (
	RowsStatementEnd        uint16 = 0x1
	RowsNoForeignKeyChecks  uint16 = 0x2
	RowsRelaxedUniqueChecks uint16 = 0x4
	RowsCompleteRows        uint16 = 0x8
	RowsCascadesLogged      uint16 = 0x10 // 9.x: foreign keys are carried out above the engine, cascaded rows have events of their own
)

// Rows is one rows event: some rows of one table, all with the same columns present.
type Rows struct {
	common
	Table  *TableMap
	Action Action
	Flags  uint16
	// PartialJSON: an update event of type 39 (binlog_row_value_options=PARTIAL_JSON): JSON columns
	// of after images may be diffs (Image.IsDiff).
	PartialJSON bool
	// Before and After tell which columns are in the images; the zero value where the action has no such image.
	Before Bitmap
	After  Bitmap
	// Partition is the number of the partition that the rows lie in, of an UPDATE afterwards; -1
	// where it is not logged (tables without partitions, MySQL before 8.0.16).
	Partition int
	// Doubtful: an UPDATE of a MariaDB whose after images lack columns of which nobody can say whether they are as they
	// were, or were set to their defaults by a REPLACE.
	Doubtful bool
	doubts   schema.Name // of which it turns out now that its last UPDATE was one too
	// Packed: the event is, in the log, a part of something compressed.
	Packed bool
	// Undone: the entry takes these rows back, if their table is a transactional one (Assembler.Foresee).
	Undone bool

	images []byte
	offset int // of images in the event, for errors
	count  int // of rows; -1 until they have been walked
}

// HidesCascades tells whether foreign keys may have changed rows of other tables for these rows without events of
// their own: where the engine carried them out, below the log (fact 4.2).
func (r *Rows) HidesCascades() bool {
	return r.Action != Insert && r.Flags&(RowsCascadesLogged|RowsNoForeignKeyChecks) == 0
}

// PartialImage tells whether an image lacks columns (binlog_row_image not FULL, fact 6.7).
func (r *Rows) PartialImage() bool {
	n := len(r.Table.Columns)
	switch r.Action {
	case Insert:
		return r.After.Count() < n
	case Delete:
		return r.Before.Count() < n
	default:
		return r.Before.Count() < n || r.After.Count() < n
	}
}

// LacksDocuments tells whether after images may hold JSON diffs whose documents the before images lack.
func (r *Rows) LacksDocuments() bool {
	for i := range r.Table.Columns {
		if r.PartialJSON && r.Table.Columns[i].Type == ColumnJSON && r.After.Has(i) && !r.Before.Has(i) {
			return true
		}
	}
	return false
}

// Bitmap is a set of column ordinals. It aliases the event's bytes.
type Bitmap struct {
	bits []byte
	n    int
}

// Has tells whether column i is in the set.
func (b Bitmap) Has(i int) bool { return i >= 0 && i < b.n && b.bits[i>>3]&(1<<(i&7)) != 0 }

// Len returns the number of columns that the set speaks of.
func (b Bitmap) Len() int { return b.n }

// Bytes returns the set as a bit for each column. They alias the event.
func (b Bitmap) Bytes() []byte { return b.bits }

// Count returns the number of columns in the set.
func (b Bitmap) Count() int {
	c := 0
	for i := range b.n {
		if b.Has(i) {
			c++
		}
	}
	return c
}

// parseRows reads a rows event and, if it is the last of a statement, closes the statement's
// table maps. The rows themselves are read by Each.
func (t *tableMaps) parseRows(h Header, c *cursor, idSize int) (Event, error) {
	r := &Rows{common: common{h}, Action: actionOf(h.Type), PartialJSON: h.Type == TypePartialUpdateRows, Partition: -1, count: -1}
	id := c.uint(idSize, "table id")
	r.Flags = c.u16("flags")
	if c.err != nil {
		return nil, c.err
	}
	m := t.open[id]
	known, alone := false, false
	if m != nil && m.mariadb && r.Action == Update {
		known, alone = t.leaves(m.Name)
		known = known && (!alone || t.transactional) // the group of a table without transactions is its own
	}
	r.doubts, t.doubts = t.doubts, schema.Name{}
	if r.Flags&RowsStatementEnd != 0 {
		clear(t.open)
		t.forget()
	}
	if m == nil {
		if id == dummyTableID && r.Flags&RowsStatementEnd != 0 {
			return &Other{common{h}, c.rest()}, nil
		}
		return nil, fmt.Errorf("read %s event for table id %d: %w", h.Type, id, ErrNoTableMap)
	}
	r.Table = m
	switch h.Type.uncompressed() {
	case TypeWriteRowsV1, TypeUpdateRowsV1, TypeDeleteRowsV1:
	default:
		r.readExtra(c)
	}
	if n := c.lenenc("number of columns"); c.err == nil && n != uint64(len(m.Columns)) {
		c.fail("%d columns, the table map of %s has %d", n, m.Name, len(m.Columns))
	}
	if r.Action != Insert {
		r.Before = c.bitmap(len(m.Columns))
	}
	if r.Action != Delete {
		r.After = c.bitmap(len(m.Columns))
	}
	if c.err == nil && known && alone && r.After.Count() < len(m.Columns) {
		t.vouched = m.Name
	}
	r.Doubtful = c.err == nil && r.Action == Update && m.mariadb && !known && r.After.Count() < len(m.Columns)
	r.offset = c.start + c.pos
	r.images = c.rest()
	return r, c.err
}

func actionOf(t Type) Action {
	switch t.uncompressed() {
	case TypeWriteRowsV1, TypeWriteRowsV2:
		return Insert
	case TypeDeleteRowsV1, TypeDeleteRowsV2:
		return Delete
	default:
		return Update
	}
}

func (c *cursor) bitmap(n int) Bitmap {
	return Bitmap{bits: c.take(uint64(n+7)/8, "columns present"), n: n}
}

// Types of the extra row info.
const (
	extraNDB       = 0
	extraPartition = 1
)

// readExtra reads the extra row info of version 2 events: its length with the length itself, then entries.
func (r *Rows) readExtra(c *cursor) {
	n := c.u16("length of extra row info")
	if c.err == nil && n < 2 {
		c.fail("extra row info of %d bytes", n)
		return
	}
	x := c.sub(c.take(uint64(n)-2, "extra row info"))
	for x.err == nil && x.left() > 0 {
		switch kind := x.u8("extra row info type"); kind {
		case extraNDB:
			size := x.u8("length of NDB info")
			if size < 1 {
				x.fail("NDB info of %d bytes", size)
				break
			}
			x.take(uint64(size)-1, "NDB info")
		case extraPartition:
			r.Partition = int(x.u16("partition"))
			if r.Action == Update {
				x.u16("partition before the update")
			}
		default:
			x.fail("extra row info of unknown type %d", kind)
		}
	}
	c.join(x)
}

// Each walks the rows in their order. before is the image of an UPDATE's or DELETE's row, after
// that of an INSERT's or UPDATE's; the other does not exist. Both are valid until fn returns.
// fn's error ends the walk and is returned unchanged.
func (r *Rows) Each(fn func(before, after Image) error) error {
	n := len(r.Table.Columns)
	var before, after Image
	if r.Action != Insert {
		before.cells = make([]cell, n)
	}
	if r.Action != Delete {
		after.cells = make([]cell, n)
	}
	if r.Bare() {
		// No columns, no NULL bits. The server puts one such row in an event (and refuses a statement with more: error 1534).
		r.count = 1
		return fn(before, after)
	}
	pos, count := 0, 0
	for pos < len(r.images) {
		start := pos
		var err error
		if before.Exists() {
			if pos, err = r.walk(&before, r.Before, pos, false); err != nil {
				return err
			}
		}
		if after.Exists() {
			if pos, err = r.walk(&after, r.After, pos, r.PartialJSON); err != nil {
				return err
			}
		}
		if pos == start { // no column at all: nothing would end the walk
			return r.malformed(pos, "a row without bytes")
		}
		count++
		if err := fn(before, after); err != nil {
			return err
		}
	}
	r.count = count
	return nil
}

// Bare tells an INSERT of one row of which no column is logged: binlog_row_image=MINIMAL, and nothing but defaults.
func (r *Rows) Bare() bool { return r.Action == Insert && len(r.images) == 0 && r.After.Count() == 0 }

// Count returns the number of rows. It walks them unless Each has.
func (r *Rows) Count() (int, error) {
	if r.count < 0 {
		if err := r.Each(func(_, _ Image) error { return nil }); err != nil {
			return 0, err
		}
	}
	return r.count, nil
}

// malformed is an error at a place in the images.
func (r *Rows) malformed(pos int, format string, args ...any) error {
	c := &cursor{kind: r.header.Type, start: r.offset + pos}
	c.fail("table %s: %s", r.Table.Name, fmt.Sprintf(format, args...))
	return c.err
}

// partialJSONUpdates is the bit of an after image's value options that says that bits follow
// which tell diffs from documents.
const partialJSONUpdates = 1

// walk locates the columns of one image that begins at pos and returns its end. An image is a
// bit for each present column that is NULL, then the values of the others. In events with JSON
// diffs, value options and, for each JSON column of the table, a bit come in front.
func (r *Rows) walk(im *Image, present Bitmap, pos int, diffs bool) (int, error) {
	first := pos
	var partial []byte
	if diffs {
		var err error
		if partial, pos, err = r.valueOptions(pos); err != nil {
			return 0, err
		}
	}
	nullSize := (present.Count() + 7) / 8
	if nullSize > len(r.images)-pos {
		return 0, r.malformed(pos, "NULL bits need %d bytes, %d are left", nullSize, len(r.images)-pos)
	}
	nulls := r.images[pos : pos+nullSize]
	pos += nullSize
	bit, json := 0, 0
	for i := range im.cells {
		state := cellValue
		if r.Table.Columns[i].Type == ColumnJSON {
			if partial != nil && partial[json>>3]&(1<<(json&7)) != 0 {
				state = cellDiff
			}
			json++
		}
		if !present.Has(i) {
			im.cells[i] = cell{}
			continue
		}
		null := nulls[bit>>3]&(1<<(bit&7)) != 0
		bit++
		if null {
			im.cells[i] = cell{state: cellNull}
			continue
		}
		if !r.Table.widths[i].known {
			return 0, fmt.Errorf("table %s, column %d: %s: %w", r.Table.Name, i+1, r.Table.Columns[i].Type, ErrUnsupported)
		}
		start, end, err := r.Table.widths[i].locate(r.images, pos)
		if err != nil {
			return 0, r.malformed(pos, "column %d: %v", i+1, err)
		}
		im.cells[i] = cell{start: uint32(start - first), end: uint32(end - first), state: state}
		pos = end
	}
	im.data = r.images[first:pos:pos]
	return pos, nil
}

// valueOptions reads what stands in front of an after image in events with JSON diffs.
func (r *Rows) valueOptions(pos int) (partial []byte, end int, err error) {
	c := &cursor{kind: r.header.Type, body: r.images, pos: pos, start: r.offset}
	options := c.lenenc("value options")
	if options&^partialJSONUpdates != 0 {
		c.fail("unknown value options 0x%x", options)
	}
	if options&partialJSONUpdates != 0 {
		partial = c.take(uint64(r.Table.json+7)/8, "columns with JSON diffs")
	}
	return partial, c.pos, c.err
}
