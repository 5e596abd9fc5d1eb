package dumper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
)

const (
	// journalEvery is how often what was finished is written down, at least: what a kill costs.
	journalEvery = time.Second
	// journalShare and journalSeldom: of a long backup a kill may cost a hundredth, so that the
	// journal of days has thousands of parts and not hundreds of thousands.
	journalShare  = 100
	journalSeldom = 30 * time.Second
	// readsOfRun is how many reads of tables, and chunks of one table, a run may number before
	// the next run's numbers begin. Numbers behind it stay unique as long as no run comes so far.
	readsOfRun = 1_000_000
	// lastWords bounds the journal's last part: the store may be what ends the backup.
	lastWords = 5 * time.Second
)

// journal writes down what is finished, so that the next backup goes on with it if this one is
// killed. An entry waits until the stream has resolved its low marks.
type journal struct {
	catalog  *catalog.Catalog
	instance string
	id       string
	run      uint64
	began    time.Time
	reads    atomic.Uint64
	follows  *uint64 // parts of the run before that this one goes on from; nil for the first

	mu      sync.Mutex
	waiting []func() (catalog.JournalEntry, bool)
	number  uint64
}

// begin writes the part that begins the run. storage.ErrExists: another process goes on with the backup.
func (j *journal) begin(ctx context.Context) error {
	err := j.put(ctx, nil)
	j.began, j.follows = time.Now(), nil
	return err
}

// nextRead numbers a read of a table.
func (j *journal) nextRead() uint64 { return j.run*readsOfRun + j.reads.Add(1) }

// add takes an entry that ready returns when its positions are known. Entries are written in the
// order in which they were added.
func (j *journal) add(ready func() (catalog.JournalEntry, bool)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, ready)
}

// keep writes parts until ctx ends.
func (j *journal) keep(ctx context.Context) error {
	for {
		every := min(max(time.Since(j.began)/journalShare, journalEvery), journalSeldom)
		failpoint.Inject("journalOften", func() { every = 10 * time.Millisecond })
		if err := sleep(ctx, every); err != nil {
			return nil //nolint:nilerr // the run is over
		}
		if err := j.flush(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// flush writes a part if there is anything that can be written.
func (j *journal) flush(ctx context.Context) error {
	entries := j.known()
	if len(entries) == 0 {
		return nil
	}
	err := j.put(ctx, entries)
	for errors.Is(err, storage.ErrExists) {
		// What was written without an answer. Entries that stand there twice count once.
		j.number++
		err = j.put(ctx, entries)
	}
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = slices.Delete(j.waiting, 0, len(entries))
	return nil
}

// known returns the entries whose positions are, up to the first whose are not.
func (j *journal) known() []catalog.JournalEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	var entries []catalog.JournalEntry
	for _, ready := range j.waiting {
		e, known := ready()
		if !known {
			break
		}
		entries = append(entries, e)
	}
	return entries
}

func (j *journal) put(ctx context.Context, entries []catalog.JournalEntry) error {
	err := j.catalog.PutJournal(ctx, j.instance, catalog.JournalPart{
		Backup: j.id, Run: j.run, Number: j.number, Follows: j.follows, Written: binlog.TimeOf(time.Now()), Entries: entries,
	})
	if err != nil {
		return fmt.Errorf("write the journal of backup %s: %w", j.id, err)
	}
	j.number++
	return nil
}

// end writes what is left when the backup has failed, as far as the store allows.
func (j *journal) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return j.flush(ctx)
}

// markOf renders a tick whose low is resolved.
func (b *backup) markOf(t source.Tick) (catalog.JournalMark, bool) {
	low, known := b.resolver.Low(t)
	return catalog.JournalMark{Low: low, High: t.High}, known
}

// journalFloor notes the first tick, which is floor.
func (b *backup) journalFloor() {
	first := b.clock.First()
	b.journal.add(func() (catalog.JournalEntry, bool) {
		m, known := b.markOf(first)
		return catalog.JournalEntry{Floor: &m}, known
	})
}

// entry begins a journal entry about the read.
func (r *tableRead) entry() catalog.JournalEntry {
	return catalog.JournalEntry{Name: r.want.Name, Read: r.number}
}

// journalOpened notes that the rows are about to be read by a key, or, without one, were read whole.
func (r *tableRead) journalOpened(key string) {
	if r.number != 0 {
		return // gone on with: it stands in the journal
	}
	r.number = r.journal.nextRead()
	o := catalog.JournalOpened{
		Create: []byte(r.table.Create), Class: string(r.table.Class()), Key: key, Select: r.selected, Columns: r.columns,
		Settled: r.result.Settled, Locked: r.result.Locked, ReadAgain: slices.Clone(r.want.Again),
	}
	e, before, defined := r.entry(), r.definition.before, r.defined
	r.journal.add(func() (catalog.JournalEntry, bool) {
		t1, ticked := defined.now()
		first, known := r.markOf(before)
		o.First, o.Definition, e.Opened = first, t1.High, &o
		return e, known && ticked
	})
}

// journalChunk notes a chunk that is in the store.
func (r *tableRead) journalChunk(part uint64, c storedChunk) {
	e := r.entry()
	r.journal.add(func() (catalog.JournalEntry, bool) {
		behind, ticked := c.behind.now()
		before, known := r.markOf(c.before)
		stored := catalog.JournalChunk{Chunk: c.Chunk, Part: part, BeforeHigh: before.High}
		stored.T0, stored.T1 = before.Low, behind.High
		e.Chunk = &stored
		return e, known && ticked
	})
}

// journalSplit notes that a part was split.
func (r *tableRead) journalSplit(of, behind *part) {
	e := r.entry()
	e.Split = &catalog.JournalSplit{Of: of.number, Part: behind.number, At: behind.first}
	r.journal.add(func() (catalog.JournalEntry, bool) { return e, true })
}

// journalDone notes that the table was read to its end, and with it all that was read whole.
func (r *tableRead) journalDone() {
	if r.number == 0 {
		r.journalOpened("")
		for _, c := range r.chunks {
			r.journalChunk(0, c)
		}
	}
	e, result, chunks := r.entry(), r.result, len(r.chunks)
	r.journal.add(func() (catalog.JournalEntry, bool) {
		low, known := result.Chunks.Low()
		e.Done = &catalog.JournalDone{
			Rows: catalog.JournalMark{Low: low, High: result.Chunks.High}, After: result.After.High, End: result.Rows.High,
			Keyless: result.Keyless, Chunks: chunks,
		}
		return e, known
	})
}

// journalVoid notes that what the journal has of the read does not count.
func (r *tableRead) journalVoid() {
	if r.number == 0 {
		return
	}
	e := r.entry()
	e.Void = true
	r.journal.add(func() (catalog.JournalEntry, bool) { return e, true })
}
