package checkpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// ProgressTable is the table in which a restore keeps, on the target, what it is and how far it
// has come: in the first schema restored, from the first object made until Finish drops it.
const ProgressTable = schema.ProgressTable

// Phases of a restore as the table tells them.
const (
	PhaseLoad   = "load"
	PhaseReplay = "replay"
	PhaseFinish = "finish"
)

// Table writes ProgressTable: notes, each in the same transaction as what it tells of where that can
// be. What a later run makes of them, see Past.
type Table struct{ Name schema.Name }

// Note is one row of the table. Another one of the same kind and item takes its place.
type Note struct {
	Kind, Item string
	Value      []byte // JSON
}

// Kinds of notes.
const (
	NoteRestore    = "restore"    // which restore it is (RestoreNote)
	notePhase      = "phase"      // that it is in
	NoteStarted    = "started"    // when the target's server was started before the restore (StartedNote)
	NoteChunk      = "chunk"      // that is loaded, by key
	NoteOrdered    = "ordered"    // mark: what is in front of it is on the target, of tables of the ordered lane
	NoteWritten    = "written"    // mark: changes in front of it may be on the target, of tables that do not roll back
	NoteKeyed      = "keyed"      // KeyedNote
	NoteVerified   = "verified"   // what --verify found (VerifiedNote)
	NoteFenced     = "fenced"     // FencedNote, by table
	NoteStatement  = "statement"  // the last one that was begun (StatementNote)
	NoteParents    = "parents"    // foreign keys that follow a RENAME (ParentsNote)
	noteAnew       = "anew"       // tables that are dropped because the restore begins anew
	NoteCounter    = "counter"    // AUTO_INCREMENT, by table (CounterNote)
	NoteAside      = "aside"      // constraints that were set aside, by table (Aside)
	NoteView       = "view"       // that was expanded (ViewNote)
	NoteObject     = "object"     // that is or was about to be made (ObjectName)
	NoteCollation  = "collation"  // of a schema into which only tables are renamed (CollationNote)
	NoteDivergence = "divergence" // that --on-divergence binlog-wins went over, or that ended a run
)

// NewNote makes a note; its value is one of the types above, which always become JSON.
func NewNote(kind, item string, value any) Note {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("checkpoint: note of kind %s: %v", kind, err))
	}
	return Note{Kind: kind, Item: item, Value: text}
}

// Prepare makes the table, unless a run was killed right behind that. The primary key is there for
// targets that demand one, and narrow enough for the smallest that InnoDB allows (767 bytes).
func (p *Table) Prepare(ctx context.Context, s *target.Session) error {
	err := s.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+p.Name.Quoted()+" (kind VARBINARY(16) NOT NULL, item VARBINARY(700) NOT NULL, value LONGBLOB NOT NULL,"+
		" PRIMARY KEY (kind, item)) ENGINE=InnoDB COMMENT='tripod keeps its progress here; restore drops it at its end'")
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	row, err := s.QueryText(ctx, "SELECT COUNT(*) FROM "+p.Name.Quoted())
	if err != nil {
		return fmt.Errorf("note the restore on the target: %w", err)
	}
	if row[0] != "0" {
		return fault.New(fault.CodeFailed, fault.KindTarget, "give the command again", "another restore into schema %s has begun meanwhile", p.Name.Schema)
	}
	return nil
}

// Begin notes which restore it is.
func (p *Table) Begin(ctx context.Context, s *target.Session, restore RestoreNote) error {
	return p.Write(ctx, s, NewNote(NoteRestore, "", restore), NewNote(notePhase, "", PhaseLoad))
}

// Put is the statement that takes notes.
func (p *Table) Put(notes ...Note) string {
	var b strings.Builder
	b.WriteString("REPLACE INTO " + p.Name.Quoted() + " (kind, item, value) VALUES ")
	for i, n := range notes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "('%s', %s, %s)", n.Kind, rewriter.QuoteString(n.Item), rewriter.QuoteString(string(n.Value)))
	}
	return b.String()
}

// notesBytes bounds the statement that takes notes: far below the smallest max_allowed_packet that
// servers have by default (1 MiB).
const notesBytes = 256 << 10

