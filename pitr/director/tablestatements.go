package director

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// rename is R8 for RENAME TABLE. A pair may speak of a view.
func (d *Director) rename(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	var pairs [][2]schema.Name
	for _, p := range st.Renames {
		if !d.Exists(p[0]) && d.objects.renameView(p[0], p[1], start) {
			continue
		}
		pairs = append(pairs, p)
	}
	// Which triggers exist is known by their own windows, whatever the tables' sides.
	if err := d.objects.renameTables(pairs, start); err != nil {
		return nil, Broken(start, st.Text, err)
	}
	steps, err := rewriter.Rename(pairs, func(from, to schema.Name) (binlog.Side, binlog.Side) {
		source, destination := d.Sides.RenameSides(from, to, start)
		if !d.taken(from) {
			source = binlog.Skip
		}
		if !d.taken(to) {
			destination = binlog.Skip
		}
		return source, destination
	})
	if err != nil {
		return nil, d.renameFailed(start, st, pairs, err)
	}
	var list []Execution
	for _, step := range steps {
		e := d.built(start, q, st, step.SQL)
		e.Renamed, e.Dropped = step.Pairs, step.Dropped
		for _, n := range step.Dropped {
			if err := d.remove(n); err != nil {
				return nil, Broken(start, st.Text, err)
			}
		}
		for _, p := range step.Pairs {
			if err := d.move(p[0], p[1]); err != nil {
				return nil, Broken(start, st.Text, err)
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// renameFailed tells a broken manifest from contents that come from a name that is not restored,
// because it is not asked for or not in the backup (R12).
func (d *Director) renameFailed(start binlog.Position, st *ddl.Statement, pairs [][2]schema.Name, err error) error {
	var brought []schema.Name
	for _, p := range pairs {
		if d.taken(p[1]) && (!d.taken(p[0]) || d.Sides.Base(p[0]).Base == catalog.BaseOutside) {
			brought = append(brought, p[1])
		}
	}
	if len(brought) > 0 {
		return Refused(start, brought, st.Text, err)
	}
	return Broken(start, st.Text, err)
}

func (d *Director) remove(n schema.Name) error {
	if !d.Exists(n) {
		return fmt.Errorf("%s: %w", n, ErrMissing)
	}
	delete(d.names, d.Fold(n))
	return nil
}

func (d *Director) add(n schema.Name) error {
	if d.Exists(n) {
		return fmt.Errorf("%s: %w", n, errPresent)
	}
	d.names[d.Fold(n)] = n
	return nil
}

func (d *Director) move(from, to schema.Name) error {
	if err := d.remove(from); err != nil {
		return err
	}
	return d.add(to)
}

// drop is DROP TABLE: of its list those that execute and exist. The list may hold names that
// never were (fact 8.5).
func (d *Director) drop(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	if st.DropFailed(q.ErrorCode) {
		return nil, d.failedList(start, st, q.ErrorCode)
	}
	var names []schema.Name
	for _, t := range st.Tables {
		if t.Role != ddl.Dropped {
			continue
		}
		d.objects.dropTable(t.Name, start)
		switch d.side(t.Name, start, st) {
		case binlog.Skip:
			continue
		case binlog.Inside:
			if d.Exists(t.Name) || !st.IfExists {
				return nil, Broken(start, st.Text, fmt.Errorf("%s: %w", t.Name, rewriter.ErrInWindow))
			}
			continue // nothing was there: it changed nothing (kind none)
		case binlog.After:
		}
		if !d.Exists(t.Name) {
			if st.IfExists || q.ErrorCode != 0 {
				continue
			}
			return nil, Broken(start, st.Text, fmt.Errorf("%s: %w", t.Name, ErrMissing))
		}
		names = append(names, t.Name)
		delete(d.names, d.Fold(t.Name))
	}
	if len(names) == 0 {
		return nil, nil
	}
	e := d.built(start, q, st, rewriter.DropTables(names...))
	e.Dropped = names
	return []Execution{e}, nil
}

func (d *Director) truncate(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	var list []Execution
	for _, t := range st.Tables {
		if t.Role != ddl.Truncated {
			continue
		}
		execute, err := d.executes(start, st, t.Name)
		if err != nil {
			return nil, err
		}
		if execute {
			e := d.built(start, q, st, rewriter.Truncate(t.Name))
			e.Truncated = []schema.Name{t.Name}
			list = append(list, e)
		}
	}
	return list, nil
}

// executes tells whether a statement that changes an existing table is carried out.
func (d *Director) executes(start binlog.Position, st *ddl.Statement, n schema.Name) (bool, error) {
	switch d.side(n, start, st) {
	case binlog.Skip:
		return false, nil
	case binlog.Inside:
		return false, Broken(start, st.Text, fmt.Errorf("%s: %w", n, rewriter.ErrInWindow))
	case binlog.After:
	}
	switch {
	case !d.Exists(n) && st.IfExists:
		return false, nil
	case !d.Exists(n):
		return false, Broken(start, st.Text, fmt.Errorf("%s: %w", n, ErrMissing))
	}
	return true, nil
}

// create is CREATE TABLE in all its forms. The rows of .. SELECT follow in the log (fact 8.1).
func (d *Director) create(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	var name schema.Name
	for _, t := range st.Tables {
		if t.Role == ddl.Created {
			name = t.Name
		}
	}
	if !d.taken(name) {
		return nil, nil
	}
	switch d.Sides.CreateSide(name, start, st.IfNotExists) {
	case binlog.Skip:
		return nil, nil
	case binlog.Inside:
		return nil, Broken(start, st.Text, fmt.Errorf("%s: %w", name, rewriter.ErrInWindow))
	case binlog.After:
	}
	if d.Exists(name) && st.IfNotExists {
		return nil, nil
	}
	for _, t := range st.Tables {
		if t.Role == ddl.LikeSource && !d.Exists(t.Name) {
			return nil, Refused(start, []schema.Name{name}, st.Text, fmt.Errorf("%s: %w", t.Name, rewriter.ErrFlow))
		}
	}
	e := d.edited(start, q, st, st.ServerNoteEdits())
	e.Created = []schema.Name{name}
	e.Source = likeSource(st)
	e.Copied = e.Source != (schema.Name{})
	if st.OrReplace && d.Exists(name) {
		d.objects.dropTable(name, start)
		delete(d.names, d.Fold(name))
	}
	if err := d.add(name); err != nil {
		return nil, Broken(start, st.Text, err)
	}
	return []Execution{e}, nil
}

// likeSource returns the table whose definition CREATE TABLE .. LIKE copies.
func likeSource(st *ddl.Statement) schema.Name {
	for _, t := range st.Tables {
		if t.Role == ddl.LikeSource {
			return t.Name
		}
	}
	return schema.Name{}
}

// alter is every other statement on tables that exist: ALTER TABLE, indexes, partitions,
// EXCHANGE. All tables that it changes must execute, or none.
func (d *Director) alter(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	if len(st.Renames) > 0 {
		return d.alterRename(start, q, st)
	}
	var altered []schema.Name
	skipped := 0
	for _, t := range st.Tables {
		if !t.Role.Changes() {
			continue
		}
		execute, err := d.executes(start, st, t.Name)
		if err != nil {
			return nil, err
		}
		if execute {
			altered = append(altered, t.Name)
		} else {
			skipped++
		}
	}
	if len(altered) == 0 {
		return nil, nil
	}
	if skipped > 0 {
		return nil, Refused(start, altered, st.Text, rewriter.ErrFlow)
	}
	e := d.verbatim(start, q, st)
	e.Altered = altered
	return []Execution{e}, nil
}

// alterRename is ALTER TABLE .. RENAME, alone or with other changes: as it stands where both
// names execute, a DROP where only the old one does.
func (d *Director) alterRename(start binlog.Position, q *event.Query, st *ddl.Statement) ([]Execution, error) {
	pair := st.Renames[0]
	if len(st.Renames) > 1 {
		return nil, Refused(start, nil, st.Text, errUncertain)
	}
	if err := d.objects.renameTables(st.Renames, start); err != nil {
		return nil, Broken(start, st.Text, err)
	}
	steps, err := rewriter.Rename(st.Renames, func(from, to schema.Name) (binlog.Side, binlog.Side) {
		source, destination := d.Sides.RenameSides(from, to, start)
		if !d.taken(from) {
			source = binlog.Skip
		}
		if !d.taken(to) {
			destination = binlog.Skip
		}
		return source, destination
	})
	if err != nil {
		return nil, d.renameFailed(start, st, st.Renames, err)
	}
	if len(steps) == 0 {
		return nil, nil
	}
	if len(steps[0].Dropped) > 0 {
		if err := d.remove(pair[0]); err != nil {
			return nil, Broken(start, st.Text, err)
		}
		e := d.built(start, q, st, steps[0].SQL)
		e.Dropped = steps[0].Dropped
		return []Execution{e}, nil
	}
	if err := d.move(pair[0], pair[1]); err != nil {
		return nil, Broken(start, st.Text, err)
	}
	e := d.verbatim(start, q, st)
	e.Renamed = [][2]schema.Name{pair}
	return []Execution{e}, nil
}
