package event

// Image is one row image: the bytes of a row with the place of each column. It aliases the
// event's bytes and memory that Rows.Each uses again for the next row; Clone makes one that
// lasts. The zero Image is "none": the before image of an INSERT, the after image of a DELETE.
// Columns are named by their ordinal in the table map; other ordinals panic, as for a slice.
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

// IsDiff tells whether the image holds, instead of a JSON document, what changed in it.
func (im Image) IsDiff(i int) bool { return im.cells[i].state == cellDiff }

// IsEmptyDiff tells whether it is a diff that changes nothing.
func (im Image) IsEmptyDiff(i int) bool {
	c := im.cells[i]
	return c.state == cellDiff && c.start == c.end
}

// Raw returns the bytes of column i's value as the event holds them, without a length in front;
// nil for a column that is NULL, missing, or a JSON diff.
func (im Image) Raw(i int) []byte {
	c := im.cells[i]
	if c.state != cellValue {
		return nil
	}
	return im.data[c.start:c.end:c.end]
}

// Size returns the number of bytes of the image in the event.
func (im Image) Size() int { return len(im.data) }

// Clone returns an image that owns its memory.
func (im Image) Clone() Image {
	if !im.Exists() {
		return Image{}
	}
	return Image{data: append([]byte(nil), im.data...), cells: append([]cell(nil), im.cells...)}
}
