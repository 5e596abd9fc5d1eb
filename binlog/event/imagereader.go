package event

import "bytes"

// Bytes returns the bytes of the image as the event holds them, which ImageReader reads again.
// They alias the event.
func (im Image) Bytes() []byte { return im.data }

// ImageReader finds the columns in the bytes of images that lie outside their events: images in
// which all columns are present and no JSON diff is. The zero value is ready. Not safe for
// concurrent use.
type ImageReader struct {
	rows  Rows
	all   Bitmap
	image Image
}

// Read returns the image that data holds, in the layout of a table map. It aliases data and is
// valid until the next call.
func (r *ImageReader) Read(m *TableMap, data []byte) (Image, error) {
	if n := len(m.Columns); n != r.all.n || r.image.cells == nil {
		r.all = Bitmap{bits: bytes.Repeat([]byte{0xff}, (n+7)/8), n: n}
		r.image.cells = make([]cell, n)
	}
	r.rows.Table, r.rows.images = m, data
	end, err := r.rows.walk(&r.image, r.all, 0, false)
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
