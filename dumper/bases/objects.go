package bases

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// ObjectRole says what a statement does to a view, routine, trigger or event.
type ObjectRole int

// The roles.
const (
	ObjectCreated       ObjectRole = iota // CREATE, CREATE OR REPLACE, ALTER VIEW: its whole text is in the log
	ObjectCreatedByStar                   // of a view, but the log does not hold the columns that its star stood for
	ObjectUnlogged                        // what it became is not in the log
	ObjectDropped                         // DROP of it
	ObjectAltered                         // ALTER EVENT, PROCEDURE, FUNCTION: a part of it is in the log
	ObjectRenamedFrom                     // it leaves this name
	ObjectRenamedTo                       // it arrives at this name
)

// ObjectTouch is one object in one role.
type ObjectTouch struct {
	Kind catalog.ObjectKind
	Name schema.Name
	Role ObjectRole
}

// ObjectRead is what reading an object found, between two ticks.
type ObjectRead struct {
	Exists        bool
	Table         string // of a trigger
	Before, After Mark
}

type objectKey struct {
	kind catalog.ObjectKind
	name schema.Name
}

// object is the state of one object's name. In its window the log wins by name for CREATE and
// DROP; what the log holds only a part of has it read again.
type object struct {
	kind       catalog.ObjectKind
	key        objectKey
	spelled    schema.Name
	need       bool
	first      fate
	statements []*logged
	progress   progress
	attempt    int
	exists     bool
	table      string
	tableKey   schema.Name
	before     Mark
	window     binlog.Window // Low is resolved late
	lowKnown   bool
	tombstone  bool // window is empty and ends at the statement that took it away
	behind     binlog.Position
	again      []catalog.ReadAgain
}

func (o *object) settled() bool { return !o.need || o.progress == read && o.lowKnown }

func (o *object) begin(attempt int) bool {
	if !o.need || o.attempt != attempt || o.progress != idle {
		return false
	}
	o.progress = reading
	return true
}

func (b *Bases) object(kind catalog.ObjectKind, n schema.Name) *object {
	key := objectKey{kind: kind, name: b.key(n)}
	switch kind {
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent: // names without case on any server
		key.name.Name = strings.ToLower(key.name.Name)
	case catalog.KindView, catalog.KindTrigger:
	}
	if o := b.objects[key]; o != nil {
		return o
	}
	o := &object{kind: kind, key: key, spelled: n}
	b.objects[key] = o
	b.objectList = append(b.objectList, o)
	return o
}

// ListObject tells that discovery found an object of this name.
func (b *Bases) ListObject(kind catalog.ObjectKind, n schema.Name) {
	o := b.object(kind, n)
	o.spelled, o.need = n, true
	b.dirty = true
}

// ObjectDone takes the result of an object's read. It is false when the read was void already.
func (b *Bases) ObjectDone(w Want, r ObjectRead) bool {
	o := b.object(w.Object, w.Name)
	if o.attempt != w.Attempt || o.progress != reading {
		return false
	}
	o.progress, o.exists, o.before = read, r.Exists, r.Before
	o.table, o.tableKey = r.Table, b.key(schema.Name{Schema: w.Name.Schema, Name: r.Table})
	o.window, o.lowKnown = binlog.Window{High: r.After.High}, false
	b.dirty = true
	return true
}

func (b *Bases) receiveObjects(s *logged) {
	for _, t := range s.Objects {
		if b.isSystem(t.Name.Schema) && t.Kind != catalog.KindUser {
			continue
		}
		o := b.object(t.Kind, t.Name)
		o.statements = append(o.statements, s)
		if o.first == unseen {
			o.first = existed
			if t.Role == ObjectCreated || t.Role == ObjectRenamedTo {
				o.first = made
			}
		}
	}
}

func (o *object) want() (Want, bool) {
	return Want{Kind: WantObject, Object: o.kind, Name: o.spelled, Attempt: o.attempt, Behind: o.behind, Again: o.again},
		o.need && o.progress == idle
}

