package event

// Types of the optional metadata fields behind a table map.
const (
	metaSignedness                = 1
	metaDefaultCharset            = 2
	metaColumnCharset             = 3
	metaColumnName                = 4
	metaSetMembers                = 5
	metaEnumMembers               = 6
	metaGeometryType              = 7
	metaPrimaryKey                = 8
	metaPrimaryKeyWithPrefix      = 9
	metaLabelsDefaultCharset      = 10
	metaLabelsColumnCharset       = 11
	metaVisibility                = 12
	metaVectorDimensionality      = 13
	collationBinary               = 63
	maxCollationID                = 1 << 12 // MariaDB's uca1400 collations begin at 2048
	mostSignificantBit       byte = 0x80
)

// readOptional reads the optional metadata: fields of type, length, value. Those of later
// servers are skipped, for they add to what is known and change nothing.
func (m *TableMap) readOptional(c *cursor) {
	for c.err == nil && c.left() > 0 {
		kind := c.u8("metadata type")
		v := c.sub(c.lenencBytes("metadata"))
		m.readField(v, kind)
		c.join(v)
	}
}

func (m *TableMap) readField(v *cursor, kind byte) {
	switch kind {
	case metaSignedness:
		m.readSignedness(v)
	case metaDefaultCharset:
		m.readDefaultCharset(v, m.isCharacter())
	case metaColumnCharset:
		m.readColumnCharset(v, m.isCharacter())
	case metaLabelsDefaultCharset:
		m.readDefaultCharset(v, ColumnType.isLabels)
	case metaLabelsColumnCharset:
		m.readColumnCharset(v, ColumnType.isLabels)
	case metaColumnName:
		m.HasNames = true
		for i := range m.Columns {
			m.Columns[i].Name = string(v.lenencBytes("column name"))
		}
	case metaSetMembers:
		m.readMembers(v, ColumnSet)
	case metaEnumMembers:
		m.readMembers(v, ColumnEnum)
	case metaGeometryType:
		m.eachOf(v, func(t ColumnType) bool { return t == ColumnGeometry }, func(col *ColumnMeta) {
			n := v.lenenc("geometry type")
			if n > 7 {
				v.fail("geometry type %d", n)
			}
			col.GeometryType = int8(n)
		})
	case metaPrimaryKey, metaPrimaryKeyWithPrefix:
		m.readPrimaryKey(v, kind == metaPrimaryKeyWithPrefix)
	case metaVisibility:
		bits := v.take(uint64(len(m.Columns)+7)/8, "visibility")
		for i := range m.Columns {
			if v.err == nil {
				m.Columns[i].VisibilityKnown = true
				m.Columns[i].Invisible = bits[i>>3]&(mostSignificantBit>>(i&7)) == 0
			}
		}
	case metaVectorDimensionality:
		m.eachOf(v, func(t ColumnType) bool { return t == ColumnVector }, func(col *ColumnMeta) {
			col.Dimensions = uint32(v.lenenc("vector dimensionality"))
		})
	default:
		v.rest()
	}
}

// isCharacter tells the columns of which collations are logged.
func (m *TableMap) isCharacter() func(ColumnType) bool {
	if m.mariadb {
		return ColumnType.isCharacterOnMariaDB
	}
	return ColumnType.isCharacter
}

// eachOf calls fn for each column of a kind, in order, as long as v has no error.
func (m *TableMap) eachOf(v *cursor, is func(ColumnType) bool, fn func(*ColumnMeta)) {
	for i := range m.Columns {
		if v.err == nil && is(m.Columns[i].Type) {
			fn(&m.Columns[i])
		}
	}
}

// readSignedness reads one bit for each numeric column, the most significant one first.
func (m *TableMap) readSignedness(v *cursor) {
	n := 0
	m.eachOf(v, ColumnType.isNumeric, func(*ColumnMeta) { n++ })
	bits := v.take(uint64(n+7)/8, "signedness")
	n = 0
	m.eachOf(v, ColumnType.isNumeric, func(col *ColumnMeta) {
		col.SignKnown = true
		col.Unsigned = bits[n>>3]&(mostSignificantBit>>(n&7)) != 0
		n++
	})
}

// readDefaultCharset reads the collation of most columns of a kind, then the others by their
// ordinal among the columns of that kind.
func (m *TableMap) readDefaultCharset(v *cursor, is func(ColumnType) bool) {
	usual := v.collation()
	var columns []*ColumnMeta
	m.eachOf(v, is, func(col *ColumnMeta) {
		col.CollationID = usual
		columns = append(columns, col)
	})
	for v.err == nil && v.left() > 0 {
		i := v.lenenc("column")
		id := v.collation()
		if i >= uint64(len(columns)) {
			v.fail("collation for column %d of %d", i, len(columns))
			return
		}
		columns[i].CollationID = id
	}
}

// readColumnCharset reads the collation of each column of a kind.
func (m *TableMap) readColumnCharset(v *cursor, is func(ColumnType) bool) {
	m.eachOf(v, is, func(col *ColumnMeta) { col.CollationID = v.collation() })
}

func (c *cursor) collation() uint16 {
	id := c.lenenc("collation")
	if id >= maxCollationID {
		c.fail("collation %d", id)
	}
	return uint16(id)
}

// readMembers reads the members of each ENUM, or each SET.
func (m *TableMap) readMembers(v *cursor, t ColumnType) {
	m.eachOf(v, func(x ColumnType) bool { return x == t }, func(col *ColumnMeta) {
		n := v.lenenc("number of members")
		if n > uint64(v.left()) { // a member takes a byte at least
			v.fail("%d members in %d bytes", n, v.left())
			return
		}
		col.Members = make([]string, n)
		for i := range col.Members {
			col.Members[i] = string(v.lenencBytes("member"))
		}
	})
}

// readPrimaryKey reads the ordinals of the key's columns, each with a prefix length if withPrefix.
func (m *TableMap) readPrimaryKey(v *cursor, withPrefix bool) {
	for v.err == nil && v.left() > 0 {
		i := v.lenenc("key column")
		var prefix uint64
		if withPrefix {
			prefix = v.lenenc("key prefix")
		}
		if i >= uint64(len(m.Columns)) || prefix > 1<<16 {
			v.fail("key over column %d with prefix %d", i, prefix)
			return
		}
		m.PrimaryKey = append(m.PrimaryKey, PrimaryKeyPart{Column: int(i), Prefix: int(prefix)})
	}
}