// Write takes notes in a transaction of their own. Notes of other connections may stand in the way.
func (p *Table) Write(ctx context.Context, s target.Execer, notes ...Note) error {
	if len(notes) == 0 {
		return nil
	}
	for try := 1; ; try++ {
		err := p.WriteOnce(ctx, s, notes)
		if err == nil {
			return nil
		}
		if !target.IsLockConflict(err) || try == target.LockTries {
			return fmt.Errorf("note the progress of the restore on the target: %w", err)
		}
	}
}

// WriteOnce takes notes without trying again: a lock conflict has taken the caller's transaction back. Notes
// that do not fit into one statement are a transaction of their own.
func (p *Table) WriteOnce(ctx context.Context, s target.Execer, notes []Note) error {
	size := 0
	for i, n := range notes {
		if size += 2 * (len(n.Item) + len(n.Value)); size > notesBytes && i > 0 {
			return p.parts(ctx, s, notes, i)
		}
	}
	return s.Exec(ctx, p.Put(notes...))
}

// parts takes notes that are too many for one statement, of which the first fit into one.
func (p *Table) parts(ctx context.Context, s target.Execer, notes []Note, first int) error {
	if err := s.Exec(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	err := s.Exec(ctx, p.Put(notes[:first]...))
	for rest := notes[first:]; err == nil && len(rest) > 0; {
		n := min(len(rest), first)
		err = s.Exec(ctx, p.Put(rest[:n]...))
		rest = rest[n:]
	}
	if err != nil {
		return errors.Join(err, s.Exec(ctx, "ROLLBACK"))
	}
	return s.Exec(ctx, "COMMIT")
}

// Enter notes the beginning of a phase.
func (p *Table) Enter(ctx context.Context, s *target.Session, phase string) error {
	return p.Write(ctx, s, NewNote(notePhase, "", phase))
}

// Forget takes all notes away but what restore it is, and notes which tables go with them: whoever
// finds that note drops them again.
func (p *Table) Forget(ctx context.Context, s *target.Session, tables []schema.Name) error {
	for _, statement := range []string{
		"START TRANSACTION", "DELETE FROM " + p.Name.Quoted() + " WHERE kind<>'" + NoteRestore + "'",
		p.Put(NewNote(notePhase, "", PhaseLoad), NewNote(noteAnew, "", tables)), "COMMIT",
	} {
		if err := s.Exec(ctx, statement); err != nil {
			return fmt.Errorf("begin the restore anew: %w", err)
		}
	}
	return nil
}

// Forgotten ends what Forget began: the tables are dropped.
func (p *Table) Forgotten(ctx context.Context, s *target.Session) error {
	if err := s.Exec(ctx, "DELETE FROM "+p.Name.Quoted()+" WHERE kind='"+noteAnew+"'"); err != nil {
		return fmt.Errorf("begin the restore anew: %w", err)
	}
	return nil
}

// ForgetChunks takes the notes of chunks away.
func (p *Table) ForgetChunks(ctx context.Context, s *target.Session, keys []string) error {
	for _, key := range keys {
		if err := s.Exec(ctx, "DELETE FROM "+p.Name.Quoted()+" WHERE kind='"+NoteChunk+"' AND item="+rewriter.QuoteString(key)); err != nil {
			return fmt.Errorf("note the progress of the restore on the target: %w", err)
		}
	}
	return nil
}

// Swap is a name that a RENAME takes along, to prove that it has run: what has it is called Swapped then.
func (p *Table) Swap() schema.Name {
	return schema.Name{Schema: p.Name.Schema, Name: schema.RestoreTables[0]}
}

// Swapped is what Swap is called behind the RENAME.
func (p *Table) Swapped() schema.Name {
	return schema.Name{Schema: p.Name.Schema, Name: schema.RestoreTables[1]}
}

// OwnTables are all tables that a restore makes for itself. The progress table is dropped last: while it
// is there, others know whose the rest is.
var OwnTables = schema.RestoreTables

// Drop ends the restore.
func (p *Table) Drop(ctx context.Context, s *target.Session) error {
	for _, n := range []schema.Name{p.Swap(), p.Swapped(), p.Name} {
		if err := s.Exec(ctx, "DROP TABLE IF EXISTS "+n.Quoted()); err != nil {
			return fmt.Errorf("drop the progress table: %w", err)
		}
	}
	return nil
}
