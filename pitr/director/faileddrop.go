package director

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A MySQL before 8.0 drops the tables of a list one by one, those that no foreign key of another table keeps, and logs the whole list
// with the error (1217). At least one of its tables has stayed. Where no more than one can have been there, it is that one, and
// nothing was dropped; else nobody knows which are gone.

// failedDrop is the cause where nobody knows.
func failedDrop(code uint16) error { return fmt.Errorf("%w: error %d", limit.ErrFailed, code) }

// doubtful lists the tables of the restore that a DROP which failed may have taken away. there tells whether a name is known to be
// there in front of the statement, unknown whether it may be and nobody knows.
func doubtful(sides *catalog.Sides, start binlog.Position, st *ddl.Statement, there, unknown func(schema.Name) bool) (list []schema.Name) {
	candidates := 0
	for _, t := range st.Tables {
		if t.Role != ddl.Dropped {
			continue
		}
		after := sides.StatementSide(t.Name, start) == binlog.After
		base := sides.Base(t.Name)
		switch {
		case base.Base == catalog.BaseTombstone && base.At == start: // the backup has found that it was not there
		case after && there(t.Name):
			candidates++
			list = append(list, t.Name)
		case !after, unknown(t.Name):
			candidates++
		}
	}
	if candidates <= 1 {
		return nil
	}
	return list
}

// failedList is a DROP that failed, in a restore of everything.
func (d *Director) failedList(start binlog.Position, st *ddl.Statement, code uint16) error {
	for _, t := range st.Tables {
		if t.Role == ddl.Dropped && d.side(t.Name, start, st) == binlog.Inside && d.Exists(t.Name) {
			return Broken(start, st.Text, fmt.Errorf("%s: %w", t.Name, rewriter.ErrInWindow))
		}
	}
	if list := doubtful(d.Sides, start, st, d.Exists, func(n schema.Name) bool { return !d.taken(n) || d.Sides.Base(n).Base == catalog.BaseOutside }); len(list) > 0 {
		return Refused(start, list, st.Text, failedDrop(code))
	}
	return nil
}

// failedDrop is a DROP that failed, in a part.
func (w *livesWalk) failedDrop(code uint16) {
	there := func(n schema.Name) bool {
		_, exists := w.get(n)
		return exists
	}
	for _, t := range w.st.Tables {
		if t.Role == ddl.Dropped && w.side(t.Name) == binlog.Inside && there(t.Name) {
			w.broken(t.Name, rewriter.ErrInWindow)
		}
	}
	for _, n := range doubtful(w.sides, w.start, w.st, there, w.outside) {
		w.lose(n, Refused(w.start, []schema.Name{n}, w.st.Text, failedDrop(code)))
	}
}
