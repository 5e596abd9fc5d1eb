package director

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Life is one table from the load or the statement that made it to the one that took it away,
// under whatever names it had in between. Lives are numbered in the order in which they begin, so
// every walk over the same log gives the same table the same number.
type Life int

// effectKind is what a statement did to a life.
type effectKind int

const (
	made      effectKind = iota // CREATE TABLE
	copied                      // CREATE TABLE .. LIKE other
	moved                       // RENAME from one name to another
	dropped                     // under name from
	changed                     // ALTER and the like
	truncated                   //
	exchanged                   // EXCHANGE PARTITION with other
	seen                        // a view was made with a star of it
	lost                        // what it holds from here on is not in the backup, for the reason err
)

// effect is what one statement did to one life, or to two.
type effect struct {
	kind     effectKind
	life     Life
	other    Life
	from, to schema.Name
	view     *Object
	err      error
}

// lives follows the tables of a backup through the log by rules R2 and R8: of every name that the
// backup has or the log makes, asked for or not. It is pure.
type lives struct {
	sides *catalog.Sides
	fold  func(schema.Name) schema.Name
	// outside tells of names that existed and are not in the backup.
	outside func(schema.Name) bool
	// isView tells a view from a table that is missing.
	isView func(schema.Name) bool

	// unmade are names, folded, that have rows in the log and no table: nothing in it made one.
	unmade map[schema.Name]error
	names  map[schema.Name]Life // folded, now
	now    map[Life]schema.Name // as spelled
	next   Life
	// every name that a life had, and every life that a name had
	namesOf map[Life][]schema.Name
	livesOf map[schema.Name][]Life
}

// newLives begins behind the load.
func newLives(m *catalog.Manifest, fold func(schema.Name) schema.Name) *lives {
	absent := map[schema.Name]bool{}
	for _, n := range m.NotBackedUp {
		absent[fold(n.Name)] = true
	}
	l := &lives{
		sides: m.Sides(), fold: fold, names: map[schema.Name]Life{}, now: map[Life]schema.Name{},
		namesOf: map[Life][]schema.Name{}, livesOf: map[schema.Name][]Life{},
		isView: func(schema.Name) bool { return false }, unmade: map[schema.Name]error{},
	}
	l.outside = func(n schema.Name) bool { return absent[fold(n)] || l.sides.Base(n).Base == catalog.BaseOutside }
	for i := range m.Names {
		if n := &m.Names[i]; n.Base == catalog.BaseRead && !n.Absent {
			l.begin(n.Name)
		}
	}
	return l
}

// begin gives a name a new life.
func (l *lives) begin(n schema.Name) Life {
	id := l.next
	l.next++
	l.put(id, n)
	return id
}

func (l *lives) put(id Life, n schema.Name) {
	key := l.fold(n)
	l.names[key], l.now[id] = id, n
	delete(l.unmade, key)
	if !slices.Contains(l.namesOf[id], key) {
		l.namesOf[id] = append(l.namesOf[id], key)
	}
	if !slices.Contains(l.livesOf[key], id) {
		l.livesOf[key] = append(l.livesOf[key], id)
	}
}

func (l *lives) get(n schema.Name) (Life, bool) {
	id, ok := l.names[l.fold(n)]
	return id, ok
}

func (l *lives) end(n schema.Name) {
	if id, ok := l.get(n); ok {
		delete(l.names, l.fold(n))
		delete(l.now, id)
	}
}

// lacks tells whether rows of a name, in an entry that starts at start, belong to a table that there
// should be.
func (l *lives) lacks(n schema.Name, start binlog.Position) bool {
	_, known := l.get(n)
	return !known && !l.outside(n) && l.sides.RowSide(n, start) != binlog.Skip
}

// rows takes a rows event: a table that the log did not make is no smaller a gap than in a restore of
// everything.
func (l *lives) rows(n schema.Name, start binlog.Position) {
	if l.lacks(n, start) && l.unmade[l.fold(n)] == nil {
		l.unmade[l.fold(n)] = Broken(start, "row event of "+n.String(), fmt.Errorf("%s: %w", n, ErrMissing))
	}
}

