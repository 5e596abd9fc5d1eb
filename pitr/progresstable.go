package pitr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
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
	noteWritten    = "written"    // mark: changes in front of it may be on the target, of tables that do not roll back
	noteKeyed      = "keyed"      // keyedNote
	noteVerified   = "verified"   // what --verify found (verifiedNote)
	noteFenced     = "fenced"     // fencedNote, by table
	noteStatement  = "statement"  // the last one that was begun (statementNote)
	noteParents    = "parents"    // foreign keys that follow a RENAME (parentsNote)
	noteAnew       = "anew"       // tables that are dropped because the restore begins anew
	noteCounter    = "counter"    // AUTO_INCREMENT, by table (counterNote)
	noteAside      = "aside"      // constraints that were set aside, by table (aside)
	noteView       = "view"       // that was expanded (viewNote)
	noteObject     = "object"     // that is or was about to be made (ObjectName)
	noteDivergence = "divergence" // that --on-divergence binlog-wins went over, or that ended a run
)

// newNote makes a note; its value is one of the types above, which always become JSON.
func newNote(kind, item string, value any) note {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("pitr: note of kind %s: %v", kind, err))
	}
	return note{kind: kind, item: item, value: text}
}

// prepare makes the table, unless a run was killed right behind that. The primary key is there for
// targets that demand one, and narrow enough for the smallest that InnoDB allows (767 bytes).
func (p *progressTable) prepare(ctx context.Context, s *session) error {
	err := s.exec(ctx, "CREATE TABLE IF NOT EXISTS "+p.name.Quoted()+" (kind VARBINARY(16) NOT NULL, item VARBINARY(700) NOT NULL, value LONGBLOB NOT NULL,"+
		" PRIMARY KEY (kind, item)) ENGINE=InnoDB COMMENT='tripod keeps its progress here; restore drops it at its end'")
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	row, err := s.queryText(ctx, "SELECT COUNT(*) FROM "+p.name.Quoted())
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	if row[0] != "0" {
		return fault.New(fault.CodeFailed, fault.KindTarget, "give the command again", "another restore into schema %s has begun meanwhile", p.name.Schema)
	}
	return nil
}

// begin notes which restore it is.
func (p *progressTable) begin(ctx context.Context, s *session, restore restoreNote) error {
	return p.write(ctx, s, newNote(noteRestore, "", restore), newNote(notePhase, "", phaseLoad))
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

// notesBytes bounds the statement that takes notes: far below the smallest max_allowed_packet that
// servers have by default (1 MiB).
const notesBytes = 256 << 10

// write takes notes in a transaction of their own. Notes of other connections may stand in the way.
func (p *progressTable) write(ctx context.Context, s execer, notes ...note) error {
	if len(notes) == 0 {
		return nil
	}
	for try := 1; ; try++ {
		err := p.once(ctx, s, notes)
		if err == nil {
			return nil
		}
		if !isLockConflict(err) || try == lockTries {
			return fmt.Errorf("note the progress of the restore on the target: %w", err)
		}
	}
}

func (p *progressTable) once(ctx context.Context, s execer, notes []note) error {
	size := 0
	for i, n := range notes {
		if size += 2 * (len(n.item) + len(n.value)); size > notesBytes && i > 0 {
			return p.parts(ctx, s, notes, i)
		}
	}
	return s.exec(ctx, p.put(notes...))
}

// parts takes notes that are too many for one statement, of which the first fit into one.
func (p *progressTable) parts(ctx context.Context, s execer, notes []note, first int) error {
	if err := s.exec(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	err := s.exec(ctx, p.put(notes[:first]...))
	for rest := notes[first:]; err == nil && len(rest) > 0; {
		n := min(len(rest), first)
		err = s.exec(ctx, p.put(rest[:n]...))
		rest = rest[n:]
	}
	if err != nil {
		return errors.Join(err, s.exec(ctx, "ROLLBACK"))
	}
	return s.exec(ctx, "COMMIT")
}

// enter notes the beginning of a phase.
func (p *progressTable) enter(ctx context.Context, s *session, phase string) error {
	return p.write(ctx, s, newNote(notePhase, "", phase))
}

// forget takes all notes away but what restore it is, and notes which tables go with them: whoever
// finds that note drops them again.
func (p *progressTable) forget(ctx context.Context, s *session, tables []schema.Name) error {
	for _, statement := range []string{
		"START TRANSACTION", "DELETE FROM " + p.name.Quoted() + " WHERE kind<>'" + noteRestore + "'",
		p.put(newNote(notePhase, "", phaseLoad), newNote(noteAnew, "", tables)), "COMMIT",
	} {
		if err := s.exec(ctx, statement); err != nil {
			return fmt.Errorf("begin the restore anew: %w", err)
		}
	}
	return nil
}

// forgotten ends what forget began: the tables are dropped.
func (p *progressTable) forgotten(ctx context.Context, s *session) error {
	if err := s.exec(ctx, "DELETE FROM "+p.name.Quoted()+" WHERE kind='"+noteAnew+"'"); err != nil {
		return fmt.Errorf("begin the restore anew: %w", err)
	}
	return nil
}

// swap and swapped are names that a RENAME takes along, to prove that it has run.
func (p *progressTable) swap() schema.Name {
	return schema.Name{Schema: p.name.Schema, Name: swapTables[0]}
}
func (p *progressTable) swapped() schema.Name {
	return schema.Name{Schema: p.name.Schema, Name: swapTables[1]}
}

var swapTables = []string{ProgressTable + "_swap", ProgressTable + "_swapped"}

// ownTables are all tables that a restore makes for itself. The progress table is dropped last: while it
// is there, others know whose the rest is.
var ownTables = append(slices.Clone(swapTables), ProgressTable)

// drop ends the restore.
func (p *progressTable) drop(ctx context.Context, s *session) error {
	for _, n := range []schema.Name{p.swap(), p.swapped(), p.name} {
		if err := s.exec(ctx, "DROP TABLE IF EXISTS "+n.Quoted()); err != nil {
			return fmt.Errorf("drop the progress table: %w", err)
		}
	}
	return nil
}
