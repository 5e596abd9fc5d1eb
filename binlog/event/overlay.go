package event

import "fmt"

// Whole tells whether the image has every column, and of each its value rather than a JSON diff.
func (im Image) Whole() bool {
	for i := range im.cells {
		if s := im.cells[i].state; s == cellAbsent || s == cellDiff {
			return false
		}
	}
	return true
}

// Columns returns the set of columns that are in the image.
func (im Image) Columns() Bitmap {
	n := len(im.cells)
	b := Bitmap{bits: make([]byte, (n+7)/8), n: n}
	for i := range im.cells {
		if im.cells[i].state != cellAbsent {
			b.bits[i>>3] |= 1 << (i & 7)
		}
	}
	return b
}

// Overlay returns the image of a row that had the columns of under and then got those of over: what
// over lacks is as it was. The image owns its memory; both must be of tables of this layout.
func Overlay(m *TableMap, under, over Image) Image {
	return compose(m, func(i int) (cellState, []byte) {
		if over.Present(i) {
			return over.content(i)
		}
		return under.content(i)
	})
}

// content is what an image holds of a column.
func (im Image) content(i int) (cellState, []byte) {
	c := im.cells[i]
	return c.state, im.data[c.start:c.end:c.end]
}

// compose lays an image out as events do: a bit for each present column that is NULL, then the
// values of the others.
func compose(m *TableMap, content func(i int) (cellState, []byte)) Image {
	n := len(m.Columns)
	im := Image{cells: make([]cell, n)}
	values := make([][]byte, n)
	present, size := 0, 0
	for i := range n {
		im.cells[i].state, values[i] = content(i)
		if im.cells[i].state != cellAbsent {
			present++
			size += int(m.widths[i].prefix) + len(values[i])
		}
	}
	nulls := (present + 7) / 8
	im.data = make([]byte, nulls, nulls+size)
	bit := 0
	for i := range n {
		c := &im.cells[i]
		switch c.state {
		case cellAbsent:
			continue
		case cellNull:
			im.data[bit>>3] |= 1 << (bit & 7)
		case cellValue, cellDiff:
			for b := range int(m.widths[i].prefix) {
				im.data = append(im.data, byte(len(values[i])>>(8*b)))
			}
			c.start = uint32(len(im.data))
			im.data = append(im.data, values[i]...)
			c.end = uint32(len(im.data))
		}
		bit++
	}
	return im
}

// Resolved returns the after image with each JSON diff carried out on the document that the before
// image holds. A diff whose document is not there stays; an empty one of these, which changes
// nothing, is left out of the image. The image is laid out as one of an event without diffs.
func Resolved(m *TableMap, before, after Image) (Image, error) {
	var failed error
	im := compose(m, func(i int) (cellState, []byte) {
		state, content := after.content(i)
		if state != cellDiff {
			return state, content
		}
		switch held, document := before.content(i); {
		case len(content) == 0: // it is as it was
			return held, document
		case held != cellValue:
			return state, content
		default:
			changed, err := applyDiffs(document, content)
			if err != nil && failed == nil {
				failed = fmt.Errorf("table %s, column %d: %w", m.Name, i+1, err)
			}
			return cellValue, changed
		}
	})
	return im, failed
}
