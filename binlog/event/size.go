package event

// Size is how long the event is without what compresses it: binlog_transaction_compression, log_bin_compress, and MariaDB's columns
// with the attribute COMPRESSED. The checksum is not in it.
func (r *Rows) Size() uint64 {
	size := uint64(r.offset) + uint64(len(r.images))
	if !r.Table.HasCompressed() {
		return size
	}
	_ = r.Each(func(before, after Image) error { // what cannot be read is found by whoever needs the values
		for _, im := range []Image{before, after} {
			for i := range im.cells {
				if t := r.Table.Columns[i].Type; t == ColumnBlobCompressed || t == ColumnVarcharCompressed {
					size += inflatedSize(im.Raw(i))
				}
			}
		}
		return nil
	})
	return size
}

// HasCompressed tells whether the table has columns with the attribute COMPRESSED.
func (m *TableMap) HasCompressed() bool { return m.compressed }

// HasDocuments tells whether the table has columns of type JSON.
func (m *TableMap) HasDocuments() bool { return m.json > 0 }

// inflatedSize is the length of a value of a column with the attribute COMPRESSED, as it is told in front.
func inflatedSize(raw []byte) uint64 {
	if len(raw) == 0 || raw[0] == 0 {
		return uint64(len(raw))
	}
	n := int(raw[0] & valueLength)
	return bigEndian(raw[1:min(1+n, len(raw))])
}

// MayBeText tells whether the column may hold text in a character set: where the collation is not logged, its type does not tell.
func (m *ColumnMeta) MayBeText() bool {
	return m.Type.isCharacter() && m.Type != ColumnVector && m.CollationID != collationBinary
}

// longestScalar is what the literal of a number or a time takes at most: DECIMAL has 65 digits.
const longestScalar = 80

// LiteralSize returns how many bytes AppendLiteral appends for column i: of a string or document exactly, of what is short at most. A
// JSON diff has no literal: 0.
func LiteralSize(m *ColumnMeta, im Image, i int) (uint64, error) {
	const quotes = uint64(len("x''"))
	raw := im.Raw(i)
	switch n := uint64(len(raw)); {
	case raw == nil && !im.IsNull(i):
		return 0, nil
	case im.IsNull(i):
		return uint64(len("NULL")), nil
	case m.Type == ColumnJSON:
		text, err := AppendJSON(make([]byte, 0, n), raw)
		return uint64(len("CAST(_utf8mb4 x'' AS JSON)")) + 2*uint64(len(text)), err
	case m.Type == ColumnString && !m.MayBeText(), m.Type == ColumnString && m.CollationID == 0: // BINARY is padded
		return quotes + 2*max(n, uint64(m.Meta)), nil
	case m.Type == ColumnBlobCompressed, m.Type == ColumnVarcharCompressed:
		return quotes + 2*inflatedSize(raw), nil
	case m.Type.isCharacter(), m.Type == ColumnGeometry:
		return quotes + 2*n, nil
	}
	return longestScalar, nil
}
