package lanes

import (
	"context"
	"sync"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// Keyed keeps, for each row key, only the last image, and writes what has gathered as a
// generation: all deletions of all its tables, then all its upserts, each step by several
// connections at once. No generation begins before the one in front of it is on the target, so
// shards are in step whatever unique keys a table has. While one is written, the next is filled.
type Keyed struct {
	flusher *Flusher
	limit   int // bytes of a generation

	filling *generation
	writing *generation     // the last one handed over
	last    checkpoint.Mark // behind the last change taken

	work chan *generation
	done chan struct{} // closed when the goroutine has ended
	once sync.Once
	// failed is set before done is closed.
	failed error
}

// generation is what is written in one go.
type generation struct {
	tables  map[*Table]*rewriter.Latest
	first   map[*Table]checkpoint.Mark // in front of the first change of each
	size    int
	reached checkpoint.KeyedNote // when it is on the target
	notes   []checkpoint.Note    // of its tables
	written chan struct{}        // closed when it is on the target
}

func newGeneration() *generation {
	return &generation{tables: map[*Table]*rewriter.Latest{}, first: map[*Table]checkpoint.Mark{}, written: make(chan struct{})}
}

// holds tells whether changes of one of the tables are in it; nil names all tables.
func (g *generation) holds(fold func(schema.Name) schema.Name, tables []schema.Name) bool {
	return g != nil && len(g.of(fold, tables)) > 0
}

// of lists the tables of the generation that are named; nil names all.
func (g *generation) of(fold func(schema.Name) schema.Name, tables []schema.Name) []*Table {
	var list []*Table
	for t := range g.tables {
		in := tables == nil
		for _, n := range tables {
			in = in || fold(n) == fold(t.Name)
		}
		if in {
			list = append(list, t)
		}
	}
	return list
}

// StartKeyed starts the lane's goroutine; Close ends it. ctx ends its work early. The lane holds
// two generations of at most limit bytes, nearly.
func StartKeyed(ctx context.Context, f *Flusher, limit int) *Keyed {
	l := &Keyed{flusher: f, limit: limit, filling: newGeneration(), work: make(chan *generation), done: make(chan struct{})}
	go l.run(ctx)
	return l
}

func (l *Keyed) run(ctx context.Context) {
	defer close(l.done)
	for g := range l.work {
		if l.failed = l.flusher.flush(ctx, g); l.failed != nil {
			return
		}
		close(g.written)
	}
}

// Apply implements Lane. It returns rewriter.ErrContradiction, and has not taken the change, where
// earlier changes of its generation forbid it.
func (l *Keyed) Apply(ctx context.Context, t *Table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	latest := l.filling.tables[t]
	if latest != nil && rule == rewriter.Account && latest.Window() {
		// R9: the table's H is a fence for it.
		if err := l.part(ctx, []*Table{t}); err != nil {
			return err
		}
		latest = nil
	}
	if latest == nil {
		latest = rewriter.NewLatest(t.Write)
		l.filling.tables[t], l.filling.first[t] = latest, checkpoint.Before(o)
	}
	if t.Weights != nil {
		if err := t.Weights.Prepare(ctx, t.Write, c); err != nil {
			return err
		}
	}
	size := latest.Size()
	err := latest.Add(rule, c, o)
	l.filling.size += latest.Size() - size
	if err != nil {
		return err
	}
	l.last = checkpoint.Behind(o)
	if l.filling.size < l.limit {
		return nil
	}
	return l.flush(ctx)
}

// flush hands over what has gathered.
func (l *Keyed) flush(ctx context.Context) error {
	g := l.filling
	l.filling = newGeneration()
	return l.send(ctx, g)
}

// part writes what has gathered of some tables, and waits until it is on the target.
func (l *Keyed) part(ctx context.Context, tables []*Table) error {
	g := newGeneration()
	for _, t := range tables {
		latest := l.filling.tables[t]
		g.tables[t] = latest
		l.filling.size -= latest.Size()
		delete(l.filling.tables, t)
		delete(l.filling.first, t)
	}
	if err := l.send(ctx, g); err != nil {
		return err
	}
	return l.wait(ctx, g)
}

func (l *Keyed) send(ctx context.Context, g *generation) error {
	g.reached = checkpoint.KeyedNote{Done: l.last, Written: l.last}
	for _, m := range l.filling.first { // what goes on gathering is not done
		g.reached.Done = checkpoint.Earlier(m, g.reached.Done)
	}
	for t := range g.tables {
		g.notes = append(g.notes, t.CounterNotes()...)
	}
	select {
	case l.work <- g:
		l.writing = g
		return nil
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Keyed) wait(ctx context.Context, g *generation) error {
	select {
	case <-g.written:
		return nil
	case <-l.done:
		return l.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended is the error of a lane whose goroutine is no more.
func (l *Keyed) ended() error {
	if l.failed != nil {
		return l.failed
	}
	return errLaneClosed
}

// Fence implements Lane. What is not named goes on gathering.
func (l *Keyed) Fence(ctx context.Context, tables []schema.Name) error {
	var off bool
	failpoint.Inject("R9", func() { off = true })
	if off {
		return nil
	}
	if named := l.filling.of(l.flusher.Fold, tables); len(named) > 0 {
		return l.part(ctx, named) // behind what is being written
	}
	if l.writing.holds(l.flusher.Fold, tables) {
		return l.wait(ctx, l.writing)
	}
	return nil
}

// Close implements Lane.
func (l *Keyed) Close() error {
	l.once.Do(func() { close(l.work) })
	<-l.done
	return l.failed
}
