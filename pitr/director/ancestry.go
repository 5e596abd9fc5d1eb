package director

import (
	"regexp"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// ancestry follows, for tables that are restored and for those that are not, to which others their cascading foreign keys
// refer. It knows them from the definitions of the backup, of which it reads those that it is asked for, and from the
// statements behind these. Where it does not know better it knows too many: a foreign key that the log drops stays, and one that
// the log makes may do anything.
//
// A definition that was read behind a statement is not changed by it (R2): it has the names from behind it.
type ancestry struct {
	*Director
	// definition reads the one that the backup has under a name.
	definition func(schema.Name) (*schema.Table, error)
	whole      bool // the backup knows every table of the source
	byName     map[schema.Name][]*relation
	// gone are the names that a statement has taken away, doubted those that a DROP which failed may have.
	gone, doubted map[schema.Name]bool
	// moves are the renames of the log so far, for definitions that are read later.
	moves []move
	// above and answers hold until the next statement.
	above   *family
	answers map[asked][]descendant
}

// relation is one table with what it refers to.
type relation struct {
	base   schema.Name // that it has in the backup; zero where the log made it
	name   schema.Name // now
	unread bool        // the definition was not asked for yet
	// unknown: it may refer to any table.
	unknown bool
	refers  []reference
}

// reference is one foreign key; a nil key is known by its parent alone.
type reference struct {
	parent schema.Name
	key    *schema.ForeignKey
}

// move is one pair of a RENAME.
type move struct {
	start    binlog.Position
	from, to schema.Name
}

func newAncestry(d *Director, m *catalog.Manifest) *ancestry {
	a := &ancestry{Director: d, whole: m.Whole(), byName: map[schema.Name][]*relation{}, gone: map[schema.Name]bool{}, doubted: map[schema.Name]bool{}}
	for i := range m.Names {
		switch n := &m.Names[i]; {
		case n.Base == catalog.BaseOutside:
			a.put(&relation{base: n.Name, name: n.Name, unknown: true})
		case n.Base == catalog.BaseRead && !n.Absent:
			a.put(&relation{base: n.Name, name: n.Name, unread: true})
		}
	}
	for _, n := range m.NotBackedUp {
		a.put(&relation{base: n.Name, name: n.Name, unknown: true})
	}
	return a
}

func (a *ancestry) put(t *relation) {
	key := a.Fold(t.name)
	a.byName[key] = append(a.byName[key], t)
	delete(a.gone, key)
}

// take returns the tables of a name that a statement changes, and takes them away.
func (a *ancestry) take(n schema.Name, start binlog.Position) (list []*relation) {
	key := a.Fold(n)
	keep := a.byName[key][:0:0]
	for _, t := range a.byName[key] {
		if a.settled(t, start) {
			keep = append(keep, t)
			continue
		}
		list = append(list, t)
	}
	a.byName[key] = keep
	a.gone[key] = len(keep) == 0
	return list
}

// settled tells whether what is known of a table is from behind a statement.
func (a *ancestry) settled(t *relation, start binlog.Position) bool {
	return t.base != (schema.Name{}) && !t.unknown && a.Sides.DefinitionSide(t.base, start) == binlog.Skip
}

// statement follows one statement of the log.
func (a *ancestry) statement(start binlog.Position, st *ddl.Statement, errorCode uint16) {
	switch st.Kind {
	case ddl.Meaning, ddl.DefinitionOnly, ddl.NotInLog:
	case ddl.Schema:
		if !st.DropsSchema() {
			return
		}
	case ddl.None, ddl.OtherObject, ddl.Account, ddl.TransactionControl:
		return
	}
	a.above, a.answers = nil, nil
	switch {
	case st.DropsSchema():
		for key, list := range a.byName {
			if len(list) > 0 && key.Schema == a.FoldSchema(st.Schema) {
				a.take(key, start)
			}
		}
		return
	case st.DropFailed(errorCode): // those that stay are among them
		for _, t := range st.Tables {
			a.doubted[a.Fold(t.Name)] = true
		}
		return
	case st.Uncertain, errorCode != 0 && st.Verb != ddl.DropTable: // what it did of its work nobody knows
		if referencesWord.MatchString(st.Text) || len(st.Renames) > 0 {
			a.doubt(start, st)
		}
		return
	}
	for _, t := range st.Tables {
		switch {
		case t.Role == ddl.Dropped, t.Role == ddl.Created && st.OrReplace:
			a.take(t.Name, start)
		case t.Role == ddl.Created && st.IfNotExists && len(a.byName[a.Fold(t.Name)]) > 0 && !a.doubted[a.Fold(t.Name)]:
			return // it is there
		}
		if t.Role == ddl.Created || t.Role.Changes() && t.Role != ddl.Dropped && st.Cascades {
			a.refer(t.Name, start, st)
		}
	}
	for _, p := range st.Renames {
		a.moves = append(a.moves, move{start, p[0], p[1]})
		for _, list := range a.byName {
			for _, t := range list {
				a.follow(t, len(a.moves)-1)
			}
		}
		for _, t := range a.take(p[0], start) {
			t.name = p[1]
			a.put(t)
		}
	}
}

var referencesWord = regexp.MustCompile(`(?i)\bREFERENCES\b`)

// doubt notes that the tables of a statement may refer to any.
func (a *ancestry) doubt(start binlog.Position, st *ddl.Statement) {
	for _, list := range a.byName {
		for _, t := range list {
			t.unknown = t.unknown || !a.settled(t, start) && len(st.Touches(t.name)) > 0
		}
	}
	for _, t := range st.Tables {
		if t.Role.Changes() && len(a.byName[a.Fold(t.Name)]) == 0 {
			a.put(&relation{name: t.Name, unknown: true})
		}
	}
}

// refer adds what a statement makes a table refer to.
func (a *ancestry) refer(n schema.Name, start binlog.Position, st *ddl.Statement) {
	t := &relation{name: n}
	list := a.byName[a.Fold(n)]
	if i := slices.IndexFunc(list, func(o *relation) bool { return !a.settled(o, start) }); i >= 0 {
		t = list[i]
	} else if len(list) > 0 {
		return // the definition that is known shows it
	} else {
		a.put(t)
	}
	for _, p := range st.Tables {
		if p.Role == ddl.Parent && st.Cascades {
			t.refers = append(t.refers, reference{parent: p.Name})
		}
	}
}

// follow lets the foreign keys of a table follow parents through moves, from the one at that index on.
func (a *ancestry) follow(t *relation, from int) {
	for _, m := range a.moves[from:] {
		if a.settled(t, m.start) {
			continue
		}
		for i := range t.refers {
			if a.Fold(t.refers[i].parent) == a.Fold(m.from) {
				t.refers[i].parent = m.to
			}
		}
	}
}

// read makes sure that what a table refers to is known.
func (a *ancestry) read(t *relation) error {
	if !t.unread {
		return nil
	}
	def, err := a.definition(t.base)
	if err != nil {
		return err
	}
	t.unread = false
	logged := t.refers
	t.refers = nil
	for _, key := range def.CascadingKeys() {
		t.refers = append(t.refers, reference{parent: key.Parent, key: key})
	}
	a.follow(t, 0)
	t.refers = append(t.refers, logged...)
	return nil
}

// named returns the tables of a name. One that the backup should know, and does not, may be any.
func (a *ancestry) named(n schema.Name) []*relation {
	list := a.byName[a.Fold(n)]
	// Every statement on a table of the restore is seen, and in a part every statement.
	gone := a.gone[a.Fold(n)] && (a.Part != nil || a.taken(n))
	if len(list) == 0 && !a.whole && !gone {
		return []*relation{{name: n, unknown: true}}
	}
	return list
}
