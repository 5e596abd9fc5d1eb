package bases

import (
	"iter"
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TableRead is what one read of a table found.
type TableRead struct {
	// Present: there is a table of this name. If not, only First and After are set.
	Present bool
	// First is t0 of the first definition, the one that the SELECT list was made from; After is
	// t1 of the last chunk or, of an absent table, of the look.
	First, After Mark
	// DefinitionAfter is t1 of the definition.
	DefinitionAfter Mark
	// Chunks is t0 of the earliest chunk; of a snapshot the samples made directly before it.
	Chunks Mark
	// Rows is t1 of the last chunk; of a snapshot the sample made directly after it.
	Rows Mark
	// Keyless: no row event may lie in the row window (R5).
	Keyless bool
	// Identity are the columns by which rows are told apart: no partial image in the row window may
	// change one (R5). EveryColumn where partial images do not have them.
	Identity Columns
	// Settled is the place of a row barrier before the first definition, zero for none: what the
	// log holds before it is in the definition and in the chunks.
	Settled binlog.Position
	// Table is the definition; nil where nobody asks for its foreign keys.
	Table *schema.Table

	// Locked: the table was read behind its table lock. Its low mark is never the clock's: a barrier
	// (Settled) tells what the read holds, or the table's writers do (see lockedLow).
	Locked bool

	// definition is t0 of the definition in use, when it was read again.
	definition Mark
}

// DefinitionRead is what reading a definition again found.
type DefinitionRead struct {
	Present       bool
	Before, After Mark
}

// Want is something that has to be read.
type Want struct {
	Kind WantKind
	// Name is the table's; of a schema, Name.Schema; of an object, its name.
	Name    schema.Name
	Object  catalog.ObjectKind
	Attempt int // to be handed back with the result
	// Behind: the tick before the read must have a high at or behind it (R3). Unknown: any.
	Behind binlog.Position
	// Settle: the table is to be read behind a row barrier, a keyless one also with the barrier's
	// place as its low.
	Settle bool
	// Again: why what was read before does not count, oldest first; empty for a first read.
	Again []catalog.ReadAgain
}

// WantKind is a kind of read.
type WantKind int

// Kinds of reads.
const (
	WantTable WantKind = iota
	WantDefinition
	WantSchema
	WantObject
)

// Wanted returns what has to be read and is being read by nobody.
func (b *Bases) Wanted() []Want { return slices.Collect(b.wants()) }

// Take begins the first wanted read that ready agrees to.
func (b *Bases) Take(ready func(Want) bool) (Want, bool) {
	for w := range b.wants() {
		if ready(w) && b.Begin(w) {
			return w, true
		}
	}
	return Want{}, false
}

func (b *Bases) wants() iter.Seq[Want] {
	return func(yield func(Want) bool) {
		for _, n := range b.order {
			if w, wanted := n.want(); wanted && !yield(w) {
				return
			}
		}
		for _, s := range b.schemaList {
			if w, wanted := s.want(); wanted && !yield(w) {
				return
			}
		}
		for _, o := range b.objectList {
			if w, wanted := o.want(); wanted && !yield(w) {
				return
			}
		}
	}
}

func (n *name) want() (Want, bool) {
	if !n.needed() || n.progress != idle && n.progress != rereadDef {
		return Want{}, false
	}
	w := Want{Kind: WantTable, Name: n.spelled, Attempt: n.attempt, Behind: n.behind, Settle: n.settle, Again: n.again}
	if n.progress == rereadDef {
		w.Kind = WantDefinition
	}
	return w, true
}

// Begin says that somebody reads what w wants. It is false when w is out of date.
func (b *Bases) Begin(w Want) bool {
	switch w.Kind {
	case WantSchema:
		return b.schema(w.Name.Schema).begin(w.Attempt)
	case WantObject:
		return b.object(w.Object, w.Name).begin(w.Attempt)
	case WantTable, WantDefinition:
	}
	n := b.name(w.Name)
	if n.attempt != w.Attempt || !n.needed() {
		return false
	}
	switch {
	case w.Kind == WantTable && n.progress == idle:
		n.progress = reading
	case w.Kind == WantDefinition && n.progress == rereadDef:
		n.progress = readingDef
	default:
		return false
	}
	return true
}

// Opened tells the mark before the first definition of a read that goes on, so that
// statements which make it void are noticed before its end. locks: its engine, which has no transactions, locks the table.
func (b *Bases) Opened(w Want, first Mark, locks bool) {
	if n := b.name(w.Name); n.attempt == w.Attempt && n.progress == reading {
		n.opened, n.locks = first, locks
		b.dirty = true
	}
}

// Current tells whether the read of w still counts.
func (b *Bases) Current(w Want) bool {
	n := b.name(w.Name)
	return n.attempt == w.Attempt && (n.progress == reading || n.progress == readingDef)
}

// TableDone takes the result of a table's read. It is false when the read was void already.
func (b *Bases) TableDone(w Want, r TableRead) bool {
	n := b.name(w.Name)
	if n.attempt != w.Attempt || n.progress != reading {
		return false
	}
	r.definition = r.First
	if !r.Present {
		r.DefinitionAfter, r.Chunks, r.Rows = r.After, r.First, r.After
	}
	n.read, n.progress = r, read
	b.setReadBase(n)
	return true
}

// DefinitionDone takes the result of reading a definition again. D0 stays: the chunks were
// read with the columns of the first one.
func (b *Bases) DefinitionDone(w Want, r DefinitionRead) bool {
	n := b.name(w.Name)
	if n.attempt != w.Attempt || n.progress != readingDef {
		return false
	}
	if !r.Present {
		b.readAgain(n, catalog.ReadAgain{Reason: "its definition is gone"}, binlog.Position{})
		return true
	}
	n.progress = read
	n.read.definition, n.read.DefinitionAfter = r.Before, r.After
	b.setReadBase(n)
	return true
}

// Failed tells that a read broke off in a way that says nothing yet (the table has gone, a
// column is unknown): it is begun again. The stream has come to p, and told nothing.
func (b *Bases) Failed(w Want, reason string, p binlog.Position) bool {
	n := b.name(w.Name)
	if n.attempt != w.Attempt || n.progress != reading && n.progress != readingDef {
		return false
	}
	b.readAgain(n, catalog.ReadAgain{Reason: reason, Position: p}, binlog.Position{})
	return true
}

// Abandon says that the table cannot be read: the backup goes on without it, as if it had not
// been asked for.
func (b *Bases) Abandon(w Want) {
	n := b.name(w.Name)
	n.attempt++
	n.setOutside()
	b.dirty = true
}

// setReadBase makes the windows of DESIGN section 3 of what was read. Rows.Low follows in
// rowLow, when the stream has got that far.
func (b *Bases) setReadBase(n *name) {
	r := &n.read
	n.base = catalog.NameBase{
		Base:       catalog.BaseRead,
		Absent:     !r.Present,
		Statements: binlog.Window{Low: r.First.High, High: laterHigh(r.After, r.DefinitionAfter).High},
		Definition: binlog.Window{Low: r.definition.High, High: r.DefinitionAfter.High},
		Rows:       binlog.Window{High: r.Rows.High},
	}
	n.touchesFinal = false
	b.dirty = true
}
