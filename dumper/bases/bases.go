package bases

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Config is what the rules need to know beforehand.
type Config struct {
	// First is the first tick, sampled before discovery; its low is floor.
	First Mark
	// Selected tells whether the backup was asked for the table (R12).
	Selected func(schema.Name) bool
	// SelectedObject is the same for views, routines, triggers and events.
	SelectedObject func(catalog.ObjectKind, schema.Name) bool
	// Locked: SHOW CREATE of a schema, view, routine, trigger or event waits for a statement that
	// is in the log and not committed, as it does for a table's; then their windows begin at
	// t0.high, else at t0.low.
	Locked bool
	// PlaceLow: the low mark is a place in the log (the start of a file, or log_status), not a set
	// of GTIDs. It may run ahead of XA transactions (see provedXA) and rests until the file is
	// rotated.
	PlaceLow bool
	// FoldNames: the source compares names without case (lower_case_table_names not 0).
	FoldNames bool
}

// Bases holds the state of every name. See the package's comment.
type Bases struct {
	cfg      Config
	floor    binlog.Position // unknown until the stream has resolved it
	received binlog.Position // the stream has passed everything before

	statements []*logged
	rows       touches
	xaUnknown  []touch // commits of XA transactions whose prepare nobody saw
	names      map[schema.Name]*name
	order      []*name // by first appearance, so that runs are repeatable
	schemas    map[string]*schemaState
	schemaList []*schemaState
	objects    map[objectKey]*object
	objectList []*object

	listed bool // discovery is complete
	after  Mark // the first tick behind discovery

	mustPass binlog.Position // a read waits for the stream to pass it

	changed bool // an evaluation asked for something
	asked   bool // likewise, since TakeAsked
	dirty   bool // something was fed since the last evaluation
}

// New returns the state at the first tick: nothing listed, nothing received.
func New(cfg Config) *Bases {
	return &Bases{
		cfg:     cfg,
		names:   map[schema.Name]*name{},
		schemas: map[string]*schemaState{},
		objects: map[objectKey]*object{},
		dirty:   true,
	}
}

// Floor returns the low of the first tick once the stream has resolved it.
func (b *Bases) Floor() (binlog.Position, bool) {
	if b.floor.IsZero() {
		if p, ok := b.cfg.First.Low(); ok {
			b.floor = p
		}
	}
	return b.floor, !b.floor.IsZero()
}

// resolve begins the windows of schemas and objects whose low mark the stream has resolved by now.
func (b *Bases) resolve() {
	for _, s := range b.schemaList {
		if s.progress == read && !s.lowKnown {
			s.window.Low, s.lowKnown = b.windowLow(s.before)
		}
	}
	for _, o := range b.objectList {
		if o.progress == read && !o.lowKnown {
			o.window.Low, o.lowKnown = b.windowLow(o.before)
		}
	}
}

// windowLow is where the window of a schema or object that was read behind t0 begins.
func (b *Bases) windowLow(t0 Mark) (binlog.Position, bool) {
	if b.cfg.Locked {
		return t0.High, true
	}
	return t0.Low()
}

func (b *Bases) isSystem(name string) bool { return schema.IsSystem(name, b.cfg.FoldNames) }

func (b *Bases) key(n schema.Name) schema.Name {
	if b.cfg.FoldNames {
		return foldName(n)
	}
	return n
}

// name returns the state of a table's name, making it when it is seen first.
func (b *Bases) name(n schema.Name) *name {
	key := b.key(n)
	if s := b.names[key]; s != nil {
		return s
	}
	s := &name{key: key, spelled: n, base: catalog.NameBase{Base: catalog.BaseFloor}}
	if b.isSystem(key.Schema) {
		s.setOutside()
	}
	for _, st := range b.statements { // DROP DATABASE names no table
		if st.everyTableOf(key.Schema) {
			s.logged(st)
		}
	}
	b.names[key] = s
	b.order = append(b.order, s)
	return s
}

// Receive takes the next entry of the log, in log order. Entries before floor count for
// nothing, their effects are in everything that was read: but those of XA transactions where no
// low mark proves that.
func (b *Bases) Receive(e *Entry) {
	floor, known := b.Floor()
	b.received = e.End
	if e.XA && b.cfg.PlaceLow {
		b.receiveXA(e)
	}
	// An unresolved floor means that the low mark contains all entries up to this one.
	if !known || e.Start.Before(floor) {
		return
	}
	b.dirty = true
	for i := range e.Statements {
		b.receiveStatement(e, &e.Statements[i])
	}
	for _, r := range e.Rows {
		if b.isSystem(r.Name.Schema) {
			continue
		}
		n := b.name(r.Name)
		n.seen(existed, e.Start, e.End, "a row event")
		n.hidden.add(e.Start, e.End, e.Time, r.Hidden)
		if e.XA && b.cfg.PlaceLow {
			continue // receiveXA has noted it
		}
		b.rows.add(n, touch{start: e.Start, end: e.End, time: e.Time, partial: r.Partial, diff: r.Diff, changed: r.Changed})
	}
}

func (b *Bases) receiveStatement(e *Entry, st *Statement) {
	if b.cfg.FoldNames {
		st = folded(st)
	}
	s := &logged{Statement: st, index: len(b.statements), start: e.Start, end: e.End, time: e.Time}
	for _, t := range st.Touches {
		if b.isSystem(t.Name.Schema) {
			continue
		}
		n := b.name(t.Name)
		n.logged(s)
		n.seen(t.fate(st.IfNotExists), e.Start, e.End, st.Text)
	}
	if s.touchesUnnamed() {
		for _, n := range b.order {
			if s.everyTableOf(n.key.Schema) {
				n.logged(s)
				n.seen(existed, e.Start, e.End, st.Text)
			}
		}
	}
	b.statements = append(b.statements, s)
	b.receiveSchema(s)
	b.receiveObjects(s)
}

// Passed tells that the stream holds everything before p; headers of files move it too.
func (b *Bases) Passed(p binlog.Position) {
	if b.received.IsZero() || b.received.Before(p) {
		b.received = p
		b.dirty = true
	}
}

// ListTable tells that discovery found a table of this name. A table that was not asked for
// is outside.
func (b *Bases) ListTable(n schema.Name) {
	s := b.name(n)
	s.spelled = n
	if !b.cfg.Selected(n) {
		s.setOutside()
		return
	}
	s.listed = true
}

// Listed tells that discovery is complete; after is the first tick behind it.
func (b *Bases) Listed(after Mark) {
	b.listed, b.after, b.dirty = true, after, true
}

// Evaluate looks at everything received so far and decides what has to be read, or read
// again. It does nothing when nothing was fed since the last call.
func (b *Bases) Evaluate() {
	if _, known := b.Floor(); !known || !b.dirty {
		return
	}
	if !b.listed {
		b.noteTouches()
		return
	}
	b.dirty, b.changed = false, false
	b.resolve()
	b.findUnlisted()
	b.evaluateSchemas()
	for _, s := range b.statements {
		b.inWindows(s)
		b.flow(s)
	}
	b.nothingInRowWindows()
	b.provedXA()
	b.provedLocked()
	b.cascades()
	b.foreignKeys()
	b.evaluateObjects()
	if b.changed { // a new base may be a tombstone, from which something else follows
		b.dirty, b.asked = true, true
	}
}
