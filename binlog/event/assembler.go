package event

import "github.com/tripod-db/tripod/binlog"

// Assembler groups the events of a stream into entries. One per stream; not safe for
// concurrent use. Rows are passed to OnRows as they come, never kept.
type Assembler struct {
	timeline binlog.Timeline
	parser   *Parser
	position binlog.Position
	executed binlog.GTIDSet
	entry    *Entry

	onBegin func(*Entry) error
	onRows  func(*Entry, *Rows) error
	onQuery func(*Entry, *Query) error
}

// Option changes an Assembler.
type Option func(*Assembler)

// WithoutRowCounts leaves Touch.Rows 0 where no OnRows hook walked the rows: counting means
// walking each row's columns.
func WithoutRowCounts() Option { return func(a *Assembler) {} }

// NewAssembler returns an assembler for one timeline's events.
func NewAssembler(timeline binlog.Timeline, opts ...Option) *Assembler {
	a := &Assembler{timeline: timeline, parser: NewParser()}
	for _, o := range opts {
		o(a)
	}
	return a
}

// OnBegin sets the hook that is called when an entry begins: its Start, GTID and CommitTime are known.
func (a *Assembler) OnBegin(fn func(*Entry) error) { a.onBegin = fn }

// OnRows sets the hook that gets every rows event. The event is valid until the hook returns.
func (a *Assembler) OnRows(fn func(*Entry, *Rows) error) { a.onRows = fn }

// OnQuery sets the hook that gets every statement of the kind that Entry.Queries holds. The
// event is valid until the hook returns.
func (a *Assembler) OnQuery(fn func(*Entry, *Query) error) { a.onQuery = fn }

// SetFormat gives the format description event (raw, as in the file) of a file that is read
// from its middle. It moves no position.
func (a *Assembler) SetFormat(raw []byte) error { return ErrUnsupported }

// Add takes the next event: the bytes raw that stand in file at offset start. It returns the
// entry that this event ended, or nil. Events follow each other without a gap inside an entry;
// between entries the reader may go elsewhere.
func (a *Assembler) Add(file string, start uint64, raw []byte) (*Entry, error) {
	return nil, ErrUnsupported
}

// AtBoundary tells whether no entry is open.
func (a *Assembler) AtBoundary() bool { return a.entry == nil }

// Position returns the end of the last event.
func (a *Assembler) Position() binlog.Position { return a.position }

// Executed returns the GTIDs of the last Previous_gtids event and of the entries since. The
// caller may keep the set.
func (a *Assembler) Executed() binlog.GTIDSet { return a.executed.Clone() }
