package bases

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// schemaState is the state of one schema's name.
type schemaState struct {
	key, spelled string
	need         bool
	first        fate
	statements   []*logged // CREATE, ALTER, DROP of it
	progress     progress
	attempt      int
	exists       bool
	before       Mark
	window       binlog.Window // Low may be resolved late
	lowKnown     bool
	again        []catalog.ReadAgain
	behind       binlog.Position
}

// SchemaRead is what reading a schema found, between two ticks.
type SchemaRead struct {
	Exists        bool
	Before, After Mark
}

func (s *schemaState) settled() bool { return !s.need || s.progress == read && s.lowKnown }

func (s *schemaState) side(start, floor binlog.Position) binlog.Side {
	if !s.need {
		return binlog.Window{Low: floor, High: floor}.Side(start)
	}
	return s.window.Side(start)
}

func (s *schemaState) begin(attempt int) bool {
	if !s.need || s.attempt != attempt || s.progress != idle {
		return false
	}
	s.progress = reading
	return true
}

func (b *Bases) schema(n string) *schemaState {
	key := b.key(schema.Name{Schema: n}).Schema
	if s := b.schemas[key]; s != nil {
		return s
	}
	s := &schemaState{key: key, spelled: n}
	b.schemas[key] = s
	b.schemaList = append(b.schemaList, s)
	return s
}

// ListSchema tells that discovery found a schema of this name.
func (b *Bases) ListSchema(n string) {
	s := b.schema(n)
	s.spelled, s.need = n, true
}

func (b *Bases) receiveSchema(s *logged) {
	if s.SchemaVerb == SchemaUntouched || b.isSystem(s.Schema) {
		return
	}
	sc := b.schema(s.Schema)
	sc.statements = append(sc.statements, s)
	if sc.first == unseen {
		sc.first = existed
		if s.SchemaVerb == SchemaCreated && !s.IfNotExists {
			sc.first = made
		}
	}
}

// SchemaDone takes the result of a schema's read. It is false when the read was void already.
func (b *Bases) SchemaDone(w Want, r SchemaRead) bool {
	s := b.schema(w.Name.Schema)
	if s.attempt != w.Attempt || s.progress != reading {
		return false
	}
	s.progress, s.exists, s.before = read, r.Exists, r.Before
	s.window, s.lowKnown = binlog.Window{High: r.After.High}, false
	b.dirty = true
	return true
}

func (s *schemaState) want() (Want, bool) {
	return Want{Kind: WantSchema, Name: schema.Name{Schema: s.spelled}, Attempt: s.attempt, Behind: s.behind, Again: s.again},
		s.need && s.progress == idle
}

// evaluateSchemas: a statement on a schema in its window has it read again; a schema that is
// not listed, but was there, is read.
func (b *Bases) evaluateSchemas() {
	for _, s := range b.schemaList {
		if !s.need && s.first == existed {
			s.need, b.changed = true, true
		}
		if !s.need || !s.settled() {
			continue
		}
		for _, st := range s.statements {
			side, why := s.window.Side(st.start), "a statement in the schema's window"
			if side == binlog.After && st.Unlogged {
				side, why = binlog.Inside, "the log does not hold what a statement made of it"
			}
			if side == binlog.Inside {
				s.progress, s.behind = idle, st.end
				s.attempt++
				s.again = append(s.again, inWindowReason(why, st))
				b.changed = true
				break
			}
		}
	}
}

// schemaStands tells whether the defaults of sc, which statement s takes, will be right on
// the target when s is executed there.
func (b *Bases) schemaStands(sc *schemaState, s *logged) bool {
	if sc.side(s.start, b.floor) == binlog.After {
		return true
	}
	if !sc.need || !sc.exists {
		return false
	}
	for _, o := range sc.statements {
		if o.index > s.index && o.start.Before(sc.window.High) {
			return false
		}
	}
	return true
}