func (b *Bases) evaluateObjects() {
	for _, o := range b.objectList {
		if !o.need {
			if o.first == existed && b.cfg.SelectedObject(o.kind, o.spelled) {
				b.objectAgain(o, "not listed by discovery, and not made by the log alone", o.statements[0])
			}
			continue
		}
		if !o.settled() || o.tombstone {
			continue
		}
		for _, s := range b.objectStatements(o) {
			side := o.window.Side(s.start)
			if side == binlog.Inside && s.partOf(o) {
				b.objectAgain(o, "a statement in the object's window", s)
				break
			}
			if side != binlog.After {
				continue
			}
			if reason := s.notHeld(o); reason != "" {
				b.objectAgain(o, reason, s)
				break
			}
		}
	}
	for _, s := range b.statements {
		b.objectFlow(s)
	}
}

// objectStatements returns the statements that concern the object, in log order: its own,
// DROP DATABASE, those that take a trigger's table away, and RENAME TABLE of a view.
func (b *Bases) objectStatements(o *object) []*logged {
	all := o.statements
	add := func(s *logged) { all = append(all[:len(all):len(all)], s) }
	if sc := b.schemas[o.key.name.Schema]; sc != nil {
		for _, s := range sc.statements {
			if s.SchemaVerb.drops() {
				add(s)
			}
		}
	}
	switch o.kind {
	case catalog.KindTrigger:
		if table := b.names[o.tableKey]; table != nil {
			for _, s := range table.statements {
				if away, _, _ := s.leaves(table.key); away || s.dropsByName(table.key) {
					add(s)
				}
			}
		}
	case catalog.KindView:
		if n := b.names[o.key.name]; n != nil {
			for _, s := range n.statements {
				if s.renames(n.key) {
					add(s)
				}
			}
		}
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
	}
	if len(all) > len(o.statements) {
		slices.SortStableFunc(all, func(a, b *logged) int { return cmp.Compare(a.index, b.index) })
	}
	return all
}

// notHeld says why an object has to be read behind the statement, wherever that stands: the log does not hold what it made of it, or
// it made a view with a star. A replay finds out what that stood for only behind the windows of all tables.
func (s *logged) notHeld(o *object) (reason string) {
	for _, t := range s.Objects {
		switch {
		case t.Kind != o.kind || !sameObject(t.Name, o):
		case t.Role == ObjectCreatedByStar:
			return "made with a star while the backup was running"
		case t.Role == ObjectUnlogged:
			return "the log does not hold what a statement made of it"
		}
	}
	return ""
}

// partOf tells whether the log holds the object's new state only in part: replayed on a state
// of unknown age such a statement guesses.
func (s *logged) partOf(o *object) bool {
	for _, t := range s.Objects {
		if t.Kind == o.kind && sameObject(t.Name, o) && t.Role != ObjectCreated && t.Role != ObjectDropped {
			return true
		}
	}
	switch o.kind {
	case catalog.KindTrigger:
		away, _, _ := s.leaves(o.tableKey)
		return away || s.DropFailed && s.dropsByName(o.tableKey)
	case catalog.KindView:
		return s.renames(o.key.name)
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
	}
	return false
}

// removes tells whether the object is absent under this name right behind the statement.
func (s *logged) removes(o *object) bool {
	if s.SchemaVerb.drops() {
		return s.Schema == o.key.name.Schema
	}
	removed := false
	for _, t := range s.Objects {
		if t.Kind == o.kind && sameObject(t.Name, o) {
			removed = t.Role == ObjectDropped || t.Role == ObjectRenamedFrom
		}
	}
	if o.kind == catalog.KindView {
		away, replaced, _ := s.leaves(o.key.name)
		removed = removed || away && !replaced
	}
	return removed
}

// sameObject compares names: those of routines and events have no case on any server.
func sameObject(n schema.Name, o *object) bool {
	switch o.kind {
	case catalog.KindView, catalog.KindTrigger:
		return n == o.key.name
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
	}
	return n.Schema == o.key.name.Schema && strings.EqualFold(n.Name, o.key.name.Name)
}

