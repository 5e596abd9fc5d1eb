package director

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
	"github.com/tripod-db/tripod/storage/catalog"
)

// errTriggerTable: whether a trigger was read before or after its table was renamed cannot be told.
var errTriggerTable = errors.New("a trigger's table is renamed inside the window in which the trigger was read")

// objectSet holds views, routines, triggers and events in memory: what the manifest read, and
// on top of it what the log says. Only their state at the stop point is created, in Finish.
type objectSet struct {
	sides    *catalog.Sides
	fold     int
	list     map[objectID]*Object
	triggers []*Object // in the order in which they fire, of all tables
	taken    func(*Object) bool
	sequence int
	// names are all that views had on the way: the expanding of stars makes them under those, so they must be
	// free on the target.
	names map[objectID]schema.Name
	// triggered are the tables, by folded name, that have or had triggers, restored or not: in
	// statement format the log does not hold what those wrote elsewhere.
	triggered map[schema.Name]bool
}

type objectID struct {
	kind catalog.ObjectKind
	name schema.Name // folded
}

// Object is one view, routine, trigger or event with the statements that make it, in log order:
// one CREATE, and the ALTERs of a routine or an event behind it.
type Object struct {
	Kind    catalog.ObjectKind
	Name    schema.Name // on the source, now
	Table   schema.Name // of a trigger
	Steps   []ObjectStep
	Invalid string // what the source itself said about a broken view
	doubt   error  // why nobody knows which table a trigger is on
}

// ObjectStep is one statement with the session context it needs.
type ObjectStep struct {
	Sequence  int // among the steps of all objects
	Statement *ddl.Statement
	Raw       []byte // the bytes of the log; nil for SHOW CREATE output
	Schema    string // default schema
	Variables []rewriter.Variable
	Client    string // name of character_set_client
	// Database is the collation of the object's schema when the statement ran; it decides about
	// parameters without a character set. Empty where it does not matter.
	Database string
	Zone     string // time zone, as a server names it; empty where none was used
	// Logged tells a statement of the log from SHOW CREATE output.
	Logged bool
	// Definer is the account, as SQL, that an ALTER EVENT without the clause made the definer; empty where nothing tells.
	Definer string
}

func newObjectSet(m *catalog.Manifest, taken func(*Object) bool) (*objectSet, error) {
	s := &objectSet{sides: m.Sides(), fold: m.Source.LowerCaseTableNames, list: map[objectID]*Object{}, names: map[objectID]schema.Name{}, taken: taken, triggered: map[schema.Name]bool{}}
	objects := slices.Clone(m.Objects)
	slices.SortStableFunc(objects, func(a, b catalog.Object) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Table, b.Table), cmp.Compare(a.ActionOrder, b.ActionOrder))
	})
	for _, o := range objects {
		made := &Object{Kind: o.Kind, Name: o.Name, Invalid: o.Invalid}
		if o.Kind == catalog.KindTrigger {
			made.Table = schema.Name{Schema: o.Schema, Name: o.Table}
			s.noteTrigger(made.Table)
		}
		if o.Absent || o.Create == "" && o.Invalid == "" || !taken(made) {
			continue
		}
		if o.Create != "" {
			step, err := s.manifestStep(m, o)
			if err != nil {
				return nil, err
			}
			made.Steps = []ObjectStep{step}
		}
		s.put(made)
		if o.Kind == catalog.KindTrigger {
			s.triggers = append(s.triggers, made)
		}
	}
	return s, nil
}

