package event

import "bytes"

// Bytes returns the bytes of the image as the event holds them, which ImageReader reads again.
// They alias the event.
func (im Image) Bytes() []byte { return im.data }

// ImageReader finds the columns in the bytes of images that lie outside their events, and in which
// no JSON diff is. The zero value is ready. Not safe for concurrent use.
type ImageReader struct {
	rows  Rows
	all   Bitmap
	image Image
}

// Read returns the image that data holds, in the layout of a table map and with all columns. It
// aliases data and is valid until the next call.
func (r *ImageReader) Read(m *TableMap, data []byte) (Image, error) {
	if n := len(m.Columns); n != r.all.n {
		r.all = Bitmap{bits: bytes.Repeat([]byte{0xff}, (n+7)/8), n: n}
	}
	return r.read(m, r.all, data)
}

// ReadColumns is Read for an image with these columns; columns holds a bit for each of the table's
// (see Bitmap.Bytes).
func (r *ImageReader) ReadColumns(m *TableMap, columns, data []byte) (Image, error) {
	return r.read(m, Bitmap{bits: columns, n: len(m.Columns)}, data)
}

func (r *ImageReader) read(m *TableMap, present Bitmap, data []byte) (Image, error) {
	if len(r.image.cells) != len(m.Columns) || r.image.cells == nil {
		r.image.cells = make([]cell, len(m.Columns))
	}
	r.rows.Table, r.rows.images = m, data
	end, err := r.rows.walk(&r.image, present, 0, false)
	if err == nil && end != len(data) {
		err = r.rows.malformed(end, "%d bytes behind the image", len(data)-end)
	}
	return r.image, err
}

// SameLayout tells at once that two table maps describe the same columns; false where that would
// have to be looked up.
func (m *TableMap) SameLayout(o *TableMap) bool {
	return m == o || len(m.Columns) == len(o.Columns) && len(m.Columns) > 0 && &m.Columns[0] == &o.Columns[0]
}
