package bases

import (
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// ReasonForeignKey has a table read again whose definition does not fit the other side of a foreign key, which was read at
// another time.
const ReasonForeignKey = "a foreign key and its parent were read on two sides of a statement that changed what they refer to"

// foreignKeys sees to it that a foreign key and the table that it refers to can be made from the backup. Each definition is right at its
// own moment; between the two a statement may have renamed or changed the columns, or have taken the parent's key away behind the foreign key
// itself: no server makes such a pair. The older one is read again. Where no statement lies between them they are as the source has
// them.
func (b *Bases) foreignKeys() {
	for _, n := range b.order {
		if !n.defined() {
			continue
		}
		for i := range n.read.Table.ForeignKeys {
			f := &n.read.Table.ForeignKeys[i]
			p := b.names[b.key(f.Parent)]
			if p == nil || p == n || !p.defined() || fits(f, n.read.Table, p.read.Table) {
				continue
			}
			if b.readOlder(n, p); !n.defined() {
				break
			}
		}
	}
}

// defined tells whether the definition of a table is known, and will be in the backup.
func (n *name) defined() bool {
	return n.complete() && n.present() && n.needed() && n.read.Table != nil
}

// readOlder takes away that one of two bases whose definition is the older, if a statement on either lies between the two.
func (b *Bases) readOlder(child, parent *name) {
	older, newer := child, parent
	if parent.base.Definition.High.Before(child.base.Definition.High) {
		older, newer = parent, child
	}
	between := binlog.Window{Low: older.base.Definition.Low, High: newer.base.Definition.High}
	for _, s := range slices.Backward(b.statements) {
		if (s.on(child.key) || s.on(parent.key)) && between.Side(s.start) == binlog.Inside {
			b.readAgainAt(older, s, inWindowReason(ReasonForeignKey, s))
			return
		}
	}
}

// fits tells whether a server makes the foreign key: the parent has its columns, they are alike, and an index begins with them.
func fits(f *schema.ForeignKey, child, parent *schema.Table) bool {
	for i, name := range f.References {
		p, _ := parent.Column(name)
		if p == nil || i >= len(f.Columns) {
			return false
		}
		if c, _ := child.Column(f.Columns[i]); c == nil || !alike(c, p) {
			return false
		}
	}
	return slices.ContainsFunc(parent.Keys, func(k schema.Key) bool {
		if len(k.Parts) < len(f.References) {
			return false
		}
		for i, name := range f.References {
			if !strings.EqualFold(k.Parts[i].Column, name) || k.Parts[i].Prefix != 0 {
				return false
			}
		}
		return true
	})
}

// alike: columns of numbers are of one type and sign, of texts of one collation.
func alike(a, b *schema.Column) bool {
	if a.Type != b.Type {
		return a.IsCharacter() && b.IsCharacter() && a.Collation == b.Collation
	}
	sameDigits := a.Type != "decimal" || a.Length == b.Length && a.Decimals == b.Decimals
	return a.Unsigned == b.Unsigned && a.Collation == b.Collation && sameDigits
}
