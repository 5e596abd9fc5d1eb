package pitr

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// ProgressTable is the table in which a restore keeps, on the target, what it is and how far it
// has come: in the first schema restored, from the first object made until Finish drops it.
const ProgressTable = "__tripod_restore"

// Phases of a restore as the table tells them.
const (
	phaseLoad   = "load"
	phaseReplay = "replay"
	phaseFinish = "finish"
)

// progressTable writes ProgressTable: notes, each in the same transaction as what it tells of
// where that can be. What a later run makes of them, see past.
type progressTable struct{ name schema.Name }

// note is one row of the table. Another one of the same kind and item takes its place.
type note struct {
	kind, item string
	value      []byte // JSON
}

// Kinds of notes.
const (
	noteRestore    = "restore"    // which restore it is (restoreNote)
	notePhase      = "phase"      // that it is in
	noteChunk      = "chunk"      // that is loaded, by key
	noteOrdered    = "ordered"    // mark: what is in front of it is on the target, of tables of the ordered lane
	noteKeyed      = "keyed"      // keyedNote
	noteFenced     = "fenced"     // fencedNote, by table
	noteStatement  = "statement"  // the last one that was begun (statementNote)
	noteParents    = "parents"    // foreign keys that follow a RENAME (parentsNote)
	noteCounter    = "counter"    // AUTO_INCREMENT, by table (counterNote)
	noteView       = "view"       // that was expanded (viewNote)
	noteObject     = "object"     // that is or was about to be made (ObjectName)
	noteDivergence = "divergence" // that --on-divergence binlog-wins went over
)

// newNote makes a note; its value is one of the types above, which always become JSON.
func newNote(kind, item string, value any) note {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("pitr: note of kind %s: %v", kind, err))
	}
	return note{kind: kind, item: item, value: text}
}

// create makes the table, which a run may have been killed right behind. The primary key is there for targets that demand one, and narrow enough
// for the smallest that InnoDB allows (767 bytes).
func (p *progressTable) create(ctx context.Context, s *session, restore restoreNote) error {
	err := s.exec(ctx, "CREATE TABLE IF NOT EXISTS "+p.name.Quoted()+" (kind VARBINARY(16) NOT NULL, item VARBINARY(700) NOT NULL, value LONGBLOB NOT NULL,"+
		" PRIMARY KEY (kind, item)) ENGINE=InnoDB COMMENT='tripod keeps its progress here; restore drops it at its end'")
	if err == nil {
		err = p.write(ctx, s, newNote(noteRestore, "", restore), newNote(notePhase, "", phaseLoad))
	}
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	return nil
}

// put is the statement that takes notes.
func (p *progressTable) put(notes ...note) string {
	var b strings.Builder
	b.WriteString("REPLACE INTO " + p.name.Quoted() + " (kind, item, value) VALUES ")
	for i, n := range notes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "('%s', %s, %s)", n.kind, rewriter.QuoteString(n.item), rewriter.QuoteString(string(n.value)))
	}
	return b.String()
}

// execer is a session of either kind.
type execer interface {
	exec(ctx context.Context, statements string) error
}

// write takes notes in a transaction of their own. Notes of other connections may stand in the way.
func (p *progressTable) write(ctx context.Context, s execer, notes ...note) error {
	if len(notes) == 0 {
		return nil
	}
	for try := 1; ; try++ {
		err := s.exec(ctx, p.put(notes...))
		if err == nil {
			return nil
		}
		if !isLockConflict(err) || try == lockTries {
			return fmt.Errorf("note the progress of the restore on the target: %w", err)
		}
	}
}

// enter notes the beginning of a phase.
func (p *progressTable) enter(ctx context.Context, s *session, phase string) error {
	return p.write(ctx, s, newNote(notePhase, "", phase))
}

// forget takes all notes away but what restore it is.
func (p *progressTable) forget(ctx context.Context, s *session) error {
	if err := s.exec(ctx, "DELETE FROM "+p.name.Quoted()+" WHERE kind<>'"+noteRestore+"'"); err != nil {
		return fmt.Errorf("begin the restore anew: %w", err)
	}
	return p.enter(ctx, s, phaseLoad)
}

// swap and swapped are names that a RENAME takes along, to prove that it has run.
func (p *progressTable) swap() schema.Name {
	return schema.Name{Schema: p.name.Schema, Name: swapTables[0]}
}
func (p *progressTable) swapped() schema.Name {
	return schema.Name{Schema: p.name.Schema, Name: swapTables[1]}
}

var swapTables = []string{ProgressTable + "_swap", ProgressTable + "_swapped"}

// ownTables are all tables that a restore makes for itself.
var ownTables = append([]string{ProgressTable}, swapTables...)

// drop ends the restore.
func (p *progressTable) drop(ctx context.Context, s *session) error {
	for _, n := range []schema.Name{p.swap(), p.swapped(), p.name} {
		if err := s.exec(ctx, "DROP TABLE IF EXISTS "+n.Quoted()); err != nil {
			return fmt.Errorf("drop the progress table: %w", err)
		}
	}
	return nil
}
