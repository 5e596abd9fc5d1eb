package event

// Action is what a rows event does.
type Action byte

// The actions.
const (
	Insert Action = iota + 1
	Update
	Delete
)

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
	// PartialJSON: an update event of type 39 (binlog_row_value_options=PARTIAL_JSON). Each
	// refuses it when a row really holds a JSON diff.
	PartialJSON bool
	// Before and After tell which columns are in the images; the zero value where the action has no such image.
	Before Bitmap
	After  Bitmap

	extra  []byte // extra row info
	images []byte
	offset int // of images in the event, for errors
	count  int // of rows, -1 until they have been walked
}

// PartialImage tells whether an image lacks columns (binlog_row_image not FULL, fact 6.7).
func (r *Rows) PartialImage() bool {
	n := len(r.Table.Columns)
	switch r.Action {
	case Insert:
		return r.After.Count() < n
	case Delete:
		return r.Before.Count() < n
	}
	return r.Before.Count() < n || r.After.Count() < n
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

// Image is one row image: the bytes of a row with the place of each column. It aliases the
// event's bytes and memory that Rows.Each uses again for the next row; Clone makes one that
// lasts. The zero Image is "none": the before image of an INSERT, the after image of a DELETE.
type Image struct {
	data  []byte
	cells []cell
}

// cell is the place of one column's value in the data of an Image.
type cell struct {
	start, end uint32
	state      cellState
}

type cellState uint32

const (
	cellAbsent cellState = iota
	cellNull
	cellValue
	cellDiff // a JSON diff instead of a value
)

// Exists tells whether there is an image.
func (im Image) Exists() bool { return im.cells != nil }

// NumColumns returns the number of columns of the table, present in the image or not.
func (im Image) NumColumns() int { return len(im.cells) }

// Present tells whether column i is in the image. A missing column is not NULL (fact 6.7).
func (im Image) Present(i int) bool { return im.cells[i].state != cellAbsent }

// IsNull tells whether column i is in the image and NULL.
func (im Image) IsNull(i int) bool { return im.cells[i].state == cellNull }

// Raw returns the bytes of column i's value as the event holds them, without a length in front;
// nil for a column that is NULL or missing.
func (im Image) Raw(i int) []byte {
	c := im.cells[i]
	if c.state != cellValue {
		return nil
	}
	return im.data[c.start:c.end:c.end]
}

// Clone returns an image that owns its memory.
func (im Image) Clone() Image {
	if !im.Exists() {
		return Image{}
	}
	return Image{data: append([]byte(nil), im.data...), cells: append([]cell(nil), im.cells...)}
}
