package rewriter

import (
	"github.com/tripod-db/tripod/binlog/event"
)

// Weigher gives texts what stands for them in comparisons: two values of a column have one weight exactly if
// the server, by the column's collation, holds them for equal.
type Weigher interface {
	// AppendWeight appends the weight of a value of column i (its ordinal). Values that it has to be asked
	// for beforehand, in whatever way it has, are known by now.
	AppendWeight(dst []byte, i int, raw []byte) []byte
	// Weighs tells whether column i has weights; else its bytes are what is compared.
	Weighs(i int) bool
}

// TextIdentity returns the ordinals of the identity's columns of which the collation decides what is equal. ok is
// false where others have neither equal bytes nor a collation (0 equals -0), or identities cannot be listed.
func (t *Table) TextIdentity() (texts []int, ok bool) {
	if t.identityList == "" {
		return nil, false
	}
	for _, i := range t.identity {
		switch c := &t.def.Columns[i]; {
		case byteEqual(c):
		case c.Type == "char" || c.Type == "varchar":
			texts = append(texts, i)
		default:
			return nil, false
		}
	}
	return texts, true
}

// Weigh makes a Latest of the table tell its rows apart by weights. It is to be called before the first one.
func (t *Table) Weigh(w Weigher) { t.weigher = w }

// Identity calls see with each value of the identity in an image.
func (t *Table) Identity(im event.Image, see func(i int, raw []byte)) {
	for _, i := range t.identity {
		see(i, im.Raw(i))
	}
}
