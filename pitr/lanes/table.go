package lanes

import (
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// Table is what the lanes know of a table: one for as long as the table is there, for they tell
// tables apart by it.
type Table struct {
	Name  schema.Name     // on the target, now
	Write *rewriter.Table // by its definition there, now
	// Keyed tells whether the table's changes may go through the keyed lane: rows told apart by the
	// bytes of a key, or by Weights, which the engine takes back with the transaction.
	Keyed bool
	// Weights tell the rows of a table apart whose key has texts; nil where bytes do.
	Weights *Weights
	// Greatest is the greatest value of the AUTO_INCREMENT column in any row that was replayed,
	// deleted ones included; Next is the AUTO_INCREMENT that a definition brought along.
	Greatest, Next uint64
	noted          checkpoint.CounterNote // in the progress table
}

// Recall takes the counters from their note.
func (t *Table) Recall(p *checkpoint.Past) {
	if n, ok := p.Counter(t.Name); ok {
		t.Greatest, t.Next, t.noted = n.Greatest, n.Next, n
	}
}

// CounterNotes is the note of the table's counters where they have changed since the last one. It
// belongs into the transaction of the changes that raised them.
func (t *Table) CounterNotes() []checkpoint.Note {
	n := checkpoint.CounterNote{Name: t.Name, Greatest: t.Greatest, Next: t.Next}
	if n == t.noted {
		return nil
	}
	t.noted = n
	return []checkpoint.Note{checkpoint.NewNote(checkpoint.NoteCounter, t.Name.Quoted(), n)}
}

// Note remembers the AUTO_INCREMENT values of a change.
func (t *Table) Note(c rewriter.Change) error {
	for _, im := range []event.Image{c.Before, c.After} {
		n, err := t.Write.AutoIncrement(c.Map, im)
		if err != nil {
			return err
		}
		t.Greatest = max(t.Greatest, n)
	}
	return nil
}
