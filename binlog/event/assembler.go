package event

import (
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

// Bounds of what an entry keeps of its statements. Entries with more are transactions in
// statement format; DDL comes one or two in an entry.
const (
	maxKeptQueries    = 1024
	maxKeptQueryBytes = 16 << 20
)

// Assembler groups the events of a stream into entries. One per stream; not safe for concurrent
// use. Rows are passed to OnRows as they come, never kept. After an error it is of no use.
//
// Without GTID events (MySQL 5.6 with GTIDs off) an entry begins with BEGIN or with its statement.
type Assembler struct {
	timeline  binlog.Timeline
	parser    *Parser
	countRows bool

	started  int             // how often the server has
	position binlog.Position // end of the last event
	executed binlog.GTIDSet

	entry      *Entry         // the open one
	inside     bool           // its BEGIN or XA START was there
	ended      bool           // the present event ended it
	touches    map[string]int // index in entry.Tables by schema and name, once there are many
	queryBytes int
	savepoints savepoints
	standing   standing
	foresee    func(binlog.Position) bool
	// unforeseen: rows of the open entry were passed on as such that stand, the last of them at lastUnforeseen.
	unforeseen     bool
	lastUnforeseen uint64

	onBegin  func(*Entry) error
	onRows   func(*Entry, *Rows) error
	onQuery  func(*Entry, *Query) error
	onCutOff func(*Entry) error
}

// Option changes an Assembler.
type Option func(*Assembler)

// WithoutRowCounts leaves out of Touch.Rows the events that no OnRows hook walked: counting
// means walking each row's columns.
func WithoutRowCounts() Option { return func(a *Assembler) { a.countRows = false } }

// NewAssembler returns an assembler for one timeline's events.
func NewAssembler(timeline binlog.Timeline, opts ...Option) *Assembler {
	a := &Assembler{timeline: timeline, parser: NewParser(), countRows: true}
	for _, o := range opts {
		o(a)
	}
	return a
}

// OnBegin sets the hook that is called when an entry begins: its Start, GTID and CommitTime are known.
func (a *Assembler) OnBegin(fn func(*Entry) error) { a.onBegin = fn }

// OnRows sets the hook that gets every rows event. The event is valid until the hook returns;
// its table map lasts.
func (a *Assembler) OnRows(fn func(*Entry, *Rows) error) { a.onRows = fn }

// OnQuery sets the hook that gets every statement of the kind that Entry.Queries holds, be it
// kept there or not. The event is valid until the hook returns.
func (a *Assembler) OnQuery(fn func(*Entry, *Query) error) { a.onQuery = fn }

// AtBoundary tells whether no entry is open.
func (a *Assembler) AtBoundary() bool { return a.entry == nil }

// Position returns the end of the last event; a boundary between entries if AtBoundary.
func (a *Assembler) Position() binlog.Position { return a.position }

// Executed returns the GTIDs of all Previous_gtids events and entries seen. The caller may keep the set.
func (a *Assembler) Executed() binlog.GTIDSet { return a.executed.Clone() }

// Format returns the format description in force; nil before the first.
func (a *Assembler) Format() *Format { return a.parser.Format() }

// SetFormat gives the format description event (raw, as in the file) of a file that is read
// from its middle. It moves no position. Table maps are forgotten: it is refused inside an entry.
func (a *Assembler) SetFormat(raw []byte) error {
	if a.entry != nil {
		return fmt.Errorf("set format inside the entry that began at %s: %w", a.entry.Start, ErrMalformed)
	}
	events, err := a.parser.Parse(raw)
	if err != nil {
		return err
	}
	if _, ok := events[0].(*Format); !ok {
		return fmt.Errorf("set format: a %s event: %w", events[0].Header().Type, ErrMalformed)
	}
	return nil
}

// Add takes the next event: the bytes raw that stand in file at offset start. It returns the
// entry that this event ended, or nil; the entry is the caller's. Events follow each other
// without a gap inside an entry; between entries the reader may go elsewhere, and begins a new
// file with its format description. Errors name the position and wrap those of Parser and hooks.
func (a *Assembler) Add(file string, start uint64, raw []byte) (*Entry, error) {
	at := binlog.Position{Timeline: a.timeline, File: file, Pos: start}
	cutOff, err := a.cutOff(at, raw)
	if err != nil {
		return nil, err
	}
	if a.entry != nil && at != a.position && !cutOff {
		return nil, fmt.Errorf("read binlog at %s: the entry that began at %s goes on at %s: %w", at, a.entry.Start, a.position, ErrMalformed)
	}
	if len(raw) > HeaderSize-1 && (Type(raw[4]) == TypeHeartbeat || Type(raw[4]) == TypeHeartbeatV2) {
		return nil, nil // stands in no file
	}
	var last Header
	err = a.parser.Each(raw, func(e Event) error {
		last = e.Header()
		return a.event(at, e)
	})
	if err != nil {
		return nil, fmt.Errorf("read binlog at %s: %w", at, err)
	}
	a.position = at
	a.position.Pos += uint64(len(raw))
	if !a.ended {
		return nil, nil
	}
	return a.finish(last), nil
}

// event takes one event; those of a compressed transaction stand at the place of their payload.
func (a *Assembler) event(at binlog.Position, e Event) error {
	if a.ended {
		return fmt.Errorf("%s event behind the end of its transaction: %w", e.Header().Type, ErrMalformed)
	}
	switch e := e.(type) {
	case *Format:
		if at.Pos == binlog.FirstOffset && e.Created != 0 {
			a.started++
		}
		return a.betweenEntries(e)
	case *Rotate, *Stop, *BinlogCheckpoint:
		return a.betweenEntries(e)
	case *PreviousGTIDs:
		a.executed.AddSet(e.Set)
		return a.betweenEntries(e)
	case *GTID:
		if err := a.betweenEntries(e); err != nil {
			return err
		}
		return a.begin(at, e)
	case *Query:
		return a.query(at, e)
	case *Rows:
		return a.rows(at, e)
	case *XID:
		return a.end(e, Transaction)
	case *XAPrepare:
		if a.entry != nil && !e.is(a.entry.XID) {
			return fmt.Errorf("XA prepare of gtrid %x, bqual %x, format %d in the transaction %s: %w", e.GTRID, e.BQUAL, e.FormatID, a.entry.XID, ErrMalformed)
		}
		if e.OnePhase {
			return a.end(e, Transaction)
		}
		return a.end(e, XAPrepared)
	case *StatementContext:
		if err := a.ensure(at); err != nil {
			return err
		}
		a.entry.StatementContext = true
	case *Incident:
		if err := a.ensure(at); err != nil {
			return err
		}
		a.entry.Incident = true
		if !a.inside { // else the transaction goes on
			a.entry.Kind, a.ended = Statement, true
		}
	}
	return nil
}

// betweenEntries refuses an event that cannot stand inside an entry.
func (a *Assembler) betweenEntries(e Event) error {
	if a.entry == nil {
		return nil
	}
	return fmt.Errorf("%s event inside the entry that began at %s: %w", e.Header().Type, a.entry.Start, ErrMalformed)
}

// ensure opens an entry where no GTID event did.
func (a *Assembler) ensure(at binlog.Position) error {
	if a.entry != nil {
		return nil
	}
	return a.begin(at, &GTID{})
}

func (a *Assembler) begin(at binlog.Position, g *GTID) error {
	a.entry = &Entry{Start: at, GTID: g.ID, CommitTime: g.ImmediateCommit, Started: a.started}
	if m := g.MariaDB; m != nil {
		// What is no statement of its own is a transaction, without an event that says BEGIN or XA START (fact 8.14).
		a.inside = m.Flags&MariaDBStandalone == 0
		if m.Flags&MariaDBPreparedXA != 0 {
			a.entry.XID = m.XID
		}
		a.entry.Alter = alterOf(m.Extra)
	}
	if a.onBegin != nil {
		return a.onBegin(a.entry)
	}
	return nil
}

// end notes that the event is the last of its transaction.
func (a *Assembler) end(e Event, kind EntryKind) error {
	if !a.inside {
		return fmt.Errorf("%s event outside a transaction: %w", e.Header().Type, ErrMalformed)
	}
	a.entry.Kind, a.ended = kind, true
	return nil
}

// finish closes the open entry and hands it out.
func (a *Assembler) finish(last Header) *Entry {
	e := a.entry
	e.End, e.Timestamp = a.position, last.Timestamp
	a.executed.Add(e.GTID)
	a.reset()
	return e
}

// rows notes what a rows event touches and passes it on.
func (a *Assembler) rows(at binlog.Position, r *Rows) error {
	if !a.inside {
		return fmt.Errorf("%s event of %s outside a transaction: %w", r.header.Type, r.Table.Name, ErrMalformed)
	}
	r.Undone = a.look(at)
	a.standing.rows++
	for i := range a.entry.Tables {
		if r.doubts != (schema.Name{}) && a.entry.Tables[i].Name == r.doubts {
			a.entry.Tables[i].Doubtful = true
		}
	}
	touch := a.touch(r)
	touch.Flags |= r.Flags
	touch.PartialImage = touch.PartialImage || r.PartialImage()
	touch.PartialJSON = touch.PartialJSON || r.PartialJSON
	touch.Doubtful = touch.Doubtful || r.Doubtful
	touch.Bare = touch.Bare || r.Bare()
	if a.onRows != nil {
		if err := a.onRows(a.entry, r); err != nil {
			return err
		}
	}
	if !a.countRows && r.count < 0 {
		return nil
	}
	n, err := r.Count()
	touch.Rows += uint64(n)
	return err
}

// fewTables is the number of tables up to which a list is searched faster than a map.
const fewTables = 8

// touch returns the entry's record of the event's table. It is valid until the next call.
func (a *Assembler) touch(r *Rows) *Touch {
	tables := &a.entry.Tables
	if a.touches == nil {
		for i := range *tables {
			if (*tables)[i].Name == r.Table.Name {
				return &(*tables)[i]
			}
		}
	} else if i, ok := a.touches[touchKey(r)]; ok {
		return &(*tables)[i]
	}
	*tables = append(*tables, Touch{Name: r.Table.Name})
	if len(*tables) == fewTables {
		a.touches = map[string]int{}
		for i, t := range *tables {
			a.touches[t.Name.Schema+"\x00"+t.Name.Name] = i
		}
	} else if a.touches != nil {
		a.touches[touchKey(r)] = len(*tables) - 1
	}
	return &(*tables)[len(*tables)-1]
}

// touchKey joins the names by a byte that no identifier has.
func touchKey(r *Rows) string { return r.Table.Name.Schema + "\x00" + r.Table.Name.Name }
