package rewriter

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// loose adds the statements for rows of which the target may hold another state than the source
// had, because a transaction was left out: the binlog wins, as in the window. A row of a keyless
// table is taken away if it is there, and put in.
func (b *Batch) loose(t *Table, c Change, o Origin) error {
	switch {
	case t.Keyed() && c.Partial():
		return b.addMakingWay(t, c, o)
	case t.Keyed():
		return b.window(t, c, o)
	}
	if c.Before.Exists() {
		err := b.addOther(t, c, o, func(dst []byte) ([]byte, error) {
			dst, err := t.appendImageMatch(append(dst, t.deleteHead...), c.Map, c.Before)
			return append(dst, " LIMIT 1"...), err
		})
		if err != nil {
			return err
		}
		last := &b.pieces[len(b.pieces)-1]
		last.count, last.lenient = Uncounted, false
	}
	if !c.After.Exists() {
		return nil
	}
	return b.addTuple(t, verbReplace, c, o, Uncounted)
}

// KeyHash stands for the values that one unique key has in one row.
type KeyHash [16]byte

// UniqueKeys returns the columns of every unique key, the identity among them; ok is false where
// two rows may be in each other's way though their values differ as bytes: text compares by its
// collation, an expression is not in the image.
func (t *Table) UniqueKeys() (keys [][]int, ok bool) {
	if !t.Keyed() {
		return nil, false
	}
	for i := range t.def.Keys {
		k := &t.def.Keys[i]
		if !k.Unique {
			continue
		}
		var columns []int
		for _, part := range k.Parts {
			c, at := t.def.Column(part.Column)
			if c == nil || part.Prefix != 0 || part.Expression != "" || c.Generated != schema.NotGenerated || !byteEqual(c) {
				return nil, false
			}
			columns = append(columns, at)
		}
		keys = append(keys, columns)
	}
	return keys, true
}

// byteEqual tells whether two values of a column are equal exactly if they are the same bytes in
// an image: text compares by its collation, 0 equals -0.
func byteEqual(c *schema.Column) bool {
	return slices.Contains([]string{"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "bit", "year", "date", "time", "datetime", "timestamp",
		"binary", "varbinary", "enum", "set"}, c.Type)
}

// HashKey returns what stands for the values of a key in an image that has them all (see HasKey); ok is
// false where one is NULL, for then the key is in nobody's way.
func HashKey(number int, columns []int, im event.Image) (h KeyHash, ok bool) {
	sum := sha256.New()
	head := binary.BigEndian.AppendUint32(nil, uint32(number))
	for _, i := range columns {
		if im.IsNull(i) {
			return h, false
		}
		raw := im.Raw(i)
		head = binary.BigEndian.AppendUint32(head, uint32(len(raw)))
		sum.Write(head)
		sum.Write(raw)
		head = head[:0]
	}
	copy(h[:], sum.Sum(nil))
	return h, true
}

// HasKey tells whether an image has all columns of a key.
func HasKey(columns []int, im event.Image) bool {
	for _, i := range columns {
		if !im.Present(i) {
			return false
		}
	}
	return true
}

// TellsKey tells whether the images of a change say which values of a key it takes away and which it
// gives: those of the row, where an UPDATE leaves the key as it is.
func TellsKey(columns []int, c Change) bool {
	if c.Before.Exists() && c.After.Exists() && !slices.ContainsFunc(columns, c.brings) {
		return true
	}
	return (!c.Before.Exists() || HasKey(columns, c.Before)) && (!c.After.Exists() || HasKey(columns, c.After))
}

// Describe names the row of an image for people: by its identity, or by its columns.
func (t *Table) Describe(m *event.TableMap, im event.Image) (string, error) {
	var text []byte
	var err error
	if t.Keyed() && t.lacksIdentity(im) == "" {
		text, err = t.appendIdentityMatch(nil, m, im)
	} else {
		text, err = t.appendTuple(nil, m, im)
	}
	return string(text), err
}
