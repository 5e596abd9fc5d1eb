package dumper

import (
	"context"
	"fmt"
	"time"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
)

// tableRead is one read of a table while it goes on. It belongs to one worker.
type tableRead struct {
	*worker
	want       bases.Want
	table      *schema.Table
	definition definitionRead
	defined    futureTick // t1 of the definition
	selected   []string   // the SELECT list
	columns    []string
	writer     *chunk.Writer
	chunks     []storedChunk
	result     bases.TableRead
	longest    int       // of the rows for which there has to be room
	moved      time.Time // when the last row of a long read came, or the first attempt to read some began
	rows       int       // that the present long read has brought
	// The row window is from the low of the tick before the first SELECT to the high of the tick
	// behind the last one, whether or not they found rows.
	firstTick *source.Tick
	lastTick  futureTick
	parts     *parts    // of a table that is walked
	number    uint64    // of the read in the journal; 0 until it stands there
	past      *pastRead // what a killed run left of this read, which goes on with it
}

// covers notes the ticks around a SELECT of the table's rows.
func (r *tableRead) covers(before source.Tick, behind futureTick) {
	if r.firstTick == nil {
		r.firstTick = &before
	}
	r.lastTick = behind
}

// storedChunk is a chunk in the store with the moments around its SELECT.
type storedChunk struct {
	catalog.Chunk
	before source.Tick
	behind futureTick
	after  source.Tick
	// adopted: a killed run has read it.
	adopted bool
}

// futureTick is t1 of something that was read: the clock has to tick first.
type futureTick struct {
	tick *source.Tick
	done chan struct{} // closed when tick is known
}

// tickAfter asks for the first tick behind received without waiting for it.
func (w *worker) tickAfter(received time.Time) futureTick {
	return w.tickLater(func(ctx context.Context) (source.Tick, error) { return w.clock.After(ctx, received) })
}

// tickNow has the clock tick at once, without waiting for that.
func (w *worker) tickNow() futureTick { return w.tickLater(w.clock.AfterNow) }

func (w *worker) tickLater(wait func(context.Context) (source.Tick, error)) futureTick {
	f := futureTick{tick: new(source.Tick), done: make(chan struct{})}
	w.later(func(ctx context.Context) (err error) {
		if *f.tick, err = wait(ctx); err == nil {
			close(f.done)
		}
		return err
	})
	return f
}

// knownTick is a future tick that has come.
func knownTick(t source.Tick) futureTick {
	f := futureTick{tick: &t, done: make(chan struct{})}
	close(f.done)
	return f
}

// now returns the tick if it has come.
func (f futureTick) now() (source.Tick, bool) {
	select {
	case <-f.done:
		return *f.tick, true
	default:
		return source.Tick{}, false
	}
}

func (f futureTick) await(ctx context.Context) (source.Tick, error) {
	select {
	case <-f.done:
		return *f.tick, nil
	case <-ctx.Done():
		return source.Tick{}, context.Cause(ctx)
	}
}

// readTable reads a table whole: its definition, then its rows.
func (w *worker) readTable(ctx context.Context, want bases.Want) error {
	r := &tableRead{worker: w, want: want}
	if err := r.settle(ctx); err != nil {
		return r.unlessVoid(err)
	}
	definition, t, err := w.showTable(ctx, want)
	if err == nil && t != nil && t.LocksTable() {
		definition, t, err = r.behindTableLock(ctx)
	}
	if err != nil {
		return r.unlessVoid(err)
	}
	first := w.mark(definition.before)
	if t == nil {
		w.later(func(ctx context.Context) error {
			t1, err := w.clock.After(ctx, definition.received)
			if err == nil {
				w.finishTable(want, bases.TableRead{First: first, After: w.mark(t1)}, nil)
			}
			return err
		})
		return nil
	}
	if err := w.fit(t); err != nil {
		return err
	}
	w.phase.Doing(want.Name.String())
	r.table, r.definition, r.defined = t, definition, w.tickAfter(definition.received)
	r.result.Present, r.result.First, r.result.Table = true, first, t
	if err := r.goOn(); err != nil {
		return err
	}
	w.board.update(func(s *bases.Bases) { s.Opened(want, r.result.First, t.LocksTable()) })
	failpoint.InjectCall("behindDefinition", want.Name)
	whole, err := r.readRows(ctx)
	if err != nil || !whole {
		return err
	}
	w.later(r.complete)
	return nil
}