// statement returns what a statement does, in order, and takes it in.
func (l *lives) statement(start binlog.Position, st *ddl.Statement, errorCode uint16) []effect {
	w := livesWalk{lives: l, start: start, st: st, tolerant: st.IfExists || errorCode != 0}
	switch {
	case st.DropsSchema():
		w.dropDatabase()
	case st.Kind == ddl.NotInLog && errorCode == 0:
		w.unlogged()
	case st.Kind != ddl.Meaning && st.Kind != ddl.DefinitionOnly || st.Uncertain:
	case errorCode != 0 && st.Verb != ddl.DropTable:
		w.failed(errorCode)
	case st.DropFailed(errorCode):
		w.failedDrop(errorCode)
	case len(st.Renames) > 0:
		w.rename()
	case st.Verb == ddl.DropTable:
		w.drop()
	case st.Verb == ddl.CreateTable:
		w.create()
	default:
		w.change()
	}
	return w.effects
}

// livesWalk is one statement's way through the lives.
type livesWalk struct {
	*lives
	start    binlog.Position
	st       *ddl.Statement
	tolerant bool // of names that are not there
	effects  []effect
}

func (w *livesWalk) add(e effect) { w.effects = append(w.effects, e) }

// lose notes that nobody knows what a name holds from here on.
func (w *livesWalk) lose(n schema.Name, err error) {
	id, ok := w.get(n)
	if !ok {
		id = w.begin(n)
	}
	w.add(effect{kind: lost, life: id, to: n, err: err})
}

func (w *livesWalk) broken(n schema.Name, cause error) {
	w.lose(n, Broken(w.start, w.st.Text, fmt.Errorf("%s: %w", n, cause)))
}

func (w *livesWalk) dropOne(n schema.Name) {
	delete(w.unmade, w.fold(n))
	id, ok := w.get(n)
	if ok {
		w.add(effect{kind: dropped, life: id, from: n})
		w.end(n)
	}
}

// failed: what a statement that failed did of its work, nobody knows (a DROP names what is gone).
func (w *livesWalk) failed(errorCode uint16) {
	for _, t := range w.st.Tables {
		if t.Role.Changes() && w.side(t.Name) != binlog.Skip {
			w.lose(t.Name, Refused(w.start, []schema.Name{t.Name}, w.st.Text, fmt.Errorf("%w: error %d", limit.ErrFailed, errorCode)))
		}
	}
}

func (w *livesWalk) side(n schema.Name) binlog.Side {
	if w.st.Kind == ddl.DefinitionOnly {
		return w.sides.DefinitionSide(n, w.start)
	}
	return w.sides.StatementSide(n, w.start)
}

// unlogged takes the table that a statement makes whose result the log does not hold: it is there, and nobody knows what it
// is. What such a statement does to tables that are there is refused where they are taken (Ended).
func (w *livesWalk) unlogged() {
	for _, t := range w.st.Tables {
		if t.Role != ddl.Created || w.sides.CreateSide(t.Name, w.start, w.st.IfNotExists) != binlog.After {
			continue
		}
		if _, exists := w.get(t.Name); exists && w.st.IfNotExists {
			continue
		}
		w.dropOne(t.Name)
		l, _ := limit.OfStatement(w.st, 0)
		w.lose(t.Name, Refused(w.start, []schema.Name{t.Name}, w.st.Text, limit.Cause(l)))
	}
}

// rename is R8 for RENAME TABLE and ALTER TABLE .. RENAME: pair by pair, left to right.
func (w *livesWalk) rename() {
	for _, p := range w.st.Renames {
		from, to := p[0], p[1]
		source, destination := w.sides.RenameSides(from, to, w.start)
		id, ok := w.get(from)
		switch {
		case source == binlog.Inside || destination == binlog.Inside:
			w.broken(from, rewriter.ErrInWindow)
			w.broken(to, rewriter.ErrInWindow)
		case destination == binlog.After && (source == binlog.Skip || !ok):
			w.arrives(from, to)
		case ok && source == binlog.After && destination == binlog.After:
			if _, taken := w.get(to); taken {
				w.broken(to, errPresent)
				continue
			}
			if w.st.Verb != ddl.RenameTable {
				w.add(effect{kind: changed, life: id})
			}
			w.end(from)
			w.put(id, to)
			w.add(effect{kind: moved, life: id, from: from, to: to})
		case ok && source == binlog.After:
			w.dropOne(from)
		}
	}
}

