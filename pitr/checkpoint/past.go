package checkpoint

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// Past is what earlier runs of a restore have left on the target, as the notes of its progress
// table tell. Of a restore that begins it is empty.
//
// A run that goes on walks the log from the floor again. What is in front of the noted marks it
// carries out only in the restore's own catalogue; between what the keyed lane has noted as done
// and what it may have written, the binlog wins as in a table's window.
type Past struct {
	Resumed bool                 // an earlier run has begun
	Phase   string               // in which it was
	Chunks  map[string]ChunkNote // loaded
	// Restarted: the target's server was started again since the restore began.
	Restarted bool
	started   StartedNote
	ordered   Mark
	written   Mark // by the ordered lane, of tables that do not roll back
	Keyed     KeyedNote
	// Verified is what --verify found; nil where nothing was compared.
	Verified *VerifiedNote
	fenced   map[schema.Name]Mark // folded
	// Statement is the last one that was begun; those before it are done.
	Statement  *StatementNote
	Parents    *ParentsNote
	Anew       []schema.Name               // tables that are dropped because the restore begins anew
	counters   map[schema.Name]CounterNote // folded
	Views      map[string]ViewNote
	Objects    []schema.ObjectName
	Asides     []Aside
	Collations []CollationNote
	Divergence []Divergence
	fold       func(schema.Name) schema.Name
}

// ChunkNote is of a chunk that is loaded.
type ChunkNote struct {
	// GaveWay is how many rows gave way to others of the chunk with the same unique values.
	GaveWay uint64 `json:"gave_way"`
}

// KeyedNote says how far the keyed lane is: everything in front of Done is on the target, nothing
// behind Written.
type KeyedNote struct {
	Done    Mark `json:"done"`
	Written Mark `json:"written"`
}

// VerifiedNote says how many loaded rows were compared with the chunks, and why others were not.
type VerifiedNote struct {
	Rows     uint64   `json:"rows"`
	Warnings []string `json:"warnings"`
}

// FencedNote: all changes of a table in front of the mark are on the target, whatever its lane.
type FencedNote struct {
	schema.Name
	Mark
}

// CounterNote is what a table's AUTO_INCREMENT has to be behind.
type CounterNote struct {
	schema.Name
	Greatest uint64 `json:"greatest"` // value in a row that was replayed
	Next     uint64 `json:"next"`     // that a definition brought along
}

// CollationNote is the default of a schema of the target that Finish changes for a moment.
type CollationNote struct {
	Schema    string `json:"schema"`
	Collation string `json:"collation"`
}

// ViewNote is the text of a view that was made with a star, as the server expanded it.
type ViewNote struct {
	Create  []byte `json:"create,omitempty"`  // no text: what is no UTF-8 stays as it is
	Problem string `json:"problem,omitempty"` // why it could not be expanded
}

// StatementNote is written before a step of the replay's DDL, and again with Done behind it.
type StatementNote struct {
	At   binlog.Position `json:"at"`
	Step int             `json:"step"` // of those of the entry, from 0
	Done bool            `json:"done"`
	// Refused: the target said no, and the step has changed nothing.
	Refused bool `json:"refused,omitempty"`
	// Before are the definitions of what the step changes; empty for a table that was not there.
	Before []DefinitionNote `json:"before,omitempty"`
}

// DefinitionNote is a table with the definition that the target had of it, empty for none.
type DefinitionNote struct {
	schema.Name
	Create []byte `json:"create"`
}

// ReadPast reads the notes of a progress table.
func ReadPast(ctx context.Context, s target.Querier, p *Table, fold func(schema.Name) schema.Name) (*Past, error) {
	rows, err := s.QueryRows(ctx, "SELECT kind, item, value FROM "+p.Name.Quoted())
	if err != nil {
		return nil, fmt.Errorf("read how far the restore had come: %w", err)
	}
	past := NewPast(fold)
	past.Resumed = true
	for _, row := range rows {
		if err := past.add(row[0], row[1], []byte(row[2])); err != nil {
			return nil, fmt.Errorf("read how far the restore had come: %s %s: %w", row[0], row[1], err)
		}
	}
	return past, nil
}

// NewPast is that of a restore that begins. fold is how the source compares names.
func NewPast(fold func(schema.Name) schema.Name) *Past {
	return &Past{Phase: PhaseLoad, Chunks: map[string]ChunkNote{}, fenced: map[schema.Name]Mark{}, counters: map[schema.Name]CounterNote{}, Views: map[string]ViewNote{}, fold: fold}
}