// manifestStep is the statement of an object as it was read, with the context that was read with it.
func (s *objectSet) manifestStep(m *catalog.Manifest, o catalog.Object) (ObjectStep, error) {
	statement, err := ddl.Parse([]byte(o.Create), ddl.Session{
		Schema: o.Schema, SQLMode: quotingMode(o.SQLMode), LowerCaseTableNames: m.Source.LowerCaseTableNames,
		Flavor: m.Source.Flavor, Version: m.Source.Version,
	})
	if err != nil {
		return ObjectStep{}, fmt.Errorf("read the definition of %s %s: %w", o.Kind, o.Name, err)
	}
	s.sequence++
	step := ObjectStep{Sequence: s.sequence, Statement: statement, Schema: o.Schema, Client: o.CharacterSetClient}
	if o.Kind == catalog.KindView {
		// SHOW CREATE VIEW was read without any mode.
		step.Variables = append(step.Variables, rewriter.Variable{Name: "sql_mode", Value: "''"})
	} else {
		step.Database = o.DatabaseCollation
		step.Variables = append(step.Variables, rewriter.Variable{Name: "sql_mode", Value: "'" + o.SQLMode + "'"})
	}
	if o.CharacterSetClient != "" {
		step.Variables = append(step.Variables, rewriter.Variable{Name: "character_set_client", Value: o.CharacterSetClient})
	}
	if o.CollationConnection != "" {
		step.Variables = append(step.Variables, rewriter.Variable{Name: "collation_connection", Value: o.CollationConnection})
	}
	// A parameter or a result in utf8mb4 alone has the collation that its server means by that.
	if c := unloggedBy(m.Source).CollationUTF8MB4; c != 0 {
		step.Variables = append(step.Variables, rewriter.Variable{Name: "default_collation_for_utf8mb4", Value: strconv.Itoa(int(c))})
	}
	if o.TimeZone != "" {
		step.Zone = o.TimeZone
		step.Variables = append(step.Variables, rewriter.Variable{Name: "time_zone", Value: rewriter.QuoteString(o.TimeZone)})
	}
	return step, nil
}

// quotingMode returns the bits of sql_mode that decide how the text of an object is read.
func quotingMode(modes string) uint64 {
	const ansiQuotes, noBackslashEscapes = 1 << 2, 1 << 20
	var bits uint64
	for mode := range strings.SplitSeq(modes, ",") {
		switch strings.ToUpper(mode) {
		case "ANSI_QUOTES":
			bits |= ansiQuotes
		case "NO_BACKSLASH_ESCAPES":
			bits |= noBackslashEscapes
		}
	}
	return bits
}

// id: names of routines and events have no case on any server.
func (s *objectSet) id(kind catalog.ObjectKind, n schema.Name) objectID {
	n = ddl.Fold(n, s.fold)
	switch kind {
	case catalog.KindProcedure, catalog.KindFunction, catalog.KindEvent:
		n.Name = strings.ToLower(n.Name)
	case catalog.KindView, catalog.KindTrigger:
	}
	return objectID{kind: kind, name: n}
}

func (s *objectSet) put(o *Object) {
	if o.Kind == catalog.KindView {
		s.names[s.id(o.Kind, o.Name)] = o.Name
	}
	s.list[s.id(o.Kind, o.Name)] = o
}

func (s *objectSet) get(kind catalog.ObjectKind, n schema.Name) *Object { return s.list[s.id(kind, n)] }

func (s *objectSet) remove(o *Object) {
	delete(s.list, s.id(o.Kind, o.Name))
	s.triggers = slices.DeleteFunc(s.triggers, func(t *Object) bool { return t == o })
}

// create puts an object in the place of any other of its name (the log wins by name).
func (s *objectSet) create(o *Object, head rewriter.TriggerHead) {
	if old := s.get(o.Kind, o.Name); old != nil {
		s.remove(old)
	}
	s.put(o)
	if o.Kind != catalog.KindTrigger {
		return
	}
	at := len(s.triggers)
	for i, t := range s.triggers {
		if t.Name.Schema != o.Name.Schema {
			continue
		}
		switch {
		case head.Follows != "" && s.id(t.Kind, t.Name) == s.id(t.Kind, schema.Name{Schema: o.Name.Schema, Name: head.Follows}):
			at = i + 1
		case head.Precedes != "" && s.id(t.Kind, t.Name) == s.id(t.Kind, schema.Name{Schema: o.Name.Schema, Name: head.Precedes}):
			at = i
		}
	}
	s.triggers = slices.Insert(s.triggers, at, o)
}

