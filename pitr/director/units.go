package director

import (
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
)

// NeedsNothing tells whether nothing in a unit of the archive is of any matter to the restore: no
// row of a restored table that is not in its chunks, no statement, no XA transaction, no limit.
func (d *Director) NeedsNothing(u *archive.Unit) bool {
	// What --skip-gtid leaves out is counted.
	if !d.RowsOnly(u) {
		return false
	}
	return !slices.ContainsFunc(u.Content.Tables, func(t segment.Touched) bool { return d.NeedsRows(&t, &u.Header) })
}

// TellsNoNames tells whether a unit holds nothing but rows, which say nothing about what tables
// descend from. Rows of a table that nothing has made say something.
func (d *Director) TellsNoNames(u *archive.Unit) bool {
	return d.RowsOnly(u) &&
		!slices.ContainsFunc(u.Content.Tables, func(t segment.Touched) bool { return d.lives.lacks(t.Name, u.EndPosition()) })
}

// RowsOnly tells whether nothing but the rows of a unit of the archive can be of any matter, and all of them.
func (d *Director) RowsOnly(u *archive.Unit) bool {
	return u.Whole && d.skip.IsEmpty() && d.rowsAlone(&u.Header)
}

// NeedsRows tells whether a unit has rows of a table that are to be applied, or looked at for what they cascade.
func (d *Director) NeedsRows(t *segment.Touched, h *segment.Header) bool {
	// An entry that started at the end would be in the chunks: so is every one before.
	_, taken := d.RowTable(t.Name)
	if taken && d.Sides.RowSide(t.Name, h.EndPosition()) != binlog.Skip {
		return true
	}
	return d.Cascades != nil && d.Cascades(t.Name) || d.MayCascade(t, h.EndPosition())
}

// rowsAlone tells whether nothing but the rows of a unit can be of any matter.
func (d *Director) rowsAlone(h *segment.Header) bool {
	c := h.Content
	return !c.XA && !c.More && !slices.ContainsFunc(c.Statements, d.mayMatter) && !slices.ContainsFunc(h.Limits, d.mayEnd)
}

// mayMatter tells whether the director has to see a statement.
func (d *Director) mayMatter(st segment.Statement) bool {
	switch st.Kind {
	case ddl.TransactionControl.String():
		return false
	case ddl.None.String(): // but for what becomes of temporary tables
		return st.Verb == string(ddl.CreateTemporaryTable) || d.temporaries.Any()
	case ddl.Account.String():
		return d.Accounts != nil
	case ddl.Meaning.String(), ddl.DefinitionOnly.String():
		// A rename takes triggers along, of tables that are not restored too; and in a part what is
		// restored may come from a table of any name.
		return d.Part != nil || st.Unnamed || slices.ContainsFunc(st.Tables, func(n schema.Name) bool { return d.taken(n) || d.objects.hasTriggers(n) })
	}
	return true
}

// mayEnd tells whether a limit may end the range of a restored table.
func (d *Director) mayEnd(l segment.Limit) bool {
	return l.EveryTable || l.ByTriggers || len(l.Schemas) > 0 || slices.ContainsFunc(l.Tables, d.taken)
}
