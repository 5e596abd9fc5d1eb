package dumper

import (
	"fmt"
	"slices"
	"sync"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// adoption is a killed run of this backup, with which this one goes on: its id, its floor, and what
// it has read. Nil for a backup that begins.
type adoption struct {
	intent catalog.Intent
	run    uint64 // the newest one before this
	// partsOfRun is how many parts of its journal were read.
	partsOfRun uint64
	floor      catalog.JournalMark
	// until is the start of the source's oldest file, where the archive holds what was purged before
	// it; zero where the source has everything since floor.
	until binlog.Position

	mu    sync.Mutex
	reads map[schema.Name]*pastRead
	// highest is the highest high of all reads.
	highest binlog.Position
}

// pastRead is what a killed run has read of one table.
type pastRead struct {
	name   schema.Name
	number uint64
	opened catalog.JournalOpened
	parts  *parts
	chunks []storedChunk // of all parts
	seen   map[string]bool
	done   *catalog.JournalDone
	table  *schema.Table
}

// adoptionOf makes of a journal what can be gone on with; nil for nothing. sizes are those of the
// chunks in the store: a read that misses one is void.
func adoptionOf(intent catalog.Intent, parts []catalog.JournalPart, sizes map[string]int64) (*adoption, error) {
	a := &adoption{intent: intent, reads: map[schema.Name]*pastRead{}}
	for i := range parts {
		a.run, a.partsOfRun = parts[i].Run, parts[i].Number+1
		for j := range parts[i].Entries {
			a.take(&parts[i].Entries[j])
		}
	}
	for name, r := range a.reads {
		usable, err := r.settle()
		if err != nil {
			return nil, fmt.Errorf("read the journal of backup %s: %w", intent.ID, err)
		}
		missing := func(c storedChunk) bool { return sizes[c.Key] == 0 || uint64(sizes[c.Key]) != c.BytesStored }
		if !usable || slices.ContainsFunc(r.chunks, missing) {
			delete(a.reads, name)
			continue
		}
		for _, c := range r.chunks {
			a.highest = binlog.Later(a.highest, c.after.High)
		}
		if r.done != nil {
			a.highest = binlog.Later(a.highest, r.done.After)
		}
	}
	if a.floor.Low.IsZero() || len(a.reads) == 0 {
		return nil, nil
	}
	return a, nil
}

// take takes one entry. The newest read of a table counts; of others nothing is wanted.
func (a *adoption) take(e *catalog.JournalEntry) {
	if e.Floor != nil {
		if a.floor.Low.IsZero() {
			a.floor = *e.Floor
		}
		return
	}
	if e.Opened != nil {
		if r := a.reads[e.Name]; r != nil && r.number == e.Read {
			return // a part is there twice
		}
		a.reads[e.Name] = &pastRead{name: e.Name, number: e.Read, opened: *e.Opened, seen: map[string]bool{}, parts: newParts(0)}
		return
	}
	r := a.reads[e.Name]
	if r == nil || r.number != e.Read {
		return
	}
	switch {
	case e.Void:
		delete(a.reads, e.Name)
	case e.Chunk != nil:
		// Whatever has written it: a chunk that does not begin where the one before ended leaves a gap, or
		// holds rows twice.
		if to := r.parts.numbered(e.Chunk.Part); to != nil && !r.seen[e.Chunk.Key] && r.opened.Key != "" && !slices.Equal(e.Chunk.After, to.after) {
			delete(a.reads, e.Name)
			return
		}
		if to := r.parts.numbered(e.Chunk.Part); to != nil && !r.seen[e.Chunk.Key] { // the journal may tell twice
			r.seen[e.Chunk.Key] = true
			c := pastChunk(e.Chunk)
			r.parts.add(to, c)
			r.chunks = append(r.chunks, c)
		}
	case e.Split != nil:
		if of := r.parts.numbered(e.Split.Of); of != nil && r.parts.numbered(e.Split.Part) == nil {
			r.parts.split(of, e.Split.At, 0, e.Split.Part)
		}
	case e.Done != nil:
		r.done = e.Done
	}
}

// settle tells whether the read is of use: it is whole, or some of its chunks are and it can go on
// behind them.
func (r *pastRead) settle() (usable bool, err error) {
	if r.done != nil && r.done.Chunks != len(r.chunks) {
		r.done = nil
	}
	if r.done == nil && (r.opened.Key == "" || len(r.chunks) == 0) {
		return false, nil
	}
	if r.table, err = ddl.ParseCreateTable(string(r.opened.Create), r.name.Schema); err != nil {
		return false, fmt.Errorf("the definition of %s: %w", r.name, err)
	}
	r.table.Name = r.name
	if r.done != nil && r.opened.Key != "" {
		r.chunks = r.parts.all(source.PastTick(binlog.Position{}, r.done.End))
	}
	return true, nil
}

// pastChunk is a chunk of the journal as this run holds chunks.
func pastChunk(c *catalog.JournalChunk) storedChunk {
	after := source.PastTick(binlog.Position{}, c.T1)
	return storedChunk{Chunk: c.Chunk, before: source.PastTick(c.T0, c.BeforeHigh), behind: knownTick(after), after: after, adopted: true}
}

// result is what the rules want to know of a read that was done.
func (r *pastRead) result() bases.TableRead {
	return bases.TableRead{
		Present: true, First: pastMark(r.opened.First), DefinitionAfter: highOnly(r.opened.Definition), After: highOnly(r.done.After),
		Chunks: pastMark(r.done.Rows), Rows: highOnly(r.done.End), Keyless: r.done.Keyless, Identity: identityOf(r.table), Settled: r.opened.Settled,
		Locked: r.opened.Locked, Table: r.table,
	}
}

func pastMark(m catalog.JournalMark) bases.Mark {
	return bases.Mark{High: m.High, Low: func() (binlog.Position, bool) { return m.Low, true }}
}

// highOnly is a mark that ends a window.
func highOnly(p binlog.Position) bases.Mark {
	return bases.Mark{High: p, Low: func() (binlog.Position, bool) { return binlog.Position{}, false }}
}

// adopt hands the tables that were read whole to the rules.
func (b *backup) adopt() {
	if b.adopted == nil {
		return
	}
	var all progress.Amount
	b.board.update(func(s *bases.Bases) {
		for name, r := range b.adopted.reads {
			got := r.amount()
			all.Rows, all.Bytes, all.Items = all.Rows+got.Rows, all.Bytes+got.Bytes, all.Items+got.Items
			if r.done == nil {
				continue
			}
			s.Adopt(name, r.result(), r.opened.ReadAgain)
			b.contents.put(name, &content{table: r.table, class: r.table.Class(), columns: r.opened.Columns, chunks: r.chunks})
		}
	})
	b.cfg.Log.Info("the backup goes on with what a run that was killed has read", "id", b.id, "floor", b.adopted.floor.Low.String(),
		"tables", len(b.adopted.reads), "chunks", all.Items, "rows", all.Rows)
}

// amount is what progress shows of the read.
func (r *pastRead) amount() (got progress.Amount) {
	for _, c := range r.chunks {
		got.Rows, got.Bytes, got.Items = got.Rows+int64(c.Rows), got.Bytes+int64(c.Bytes), got.Items+1
	}
	return got
}

// countAdopted has the progress begin with the tables that were read whole.
func (b *backup) countAdopted() {
	if b.adopted == nil {
		return
	}
	for _, r := range b.adopted.reads {
		if r.done != nil {
			b.phase.Add(r.amount())
		}
	}
}

// part returns what a killed run has read of a table, but not to its end, and forgets it: a read
// goes on with it once.
func (a *adoption) part(want bases.Want) *pastRead {
	if a == nil || want.Settle || len(want.Again) > 0 || !want.Behind.IsZero() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.reads[want.Name]
	if r == nil || r.done != nil {
		return nil
	}
	delete(a.reads, want.Name)
	return r
}

// goOn has the read go on behind the last chunk of a killed run, if the table is what it was.
// Whether it was changed meanwhile, and is what it was again, the log tells (W3).
func (r *tableRead) goOn() error {
	past := r.adopted.part(r.want)
	if past == nil {
		return nil
	}
	selected, columns := chunk.Select(r.table)
	if !slices.Equal(selected, past.opened.Select) || !slices.Equal(columns, past.opened.Columns) || string(r.table.Class()) != past.opened.Class ||
		pathBy(r.table, past.opened.Key) == nil || pathBy(past.table, past.opened.Key) == nil {
		r.cfg.Log.Info("the table was changed since a killed run read a part of it; it is read from its beginning", "table", r.want.Name.String())
		return nil
	}
	r.cfg.Log.Info("the read goes on behind what a killed run has read", "table", r.want.Name.String(), "chunks", len(past.chunks))
	r.phase.Add(past.amount())
	r.past, r.table, r.number = past, past.table, past.number
	r.result.Table = past.table
	r.definition.before = source.PastTick(past.opened.First.Low, past.opened.First.High)
	r.defined = knownTick(source.PastTick(binlog.Position{}, past.opened.Definition))
	r.parts = past.parts
	if rows := uint64(past.amount().Rows); r.estimates[r.want.Name] > rows {
		r.parts.list[len(r.parts.list)-1].expect = r.estimates[r.want.Name] - rows
	}
	r.result.First, r.result.Settled, r.result.Locked = pastMark(past.opened.First), past.opened.Settled, past.opened.Locked
	return nil
}

// pathBy returns the way to walk a table by a key.
func pathBy(t *schema.Table, key string) *path {
	for _, p := range paths(t) {
		if p.key == key {
			return &p
		}
	}
	return nil
}

// pastPath is the way in which a killed run has walked the table; nil for none.
func (r *tableRead) pastPath() *path {
	if r.past == nil {
		return nil
	}
	return pathBy(r.table, r.past.opened.Key)
}