// skips tells whether a statement at start is in what was read of the object.
func (s *objectSet) skips(kind catalog.ObjectKind, n schema.Name, start binlog.Position) bool {
	return s.sides.ObjectSide(kind, n, start) == binlog.Skip
}

// dropTable takes a table's triggers along; the log does not name them.
func (s *objectSet) dropTable(table schema.Name, start binlog.Position) {
	for _, t := range slices.Clone(s.triggers) {
		if ddl.Fold(t.Table, s.fold) == ddl.Fold(table, s.fold) && !s.skips(t.Kind, t.Name, start) {
			s.remove(t)
		}
	}
}

// hasTriggers tells whether a table, restored or not, may have triggers now.
func (s *objectSet) hasTriggers(table schema.Name) bool { return s.triggered[ddl.Fold(table, s.fold)] }

func (s *objectSet) noteTrigger(table schema.Name) { s.triggered[ddl.Fold(table, s.fold)] = true }

// dropSchema takes along all objects of a schema.
func (s *objectSet) dropSchema(name string, start binlog.Position) {
	folded := ddl.Fold(schema.Name{Schema: name}, s.fold).Schema
	for _, o := range s.all() {
		if ddl.Fold(o.Name, s.fold).Schema == folded && !s.skips(o.Kind, o.Name, start) {
			s.remove(o)
		}
	}
}

// renameTables moves triggers with their tables: each pair in turn, left to right, as one map
// from old to new names. One whose table leaves the restore leaves with it.
func (s *objectSet) renameTables(pairs [][2]schema.Name, start binlog.Position) error {
	moved := map[schema.Name]schema.Name{}
	intermediate := map[schema.Name]schema.Name{} // present name -> name before the statement
	for _, p := range pairs {
		if s.hasTriggers(p[0]) {
			s.noteTrigger(p[1])
		}
		from := ddl.Fold(p[0], s.fold)
		origin, chained := intermediate[from]
		if !chained {
			origin = from
		}
		delete(intermediate, from)
		intermediate[ddl.Fold(p[1], s.fold)] = origin
		moved[origin] = p[1]
	}
	var doubt error
	for _, t := range slices.Clone(s.triggers) {
		to, ok := moved[ddl.Fold(t.Table, s.fold)]
		if !ok {
			continue
		}
		switch s.sides.ObjectSide(t.Kind, t.Name, start) {
		case binlog.Skip:
			continue
		case binlog.Inside:
			// Read before the statement it has the old name, behind it the new one. The two are told
			// apart unless the old name of one table is the new name of another.
			if _, both := intermediate[ddl.Fold(t.Table, s.fold)]; both {
				t.doubt = fmt.Errorf("trigger %s on %s: %w", t.Name, t.Table, errTriggerTable)
				doubt = errors.Join(doubt, t.doubt)
				continue
			}
		case binlog.After:
		}
		if t.Table = to; !s.taken(t) {
			s.remove(t)
		}
	}
	return doubt
}

// renameView is RENAME TABLE of a view. It tells whether there was one.
func (s *objectSet) renameView(from, to schema.Name, start binlog.Position) bool {
	v := s.get(catalog.KindView, from)
	if v == nil || s.skips(v.Kind, from, start) {
		return v != nil
	}
	delete(s.list, s.id(v.Kind, from))
	v.Name = to
	s.put(v)
	return true
}

// all lists the objects in a stable order.
func (s *objectSet) all() []*Object {
	list := make([]*Object, 0, len(s.list))
	for _, o := range s.list {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b *Object) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), a.Name.Compare(b.Name))
	})
	return list
}
