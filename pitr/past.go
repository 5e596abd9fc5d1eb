package pitr

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// past is what earlier runs of a restore have left on the target, as the notes of its progress
// table tell. Of a restore that begins it is empty.
//
// A run that goes on walks the log from the floor again. What is in front of the noted marks it
// carries out only in the restore's own catalogue; between what the keyed lane has noted as done
// and what it may have written, the binlog wins as in a table's window.
type past struct {
	resumed bool
	phase   string
	chunks  map[string]chunkNote // loaded
	ordered mark
	written mark // by the ordered lane, of tables that do not roll back
	keyed   keyedNote
	// verified is what --verify found; nil where nothing was compared.
	verified *verifiedNote
	fenced   map[schema.Name]mark // folded
	// statement is the last one that was begun; those before it are done.
	statement  *statementNote
	parents    *parentsNote
	anew       []schema.Name               // tables that are dropped because the restore begins anew
	counters   map[schema.Name]counterNote // folded
	views      map[string]viewNote
	objects    []ObjectName
	asides     []aside
	divergence []Divergence
	fold       func(schema.Name) schema.Name
}

// chunkNote is of a chunk that is loaded.
type chunkNote struct {
	// GaveWay is how many rows gave way to others of the chunk with the same unique values.
	GaveWay uint64 `json:"gave_way"`
}

// keyedNote says how far the keyed lane is: everything in front of Done is on the target, nothing
// behind Written.
type keyedNote struct {
	Done    mark `json:"done"`
	Written mark `json:"written"`
}

// verifiedNote says how many loaded rows were compared with the chunks, and why others were not.
type verifiedNote struct {
	Rows     uint64   `json:"rows"`
	Warnings []string `json:"warnings"`
}

// fencedNote: all changes of a table in front of the mark are on the target, whatever its lane.
type fencedNote struct {
	schema.Name
	mark
}

// counterNote is what a table's AUTO_INCREMENT has to be behind.
type counterNote struct {
	schema.Name
	Greatest uint64 `json:"greatest"` // value in a row that was replayed
	Next     uint64 `json:"next"`     // that a definition brought along
}

// viewNote is the text of a view that was made with a star, as the server expanded it.
type viewNote struct {
	Create  []byte `json:"create,omitempty"`  // no text: what is no UTF-8 stays as it is
	Problem string `json:"problem,omitempty"` // why it could not be expanded
}

// statementNote is written before a step of the replay's DDL, and again with Done behind it.
type statementNote struct {
	At   binlog.Position `json:"at"`
	Step int             `json:"step"` // of those of the entry, from 0
	Done bool            `json:"done"`
	// Refused: the target said no, and the step has changed nothing.
	Refused bool `json:"refused,omitempty"`
	// Before are the definitions of what the step changes; empty for a table that was not there.
	Before []definitionNote `json:"before,omitempty"`
}

type definitionNote struct {
	schema.Name
	Create []byte `json:"create"`
}

// readPast reads the notes of a progress table.
func readPast(ctx context.Context, s querier, p *progressTable, fold func(schema.Name) schema.Name) (*past, error) {
	rows, err := s.queryRows(ctx, "SELECT kind, item, value FROM "+p.name.Quoted())
	if err != nil {
		return nil, fmt.Errorf("read how far the restore had come: %w", err)
	}
	past := newPast(fold)
	past.resumed = true
	for _, row := range rows {
		if err := past.add(row[0], row[1], []byte(row[2])); err != nil {
			return nil, fmt.Errorf("read how far the restore had come: %s %s: %w", row[0], row[1], err)
		}
	}
	return past, nil
}

func newPast(fold func(schema.Name) schema.Name) *past {
	return &past{phase: phaseLoad, chunks: map[string]chunkNote{}, fenced: map[schema.Name]mark{}, counters: map[schema.Name]counterNote{}, views: map[string]viewNote{}, fold: fold}
}

func (p *past) add(kind, item string, value []byte) error {
	switch kind {
	case notePhase:
		return json.Unmarshal(value, &p.phase)
	case noteChunk:
		return addTo(value, func(n chunkNote) { p.chunks[item] = n })
	case noteOrdered:
		return json.Unmarshal(value, &p.ordered)
	case noteWritten:
		return json.Unmarshal(value, &p.written)
	case noteVerified:
		return json.Unmarshal(value, &p.verified)
	case noteKeyed:
		return json.Unmarshal(value, &p.keyed)
	case noteStatement:
		return json.Unmarshal(value, &p.statement)
	case noteParents:
		return json.Unmarshal(value, &p.parents)
	case noteAnew:
		return json.Unmarshal(value, &p.anew)
	case noteFenced:
		return addTo(value, func(n fencedNote) { p.fenced[p.fold(n.Name)] = n.mark })
	case noteCounter:
		return addTo(value, func(n counterNote) { p.counters[p.fold(n.Name)] = n })
	case noteView:
		return addTo(value, func(n viewNote) { p.views[item] = n })
	case noteAside:
		return addTo(value, func(n aside) {
			if len(n.Constraints) > 0 {
				p.asides = append(p.asides, n)
			}
		})
	case noteObject:
		return addTo(value, func(n ObjectName) { p.objects = append(p.objects, n) })
	case noteDivergence:
		return addTo(value, func(d Divergence) { p.divergence = append(p.divergence, d) })
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

// passed tells whether everything that an entry did to definitions is done.
func (p *past) passed(entry binlog.Position) bool {
	return p.phase == phaseFinish || p.statement != nil && entry.Before(p.statement.At)
}

// did tells whether a step of an entry is done for certain.
func (p *past) did(entry binlog.Position, step int) bool {
	if p.passed(entry) {
		return true
	}
	s := p.statement
	return s != nil && s.At == entry && (step < s.Step || step == s.Step && s.Done)
}

// doubts tells whether a step of an entry was begun and may be done.
func (p *past) doubts(entry binlog.Position, step int) bool {
	s := p.statement
	return s != nil && p.phase != phaseFinish && s.At == entry && s.Step == step && !s.Done && !s.Refused
}

// fencedOff tells whether a change of a table is on the target, whatever its lane.
func (p *past) fencedOff(n schema.Name, o rewriter.Origin) bool {
	return p.phase == phaseFinish || p.fenced[p.fold(n)].covers(o)
}

// change tells of a change that is not fenced off whether it is on the target, or may be.
func (p *past) change(t *table, o rewriter.Origin) (done, doubtful bool) {
	if t.keyed {
		return p.keyed.Done.covers(o), p.keyed.Written.covers(o)
	}
	return p.ordered.covers(o), t.def.Class() == schema.NonTransactional && p.written.covers(o)
}
