package director

import (
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
)

// Ended returns the tables of the restore whose range ends at a limit that starts at start: those
// that no chunk and no definition of the backup holds behind it. every tells that it may mean any
// table. Plan, replay and list ask this one function.
func (d *Director) Ended(start binlog.Position, l segment.Limit) (tables []schema.Name, every bool) {
	if limit.Cause(l) == nil {
		return nil, false
	}
	for _, n := range l.Tables {
		if d.taken(n) && d.ends(start, l, n) {
			tables = append(tables, n)
		}
	}
	every = l.EveryTable
	if !every && len(l.Schemas) == 0 || l.ByTriggers && !slices.ContainsFunc(l.Tables, d.objects.hasTriggers) {
		return tables, false
	}
	for _, n := range d.Tables() {
		in := every || slices.ContainsFunc(l.Schemas, func(s string) bool { return d.FoldSchema(s) == d.FoldSchema(n.Schema) })
		if _, rows := d.RowTable(n); !rows && (l.Kind == segment.LimitUnprepared || l.Kind == segment.LimitStatement) {
			continue
		}
		if in && !slices.Contains(tables, n) && (d.Sides.RowSide(n, start) != binlog.Skip || d.Sides.StatementSide(n, start) != binlog.Skip) {
			tables = append(tables, n)
		}
	}
	return tables, every
}

// ends tells it of one table that the limit names.
func (d *Director) ends(start binlog.Position, l segment.Limit, n schema.Name) bool {
	side := d.Sides.StatementSide(n, start)
	if l.Rows {
		side = d.Sides.RowSide(n, start)
	}
	if _, rows := d.RowTable(n); !rows && l.Rows {
		return false // of which only the definition is needed
	}
	switch {
	case side == binlog.Skip:
		return false
	case l.Kind == segment.LimitNumbers:
		return d.Keyless(n)
	case l.Kind == segment.LimitRolledBack:
		return d.rollsBack(n)
	case l.Kind == segment.LimitBare:
		class := d.Class(n)
		return class == schema.NonTransactional || class == ""
	}
	return true
}

// rollsBack tells whether a table takes its rows back with their transaction, or may.
func (d *Director) rollsBack(n schema.Name) bool {
	class := d.Class(n)
	return class != schema.NonTransactional && class != schema.NoRows
}

// TakesBack tells whether rows are of no matter because their transaction takes them back. Of tables that are not
// restored only what their foreign keys cascade could be, and tables that have these take rows back.
func (d *Director) TakesBack(rows *event.Rows) bool {
	if !rows.Undone {
		return false
	}
	_, taken := d.RowTable(rows.Table.Name)
	return !taken || d.rollsBack(rows.Table.Name)
}

// Refusal is the fault of the first limit of an entry that ends the range of a table of the restore.
func (d *Director) Refusal(start binlog.Position, what string, limits ...segment.Limit) error {
	for _, l := range limits {
		if tables, _ := d.Ended(start, l); len(tables) > 0 {
			if what == "" {
				what = describeLimit(l)
			}
			return Refused(start, tables, what, limit.Cause(l))
		}
	}
	return nil
}

// unknownContext refuses a statement of whose session not all is known where it is about what is asked for: what it makes would be
// made in another one.
func (d *Director) unknownContext(start binlog.Position, q *event.Query, st *ddl.Statement) error {
	if !q.Context.Incomplete {
		return nil
	}
	switch st.Kind {
	case ddl.TransactionControl, ddl.None, ddl.Account, ddl.NotInLog: // users: see account
		return nil
	case ddl.Schema, ddl.OtherObject, ddl.Meaning, ddl.DefinitionOnly:
	}
	if names := d.leftOut(start, st); len(names) > 0 {
		return Refused(start, names, st.Text, limit.Unknown(q.Context.UnknownCode))
	}
	return nil
}

// describeLimit names an entry for a message.
func describeLimit(l segment.Limit) string {
	switch {
	case l.Kind == segment.LimitUnprepared:
		return "commit of an XA transaction"
	case l.Kind == segment.LimitIncident:
		return "incident"
	case l.Verb != "":
		return l.Verb
	case len(l.Tables) == 1:
		return "row event of " + l.Tables[0].String()
	}
	return "row events"
}

// source is how the statements of the log are read.
func (d *Director) LogSource() limit.Source {
	return limit.Source{LowerCaseTableNames: d.source.LowerCaseTableNames, Flavor: d.source.Flavor, Version: d.source.Version}
}