// fit refuses tables of classes that this version cannot make exact.
func (w *worker) fit(t *schema.Table) error {
	if err := w.unions.refuse(t.Name); err != nil {
		return err
	}
	if t.Unsupported != "" {
		return fault.New(fault.CodeFailed, fault.KindSource, "leave it out with --exclude "+schema.Patterns(t.Name),
			"%s has %s, which this version cannot restore exactly", t.Name, t.Unsupported)
	}
	if t.Class() == schema.NonTransactional && !t.LocksTable() {
		return fault.New(fault.CodeFailed, fault.KindSource, fmt.Sprintf("ALTER TABLE %s ENGINE=InnoDB, or leave it out with --exclude %s", t.Name.Quoted(), schema.Patterns(t.Name)),
			"%s is a table of engine %s, whose rows this version cannot read exactly", t.Name, t.Engine)
	}
	if source.LogsCascades(w.cfg.Source.Facts()) {
		return nil
	}
	for _, f := range t.CascadingKeys() {
		switch {
		case f.OnDelete == schema.SetDefault || f.OnUpdate == schema.SetDefault:
			return fault.New(fault.CodeFailed, fault.KindSource, "leave the table out with --exclude "+schema.Patterns(t.Name),
				"the foreign key %s of %s has SET DEFAULT, which InnoDB does not carry out", f.Name, t.Name)
		case !w.selection.table(f.Parent):
			return fault.New(fault.CodeFailed, fault.KindSource, fmt.Sprintf("back up %s too, or leave the table out with --exclude %s", f.Parent, schema.Patterns(t.Name)),
				"the foreign key %s changes rows of %s when %s changes, which the source does not log and which is not backed up", f.Name, t.Name, f.Parent)
		}
	}
	return nil
}

// class is that of the manifest.
func (b *backup) class(c *content, partialImages bool) schema.Class {
	switch {
	case c.class != schema.Keyed:
		return c.class
	case len(c.table.CascadingKeys()) > 0 && !source.LogsCascades(b.cfg.Source.Facts()):
		return schema.Cascading
	case partialImages:
		return schema.PartialImage
	}
	return schema.Keyed
}

// readRows reads the table's rows by the way of its class. It returns false when the read is
// void and has been told so.
func (r *tableRead) readRows(ctx context.Context) (whole bool, err error) {
	class := r.table.Class()
	if class == schema.NoRows {
		r.result.Chunks, r.result.Rows = r.result.First, r.result.First
		return true, nil
	}
	r.selected, r.columns = chunk.Select(r.table)
	if r.writer, err = chunk.NewWriter(chunk.NewTranscoder(r.table), r.cfg.Compression); err != nil {
		return false, err
	}
	defer func() {
		if closing := r.writer.Close(); err == nil {
			err = closing
		}
	}()
	if _, keyed := r.table.Identity(); !keyed {
		r.result.Keyless = true
		whole, err = r.snapshot(ctx)
	} else {
		whole, err = r.walk(ctx)
	}
	if err != nil && judge(err) == gone && ctx.Err() == nil {
		return false, r.brokeOff(ctx, err)
	}
	return whole, err
}

// brokeOff handles an error that seems to say that the table, or a part of it, is gone. Nothing
// is believed before the stream has come to where the log ends now: what it brings makes the
// read void and tells why. Without a statement the read is begun again all the same.
func (r *tableRead) brokeOff(ctx context.Context, why error) error {
	r.cfg.Log.Debug("a read broke off", "table", r.want.Name.String(), "error", why)
	now, err := r.clock.AfterNow(ctx)
	if err != nil {
		return err
	}
	if err := r.awaitStream(ctx, now.High); err != nil {
		return err
	}
	r.board.update(func(s *bases.Bases) {
		s.Evaluate()
		s.Failed(r.want, why.Error(), now.High)
	})
	r.journalVoid()
	return nil
}

