package catalog

import (
	"strings"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// StatementSide is R2: where a statement that starts at start lies for this name. Skip: what
// was read holds it. Inside: it lies in (D0, D1]. After: it is executed. floor is the
// backup's, for names whose base it is.
func (b *NameBase) StatementSide(start, floor binlog.Position) binlog.Side {
	switch b.Base {
	case BaseOutside:
		return binlog.Skip
	case BaseTombstone:
		return behind(b.AtEnd, start)
	case BaseRead:
		side := b.Statements.Side(start)
		failpoint.Inject("R2", func() { side = binlog.After })
		return side
	case BaseFloor:
	}
	return behind(floor, start)
}

// DefinitionSide is StatementSide for a definition-only statement: it lies in the window of
// the definition in use, (d0, d1], and has nothing to do with the chunks.
func (b *NameBase) DefinitionSide(start, floor binlog.Position) binlog.Side {
	if b.Base == BaseRead && !b.Absent {
		return b.Definition.Side(start)
	}
	return b.StatementSide(start, floor)
}

// DestinationSide is StatementSide for the name as the place that a RENAME brings a table
// to: the RENAME that is an inside tombstone's own statement executes there, while for the
// content that it takes away it is skipped.
func (b *NameBase) DestinationSide(start, floor binlog.Position) binlog.Side {
	if b.Base == BaseTombstone && b.Inside && start == b.At {
		return binlog.After
	}
	return b.StatementSide(start, floor)
}

// RowSide is R7: where the row events, of this name, of the entry that starts at start lie.
// Inside means that the binlog wins; it never happens to a keyless table (R5).
func (b *NameBase) RowSide(start, floor binlog.Position) binlog.Side {
	if b.Base == BaseRead {
		side := b.Rows.Side(start)
		failpoint.Inject("R7", func() { side = binlog.After })
		return side
	}
	return b.StatementSide(start, floor)
}

// behind is a window of which only one bound exists.
func behind(bound, start binlog.Position) binlog.Side {
	if start.Before(bound) {
		return binlog.Skip
	}
	return binlog.After
}

// Sides answers, for one manifest, on which side of their bases the entries of the log lie:
// what a restore does with each of them, name by name (R2, R7, R8). Names are compared as
// the source compares them. It is built once and safe for concurrent use; the manifest must
// not change behind it.
type Sides struct {
	floor    binlog.Position
	fold     bool
	names    map[schema.Name]*NameBase
	schemas  map[string]*SchemaBase
	objects  map[objectKey]*Object
	selected Selected
}

type objectKey struct {
	kind ObjectKind
	name schema.Name
}

// Sides indexes the manifest's bases.
func (m *Manifest) Sides() *Sides {
	s := &Sides{
		floor:   m.Floor.Position,
		fold:    m.Source.LowerCaseTableNames != 0,
		names:   make(map[schema.Name]*NameBase, len(m.Names)),
		schemas: make(map[string]*SchemaBase, len(m.Schemas)),
		objects: make(map[objectKey]*Object, len(m.Objects)),
	}
	// Catalog neither writes nor returns a manifest whose selection cannot be read; of one that
	// never was in a store all objects count as asked for.
	if selected, err := m.selected(); err == nil {
		s.selected = selected
	} else {
		s.selected = Selected{Fold: s.fold}
	}
	for i := range m.Names {
		s.names[s.key(m.Names[i].Name)] = &m.Names[i]
	}
	for i := range m.Schemas {
		s.schemas[s.key(schema.Name{Schema: m.Schemas[i].Name}).Schema] = &m.Schemas[i]
	}
	for i := range m.Objects {
		s.objects[s.objectKey(m.Objects[i].Kind, m.Objects[i].Name)] = &m.Objects[i]
	}
	return s
}

// key is the form in which the source compares a table's name.
func (s *Sides) key(n schema.Name) schema.Name {
	if s.fold {
		return schema.Name{Schema: strings.ToLower(n.Schema), Name: strings.ToLower(n.Name)}
	}
	return n
}

// objectKey: views share the tables' rules; names of routines and events have no case on any
// server, those of triggers follow the tables'.
func (s *Sides) objectKey(kind ObjectKind, n schema.Name) objectKey {
	n = s.key(n)
	switch kind {
	case KindProcedure, KindFunction, KindEvent:
		n.Name = strings.ToLower(n.Name)
	case KindView, KindTrigger:
	}
	return objectKey{kind: kind, name: n}
}

// Base returns the base of a table's name. A name that the manifest does not list has base
// floor: the log makes it. Names in the server's own schemas are outside.
func (s *Sides) Base(n schema.Name) *NameBase {
	if b, ok := s.names[s.key(n)]; ok {
		return b
	}
	if schema.IsSystem(n.Schema, s.fold) {
		return &NameBase{Name: n, Base: BaseOutside}
	}
	return &NameBase{Name: n, Base: BaseFloor}
}

// RecoverableFrom is R11 for one name: no stop point before it is served for this name, not
// even in a partial restore. An outside name has none of its own.
func (s *Sides) RecoverableFrom(n schema.Name) binlog.Position {
	if b, ok := s.names[s.key(n)]; ok {
		return binlog.Later(b.RecoverableFrom, s.floor)
	}
	if b, ok := s.schemas[s.key(n).Schema]; ok {
		return binlog.Later(b.RecoverableFrom, s.floor)
	}
	return s.floor
}

// StatementSide is NameBase.StatementSide of n for a meaning statement. Inside never comes
// back from a sound manifest (W3), but for statements that change nothing: see CreateSide.
func (s *Sides) StatementSide(n schema.Name, start binlog.Position) binlog.Side {
	return s.Base(n).StatementSide(start, s.floor)
}

// CreateSide is StatementSide for CREATE TABLE. With IF NOT EXISTS, in the window of a table
// that was there, it is skipped: the backup has made sure that the table had not gone (R3).
func (s *Sides) CreateSide(n schema.Name, start binlog.Position, ifNotExists bool) binlog.Side {
	b := s.Base(n)
	side := b.StatementSide(start, s.floor)
	if side == binlog.Inside && ifNotExists && !b.Absent {
		return binlog.Skip
	}
	return side
}

// DefinitionSide is NameBase.DefinitionSide of n, for a definition-only statement.
func (s *Sides) DefinitionSide(n schema.Name, start binlog.Position) binlog.Side {
	return s.Base(n).DefinitionSide(start, s.floor)
}

// RenameSides returns both sides of one pair of a RENAME: of the name that it takes away and
// of the name that it brings in. Both After: the pair is carried out. From alone: its table
// is dropped. To alone: the manifest is broken, or From is outside (R4, R8).
func (s *Sides) RenameSides(from, to schema.Name, start binlog.Position) (source, destination binlog.Side) {
	return s.Base(from).StatementSide(start, s.floor), s.Base(to).DestinationSide(start, s.floor)
}

// RowSide is NameBase.RowSide of n.
func (s *Sides) RowSide(n schema.Name, start binlog.Position) binlog.Side {
	return s.Base(n).RowSide(start, s.floor)
}

// SchemaSide tells where CREATE, ALTER or DROP DATABASE lies for the schema itself. A schema
// that the manifest does not list is made by the log; the server's own are skipped.
func (s *Sides) SchemaSide(name string, start binlog.Position) binlog.Side {
	if b, ok := s.schemas[s.key(schema.Name{Schema: name}).Schema]; ok {
		return b.Window.Side(start)
	}
	if schema.IsSystem(name, s.fold) {
		return binlog.Skip
	}
	return behind(s.floor, start)
}

// ObjectSide tells where a statement on a view, routine, trigger or event lies for it. Inside
// means that the log wins by name: CREATE replaces, DROP removes, as if it came after. An
// object that the manifest does not list is made by the log, if the backup was asked for it.
func (s *Sides) ObjectSide(kind ObjectKind, n schema.Name, start binlog.Position) binlog.Side {
	if o, ok := s.objects[s.objectKey(kind, n)]; ok {
		return o.Window.Side(start)
	}
	selected := s.selected.Object(kind, n)
	failpoint.Inject("R12", func() { selected = true })
	if !selected {
		return binlog.Skip
	}
	return behind(s.floor, start)
}

// TriggerSide is ObjectSide for CREATE TRIGGER, which names the table: a trigger on an outside
// table is never made (R12). A table that the log makes behind floor brings its triggers along.
func (s *Sides) TriggerSide(n, table schema.Name, start binlog.Position) binlog.Side {
	if s.Base(table).Base == BaseOutside {
		return binlog.Skip
	}
	return s.ObjectSide(KindTrigger, n, start)
}