func (p *Past) add(kind, item string, value []byte) error {
	switch kind {
	case notePhase:
		return json.Unmarshal(value, &p.Phase)
	case NoteStarted:
		return json.Unmarshal(value, &p.started)
	case NoteChunk:
		return addTo(value, func(n ChunkNote) { p.Chunks[item] = n })
	case NoteOrdered:
		return json.Unmarshal(value, &p.ordered)
	case NoteWritten:
		return json.Unmarshal(value, &p.written)
	case NoteVerified:
		return json.Unmarshal(value, &p.Verified)
	case NoteKeyed:
		return json.Unmarshal(value, &p.Keyed)
	case NoteStatement:
		return json.Unmarshal(value, &p.Statement)
	case NoteParents:
		return json.Unmarshal(value, &p.Parents)
	case noteAnew:
		return json.Unmarshal(value, &p.Anew)
	case NoteFenced:
		return addTo(value, func(n FencedNote) { p.fenced[p.fold(n.Name)] = n.Mark })
	case NoteCounter:
		return addTo(value, func(n CounterNote) { p.counters[p.fold(n.Name)] = n })
	case NoteView:
		return addTo(value, func(n ViewNote) { p.Views[item] = n })
	case NoteAside:
		return addTo(value, func(n Aside) {
			if len(n.Constraints) > 0 {
				p.Asides = append(p.Asides, n)
			}
		})
	case NoteObject:
		return addTo(value, func(n schema.ObjectName) { p.Objects = append(p.Objects, n) })
	case NoteCollation:
		return addTo(value, func(n CollationNote) { p.Collations = append(p.Collations, n) })
	case NoteDivergence:
		return addTo(value, func(d Divergence) { p.Divergence = append(p.Divergence, d) })
	}
	return nil
}

func addTo[V any](value []byte, add func(V)) error {
	var v V
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	add(v)
	return nil
}

// Ordered is how far the ordered lane had come.
func (p *Past) Ordered() Mark { return p.ordered }

// Written is how far it may have come in tables that do not roll back.
func (p *Past) Written() Mark { return p.written }

// Counter returns the note of a table's AUTO_INCREMENT.
func (p *Past) Counter(n schema.Name) (note CounterNote, ok bool) {
	note, ok = p.counters[p.fold(n)]
	return note, ok
}

// Passed tells whether everything that an entry did to definitions is done.
func (p *Past) Passed(entry binlog.Position) bool {
	return p.Phase == PhaseFinish || p.Statement != nil && entry.Before(p.Statement.At)
}

// Began tells whether a step of an entry was begun: what comes in front of its statements is done, and names may be
// those behind it.
func (p *Past) Began(entry binlog.Position) bool {
	return p.Passed(entry) || p.Statement != nil && p.Statement.At == entry
}

// Did tells whether a step of an entry is done for certain.
func (p *Past) Did(entry binlog.Position, step int) bool {
	if p.Passed(entry) {
		return true
	}
	s := p.Statement
	return s != nil && s.At == entry && (step < s.Step || step == s.Step && s.Done)
}

// Doubts tells whether a step of an entry was begun and may be done.
func (p *Past) Doubts(entry binlog.Position, step int) bool {
	s := p.Statement
	return s != nil && p.Phase != PhaseFinish && s.At == entry && s.Step == step && !s.Done && !s.Refused
}

// FencedOff tells whether a change of a table is on the target, whatever its lane.
func (p *Past) FencedOff(n schema.Name, o rewriter.Origin) bool {
	return p.Phase == PhaseFinish || p.fenced[p.fold(n)].covers(o)
}

// Change tells of a change that is not fenced off whether it is on the target, or may be.
func (p *Past) Change(keyed, nonTransactional bool, o rewriter.Origin) (done, doubtful bool) {
	if keyed {
		return p.Keyed.Done.covers(o), p.Keyed.Written.covers(o)
	}
	return p.ordered.covers(o), nonTransactional && p.written.covers(o)
}

// Cascaded tells whether what foreign keys made of a row is on the target. It went through the ordered lane, which
// every statement drains.
func (p *Past) Cascaded(o rewriter.Origin) bool { return p.Passed(o.Entry) || p.ordered.covers(o) }
