package pitr

import (
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
)

// needsNothing tells whether nothing in a unit of the archive is of any matter to the restore: no
// row of a restored table that is not in its chunks, no statement, no XA transaction, no limit.
func (d *director) needsNothing(u *archive.Unit) bool {
	// What --skip-gtid leaves out is counted.
	if !u.Whole || !d.skip.IsEmpty() || !d.rowsAlone(&u.Header) {
		return false
	}
	return !slices.ContainsFunc(u.Content.Tables, func(t segment.Touched) bool { return d.needsRows(t.Name, &u.Header) })
}

// tellsNoNames tells whether a unit holds nothing but rows, which say nothing about what tables
// descend from. Rows of a table that nothing has made say something.
func (d *director) tellsNoNames(u *archive.Unit) bool {
	return u.Whole && d.skip.IsEmpty() && d.rowsAlone(&u.Header) &&
		!slices.ContainsFunc(u.Content.Tables, func(t segment.Touched) bool { return d.lives.lacks(t.Name, u.EndPosition()) })
}

// needsRows tells whether a unit has rows of a table that are to be applied.
func (d *director) needsRows(n schema.Name, h *segment.Header) bool {
	// An entry that started at the end would be in the chunks: so is every one before.
	_, taken := d.rowTable(n)
	if !taken && d.cascades != nil && d.cascades(n) {
		return true
	}
	return taken && d.sides.RowSide(n, h.EndPosition()) != binlog.Skip
}

// rowsAlone tells whether nothing but the rows of a unit can be of any matter.
func (d *director) rowsAlone(h *segment.Header) bool {
	c := h.Content
	return !c.XA && !c.More && !slices.ContainsFunc(c.Statements, d.mayMatter) && !slices.ContainsFunc(h.Limits, d.mayEnd)
}

// mayMatter tells whether the director has to see a statement.
func (d *director) mayMatter(st segment.Statement) bool {
	switch st.Kind {
	case ddl.None.String(), ddl.TransactionControl.String(), ddl.Account.String():
		return false
	case ddl.Meaning.String(), ddl.DefinitionOnly.String():
		// A rename takes triggers along, of tables that are not restored too; and in a part what is
		// restored may come from a table of any name.
		return d.part != nil || st.Unnamed || slices.ContainsFunc(st.Tables, func(n schema.Name) bool { return d.taken(n) || d.objects.hasTriggers(n) })
	}
	return true
}

// mayEnd tells whether a limit may end the range of a restored table.
func (d *director) mayEnd(l segment.Limit) bool {
	return l.EveryTable || l.ByTriggers || len(l.Schemas) > 0 || slices.ContainsFunc(l.Tables, d.taken)
}

// tell counts what a replay does with a unit, if what is known of it tells that: it need not be read then.
func (s *scan) tell(u *archive.Unit) bool {
	if s.director.needsNothing(u) {
		return true
	}
	s.replay.BytesStored += u.StoredBytes
	if !u.Whole || !s.director.skip.IsEmpty() || !s.director.rowsAlone(&u.Header) {
		return false
	}
	var needed []segment.Touched
	for _, t := range u.Content.Tables {
		switch {
		case !s.director.needsRows(t.Name, &u.Header):
		case s.director.sides.RowSide(t.Name, u.StartPosition()) == binlog.Skip, s.director.part == nil && !s.director.exists(t.Name):
			return false
		default:
			needed = append(needed, t)
		}
	}
	switch {
	case len(needed) == 1:
		s.replay.Transactions += needed[0].Entries
	case len(needed) == len(u.Content.Tables):
		s.replay.Transactions += u.Content.RowEntries
	default: // which of the transactions change one of them is not known
		return false
	}
	for _, t := range needed {
		s.largest = max(s.largest, s.statementSize(t.Name, false, t.Largest), s.statementSize(t.Name, true, t.LargestDelete))
	}
	return true
}