// objectAgain takes the object's base away; where the log shows that the object is absent
// behind its last statement, that tombstone will do.
func (b *Bases) objectAgain(o *object, reason string, s *logged) {
	b.changed, b.dirty = true, true
	o.attempt++
	o.need, o.progress, o.behind, o.tombstone, o.lowKnown = true, idle, s.end, false, false
	o.again = append(o.again, inWindowReason(reason, s))
	all := b.objectStatements(o)
	if len(all) == 0 {
		return
	}
	if last := all[len(all)-1]; last.index >= s.index && last.removes(o) {
		o.progress, o.exists, o.tombstone, o.lowKnown = read, false, true, true
		o.window = binlog.Window{Low: last.end, High: last.end}
	}
}

// objectFlow: an object renamed from a name that was read later to one whose base is older
// has to be read under its new name (R4). Views are renamed by RENAME TABLE too; which of its
// names are views is told by what is known of them.
func (b *Bases) objectFlow(s *logged) {
	var from *object
	for _, t := range s.Objects {
		switch t.Role {
		case ObjectRenamedFrom:
			from = b.object(t.Kind, t.Name)
		case ObjectRenamedTo:
			b.objectArrives(s, from, t.Kind, t.Name)
		case ObjectCreated:
			b.objectTakesDefaults(s, t)
		case ObjectCreatedByStar, ObjectUnlogged, ObjectDropped, ObjectAltered:
		}
	}
	from = nil
	for _, t := range s.Touches {
		switch t.Role {
		case RenamedFrom:
			from = b.objects[objectKey{kind: catalog.KindView, name: t.Name}]
		case RenamedTo:
			b.objectArrives(s, from, catalog.KindView, t.Name)
		case Created, Dropped, Changed, LikeSource:
		}
	}
}

// objectTakesDefaults: programs and triggers keep the default collation of their schema, which may be read at another place.
func (b *Bases) objectTakesDefaults(s *logged, t ObjectTouch) {
	switch t.Kind {
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent, catalog.KindTrigger:
	case catalog.KindView, catalog.KindUser:
		return
	}
	o, sc := b.object(t.Kind, t.Name), b.schema(b.key(t.Name).Schema)
	if !o.need && !b.cfg.SelectedObject(o.kind, o.spelled) || !o.settled() || !sc.settled() || b.objectSide(o, s) != binlog.After || b.schemaStands(sc, s) {
		return
	}
	b.objectAgain(o, "it keeps defaults of schema "+sc.spelled+" that were not read at that place", s)
}

func (b *Bases) objectArrives(s *logged, from *object, kind catalog.ObjectKind, name schema.Name) {
	if from == nil || !from.need {
		return
	}
	to := b.object(kind, name)
	if from.settled() && to.settled() && b.objectSide(from, s) == binlog.Skip && b.objectSide(to, s) == binlog.After {
		b.objectAgain(to, "it arrives from "+from.spelled.String()+", which is not read at that place", s)
	}
}

func (b *Bases) objectSide(o *object, s *logged) binlog.Side {
	if !o.need {
		return binlog.Window{Low: b.floor, High: b.floor}.Side(s.start)
	}
	return o.window.Side(s.start)
}

// onOutside tells whether a trigger was found on a table that is not backed up: the log named the
// trigger, and its table was known only when it was read.
func (b *Bases) onOutside(o *object) bool {
	if o.kind != catalog.KindTrigger || !o.exists {
		return false
	}
	table := b.names[o.tableKey]
	return table != nil && table.outside()
}

// objectResults lists the objects' windows; the texts are the reader's to add.
func (b *Bases) objectResults(later func(binlog.Position, binlog.Time)) []catalog.Object {
	var out []catalog.Object
	for _, o := range b.objectList {
		if !o.need {
			continue
		}
		out = append(out, catalog.Object{Name: o.spelled, Kind: o.kind, Table: o.table, Absent: !o.exists || b.onOutside(o), Window: o.window})
		if o.tombstone {
			later(o.window.Low, b.timeOf(o.window.Low))
		}
		for _, s := range b.objectStatements(o) {
			if s.start.Before(o.window.High) {
				later(s.end, s.time)
			}
		}
	}
	return out
}