// arrives is a pair whose table the restore does not have: a view's, or one that is not in the
// backup (R12).
func (w *livesWalk) arrives(from, to schema.Name) {
	switch {
	case w.outside(from):
		w.lose(to, Refused(w.start, []schema.Name{to}, w.st.Text, fmt.Errorf("rename %s to %s: %w", from, to, rewriter.ErrFlow)))
	case w.isView(from), w.tolerant:
	default:
		w.broken(to, fmt.Errorf("rename %s to %s: %w", from, to, rewriter.ErrFlow))
	}
}

func (w *livesWalk) drop() {
	for _, t := range w.st.Tables {
		if t.Role != ddl.Dropped {
			continue
		}
		_, exists := w.get(t.Name)
		switch w.side(t.Name) {
		case binlog.Inside:
			if exists || !w.st.IfExists {
				w.broken(t.Name, rewriter.ErrInWindow)
			}
		case binlog.After:
			w.dropOne(t.Name)
		case binlog.Skip:
		}
	}
}

func (w *livesWalk) dropDatabase() {
	key := w.fold(schema.Name{Schema: w.st.Schema}).Schema
	maps.DeleteFunc(w.unmade, func(n schema.Name, _ error) bool { return n.Schema == key })
	for _, n := range w.tables() {
		if w.fold(n).Schema != key {
			continue
		}
		switch w.sides.StatementSide(n, w.start) {
		case binlog.Inside:
			w.broken(n, rewriter.ErrInWindow)
		case binlog.After:
			w.dropOne(n)
		case binlog.Skip:
		}
	}
}

// tables lists the names that are there now, in a stable order.
func (l *lives) tables() []schema.Name {
	list := make([]schema.Name, 0, len(l.now))
	for _, n := range l.now {
		list = append(list, n)
	}
	slices.SortFunc(list, schema.Name.Compare)
	return list
}

func (w *livesWalk) create() {
	at := slices.IndexFunc(w.st.Tables, func(t ddl.TableRef) bool { return t.Role == ddl.Created })
	if at < 0 {
		return
	}
	name := w.st.Tables[at].Name
	switch w.sides.CreateSide(name, w.start, w.st.IfNotExists) {
	case binlog.Skip:
		return
	case binlog.Inside:
		w.broken(name, rewriter.ErrInWindow)
		return
	case binlog.After:
	}
	if _, exists := w.get(name); exists {
		switch {
		case w.st.IfNotExists:
			return
		case !w.st.OrReplace:
			w.broken(name, errPresent)
			return
		}
		w.dropOne(name)
	}
	source := likeSource(w.st)
	if source == (schema.Name{}) {
		w.add(effect{kind: made, life: w.begin(name), to: name})
		return
	}
	other, ok := w.get(source)
	if !ok {
		w.lose(name, Refused(w.start, []schema.Name{name}, w.st.Text, fmt.Errorf("%s: %w", source, rewriter.ErrFlow)))
		return
	}
	w.add(effect{kind: copied, life: w.begin(name), other: other, from: source, to: name})
}

// change is every other statement on tables that exist: ALTER TABLE, indexes, partitions,
// TRUNCATE, EXCHANGE.
func (w *livesWalk) change() {
	var executed []Life
	var names []schema.Name
	skipped := false
	kind := changed
	for _, t := range w.st.Tables {
		if !t.Role.Changes() {
			continue
		}
		side := w.side(t.Name)
		id, exists := w.get(t.Name)
		switch {
		case side == binlog.Inside:
			w.broken(t.Name, rewriter.ErrInWindow)
		case side == binlog.Skip || !exists && w.tolerant:
			skipped = true
		case !exists && w.outside(t.Name):
			skipped = true
		case !exists:
			w.broken(t.Name, ErrMissing)
		case !slices.Contains(executed, id): // a table has a role for each thing that is done to it
			executed, names = append(executed, id), append(names, t.Name)
		}
		switch t.Role {
		case ddl.Exchanged:
			kind = exchanged
		case ddl.Truncated:
			kind = truncated
		default:
		}
	}
	if kind == exchanged && (skipped || len(executed) != 2) {
		for _, n := range names {
			w.lose(n, Refused(w.start, []schema.Name{n}, w.st.Text, rewriter.ErrFlow))
		}
		return
	}
	if kind == exchanged {
		w.add(effect{kind: exchanged, life: executed[0], other: executed[1]})
		return
	}
	for _, id := range executed {
		w.add(effect{kind: kind, life: id})
	}
}