// complete takes the ticks behind the read and hands it to the rules.
func (r *tableRead) complete(ctx context.Context) error {
	t1, err := r.defined.await(ctx)
	if err != nil {
		return err
	}
	r.result.DefinitionAfter, r.result.After = r.mark(t1), r.mark(t1)
	if r.table.Class() == schema.NoRows {
		r.result.Rows = r.mark(t1)
	}
	if r.parts != nil {
		last, err := r.parts.await(ctx)
		if err != nil {
			return err
		}
		r.chunks, r.firstTick, r.lastTick = r.parts.all(last), r.parts.earliest, knownTick(last)
	}
	for i := range r.chunks {
		if r.chunks[i].after, err = r.chunks[i].behind.await(ctx); err != nil {
			return err
		}
	}
	if r.firstTick != nil {
		last, err := r.lastTick.await(ctx)
		if err != nil {
			return err
		}
		r.result.After = r.mark(last)
		if !r.result.Keyless { // a snapshot has marks of its own
			r.result.Chunks, r.result.Rows = r.mark(*r.firstTick), r.result.After
		}
	}
	if r.finishTable(r.want, r.result, r) && r.table.Class() != schema.NoRows {
		r.journalDone()
	}
	return nil
}

// finishTable hands the read to the rules and keeps what was read if it counts.
func (b *backup) finishTable(want bases.Want, result bases.TableRead, r *tableRead) (counts bool) {
	if r != nil {
		result.Identity = identityOf(r.table)
	}
	b.board.update(func(s *bases.Bases) {
		if counts = s.TableDone(want, result); !counts {
			return
		}
		b.advances.step()
		if r == nil {
			b.contents.remove(want.Name)
			return
		}
		b.contents.put(want.Name, &content{table: r.table, class: r.table.Class(), columns: r.columns, chunks: r.chunks})
	})
	return counts
}

// identityOf are the columns by which a restore tells rows apart. A primary key over prefixes is not that
// (fact 11.6), but is what partial images hold (fact 6.7).
func identityOf(t *schema.Table) bases.Columns {
	key, _ := t.Identity()
	for i := range t.Keys {
		if t.Keys[i].Primary && !key.Primary {
			return bases.EveryColumn
		}
	}
	columns, _ := t.IdentityColumns()
	return bases.NewColumns(columns...)
}

// count tells the progress of a stored chunk.
func (b *backup) count(s chunk.Sum) {
	b.bytesRead.Add(s.Bytes)
	b.advances.step()
	b.phase.Add(progress.Amount{Rows: int64(s.Rows), Bytes: int64(s.Bytes), Items: 1})
}

// put stores what the writer holds as a chunk of the table. No object is put twice: what the
// journal says of one stays true.
func (r *tableRead) put(ctx context.Context, after, upTo []string, before source.Tick, behind futureTick) (storedChunk, error) {
	below := catalog.ChunkKey(r.want.Name, r.contents.nextChunk(r.want.Name), r.cfg.Compression)
	sum, err := r.writer.Put(ctx, r.cfg.Catalog.Bucket(), catalog.BackupKey(r.cfg.Instance, r.id, below))
	if err != nil {
		return storedChunk{}, err
	}
	r.count(sum)
	return storedChunk{before: before, behind: behind, Chunk: catalog.Chunk{
		Key: below, Rows: sum.Rows, Bytes: sum.Bytes, BytesStored: sum.BytesStored,
		StoredSHA256: sum.StoredSHA256, TextSHA256: sum.TextSHA256, ZeroEnum: sum.ZeroEnum, After: after, UpTo: upTo,
	}}, nil
}
