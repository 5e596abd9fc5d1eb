package lanes

import (
	"context"
	"errors"
	"sync"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// Bounds of a batch of the ordered lane.
const (
	// batchBytes is how much SQL one transaction on the target takes: large enough that its two
	// round trips and its fsync do not count, small enough that three batches (one being filled,
	// one waiting, one running) are a few percent of the memory allowed.
	batchBytes = 2 << 20
	// StatementBytes bounds the statement that neighbours are joined into: beyond it parsing costs
	// more than the round trips that are saved.
	StatementBytes = 256 << 10
)

// Ordered writes changes in commit order through one connection. While one batch runs on
// the target, the next is filled.
type Ordered struct {
	writer  *Writer
	memory  *Memory
	current *orderedBatch
	limit   int             // bytes of a batch
	behind  checkpoint.Mark // what is in front of it is on the target, or on its way

	work chan orderedWork
	free chan *orderedBatch // batches to fill

	done   chan struct{} // closed when the goroutine has ended
	once   sync.Once
	failed error // set before done is closed
}

// orderedBatch is a batch with its part of the memory, which is held from its first change until
// it is on the target.
type orderedBatch struct {
	*rewriter.Batch
	release func()
	reached reached
}

// orderedWork is a filled batch, or a single large change, or none; fence, where there is one, is
// closed when it and all before it is done.
type orderedWork struct {
	batch *orderedBatch
	large *rewriter.Batch
	notes []checkpoint.Note
	fence chan struct{}
}

// reached is what a batch brings about.
type reached struct {
	last   rewriter.Origin
	tables map[*Table]bool
}

func (r *reached) add(t *Table, o rewriter.Origin) {
	if r.tables == nil {
		r.tables = map[*Table]bool{}
	}
	r.last, r.tables[t] = o, true
}

// take returns the notes of a batch, which begins anew. Tables of the keyed lane are fenced: their
// changes came here between all others of theirs. Of those a run that goes on may send some that lie in
// front of what the lane of the earlier run had reached: its mark never goes back.
func (l *Ordered) take(r *reached) []checkpoint.Note {
	l.behind = checkpoint.Later(l.behind, checkpoint.Behind(r.last))
	notes := []checkpoint.Note{checkpoint.NewNote(checkpoint.NoteOrdered, "", l.behind)}
	for t := range r.tables {
		if t.Keyed {
			notes = append(notes, checkpoint.NewNote(checkpoint.NoteFenced, t.Name.Quoted(), checkpoint.FencedNote{Name: t.Name, Mark: checkpoint.Behind(r.last)}))
		}
		notes = append(notes, t.CounterNotes()...)
	}
	clear(r.tables)
	return notes
}

// StartOrdered starts the lane's goroutine behind what an earlier run had reached; Close ends it. ctx ends its
// work early.
func StartOrdered(ctx context.Context, w *Writer, m *Memory, behind checkpoint.Mark) *Ordered {
	const batches = 3
	l := &Ordered{
		writer: w, memory: m, limit: min(m.Batch(), w.Packet/2), behind: behind,
		work: make(chan orderedWork, batches), free: make(chan *orderedBatch, batches), done: make(chan struct{}),
	}
	for range batches {
		l.free <- &orderedBatch{Batch: rewriter.NewBatch(w.keepAlternatives())}
	}
	go l.run(ctx)
	return l
}

func (l *Ordered) run(ctx context.Context) {
	defer close(l.done)
	for w := range l.work {
		if l.failed = l.write(ctx, w); l.failed != nil {
			return
		}
		if w.fence != nil {
			close(w.fence)
		}
	}
}

// write does what is to be done, and lets what it took be used again.
func (l *Ordered) write(ctx context.Context, w orderedWork) error {
	if w.large != nil {
		return l.writer.write(ctx, w.large, w.notes...)
	}
	if w.batch == nil {
		return nil
	}
	if err := l.writer.write(ctx, w.batch.Batch, w.notes...); err != nil {
		return err
	}
	w.batch.Reset()
	w.batch.release()
	l.free <- w.batch
	return nil
}

var errLaneClosed = errors.New("the lane is closed")

// ended is the error of a lane whose goroutine is no more.
func (l *Ordered) ended() error {
	if l.failed != nil {
		return l.failed
	}
	return errLaneClosed
}

// Apply implements Lane.
func (l *Ordered) Apply(ctx context.Context, t *Table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	if c.Size() >= l.memory.Large() {
		return l.applyLarge(ctx, t, rule, c, o)
	}
	if err := l.room(ctx, t); err != nil {
		return err
	}
	if err := l.current.Add(t.Write, rule, c, o); err != nil {
		return err
	}
	l.current.reached.add(t, o)
	return l.full(ctx)
}

// cascade takes what foreign keys made of one row of their parent: it stands in one batch, whole.
func (l *Ordered) cascade(ctx context.Context, list []rewriter.Cascade, tables []*Table, o rewriter.Origin) error {
	if err := l.room(ctx, tables[0]); err != nil {
		return err
	}
	for _, c := range list {
		l.current.AddCascade(c, o)
	}
	for _, t := range tables {
		l.current.reached.add(t, o)
	}
	return l.full(ctx)
}

// room sees to it that there is a batch for changes of a table.
func (l *Ordered) room(ctx context.Context, t *Table) error {
	if l.current != nil && l.current.Mixes(t.Write) {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	if l.current != nil {
		return nil
	}
	return l.begin(ctx)
}

// full flushes a batch that is large enough.
func (l *Ordered) full(ctx context.Context) error {
	if l.current.Size() < l.limit {
		return nil
	}
	return l.flush(ctx)
}

// begin takes a batch to fill. Those on their way give their memory back whatever the caller
// does: it holds nothing that it waits for.
func (l *Ordered) begin(ctx context.Context) error {
	var next *orderedBatch
	select {
	case next = <-l.free:
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
	release, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	next.release, l.current = release, next
	return nil
}

// acquire waits for the memory of a batch, no longer than the lane's goroutine lives.
func (l *Ordered) acquire(ctx context.Context) (release func(), err error) {
	alive, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-l.done:
			cancel()
		case <-alive.Done():
		}
	})
	release, err = l.memory.Acquire(alive, l.memory.BatchCost(l.writer.keepAlternatives()))
	cancel()
	watching.Wait()
	switch {
	case err == nil:
		return release, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, l.ended()
}

// applyLarge writes a change from its images, which are the caller's: it returns when the change
// is on the target, or the lane has ended.
func (l *Ordered) applyLarge(ctx context.Context, t *Table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	large, err := rewriter.NewLarge(l.writer.keepAlternatives(), t.Write, rule, c, o)
	if err != nil {
		return err
	}
	var r reached
	r.add(t, o)
	written := make(chan struct{})
	if err := l.send(ctx, orderedWork{large: large, notes: l.take(&r), fence: written}); err != nil {
		return err
	}
	select {
	case <-written:
		return nil
	case <-l.done:
		return l.ended()
	}
}

// flush hands the current batch to the goroutine.
func (l *Ordered) flush(ctx context.Context) error {
	if l.current == nil || l.current.Len() == 0 {
		return nil
	}
	if err := l.send(ctx, orderedWork{batch: l.current, notes: l.take(&l.current.reached)}); err != nil {
		return err
	}
	l.current = nil
	return nil
}

func (l *Ordered) send(ctx context.Context, w orderedWork) error {
	select {
	case l.work <- w:
		return nil
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Fence implements Lane: the ordered lane drains as a whole, whatever the tables.
func (l *Ordered) Fence(ctx context.Context, _ []schema.Name) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	fence := make(chan struct{})
	if err := l.send(ctx, orderedWork{fence: fence}); err != nil {
		return err
	}
	select {
	case <-fence:
		return nil
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements Lane.
func (l *Ordered) Close() error {
	l.once.Do(func() { close(l.work) })
	<-l.done
	return l.failed
}
