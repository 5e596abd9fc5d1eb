package lanes

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// shardKeys is how many row keys a connection takes at once: enough that the round trips of a
// transaction do not count, few enough that all connections end a step at about the same time.
const shardKeys = 4000

// Flusher writes generations of the keyed lane.
type Flusher struct {
	Writers  []*Writer // each with its connection
	Progress *checkpoint.Table
	Fold     func(schema.Name) schema.Name // how the source compares names
	Batch    int                           // bytes of SQL in one transaction
	Noted    checkpoint.KeyedNote          // what the progress table says
}

// half makes the statements of one key in one of the two steps.
type half func(l *rewriter.Latest, b *rewriter.Batch, r *event.ImageReader, i int) error

// shard is a range of the row keys of one table.
type shard struct {
	latest   *rewriter.Latest
	from, to int
}

// flush writes a generation, and notes before and behind it how far the lane is.
func (f *Flusher) flush(ctx context.Context, g *generation) error {
	f.Noted.Written = checkpoint.Later(f.Noted.Written, g.reached.Written) // a run that goes on writes again what it doubts
	if err := f.note(ctx); err != nil {
		return err
	}
	if err := f.steps(ctx, g); err != nil {
		return err
	}
	f.Noted.Done = g.reached.Done
	return f.note(ctx, g.notes...)
}

func (f *Flusher) note(ctx context.Context, more ...checkpoint.Note) error {
	return f.Progress.Write(ctx, f.Writers[0].Session, append(more, checkpoint.NewNote(checkpoint.NoteKeyed, "", f.Noted))...)
}

// steps writes a generation. No upsert of any table begins before all deletions have ended.
func (f *Flusher) steps(ctx context.Context, g *generation) error {
	var shards []shard
	for _, latest := range g.tables {
		latest.Sort()
		for from := 0; from < latest.Len(); from += shardKeys {
			shards = append(shards, shard{latest: latest, from: from, to: min(from+shardKeys, latest.Len())})
		}
	}
	for _, s := range []half{(*rewriter.Latest).Delete, (*rewriter.Latest).Upsert} {
		if err := f.all(ctx, shards, s); err != nil {
			return err
		}
	}
	return nil
}

// all does one step of all shards.
func (f *Flusher) all(ctx context.Context, shards []shard, s half) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range f.Writers[:min(len(f.Writers), len(shards))] {
		group.Go(func() error {
			batch := rewriter.NewBatch(w.keepAlternatives())
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(shards) {
					return nil
				}
				if err := f.write(ctx, w, batch, shards[i], s); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// write does one step of one shard.
func (f *Flusher) write(ctx context.Context, w *Writer, batch *rewriter.Batch, sh shard, s half) error {
	var images event.ImageReader
	for i := sh.from; i < sh.to; i++ {
		if err := s(sh.latest, batch, &images, i); err != nil {
			return err
		}
		if batch.Size() < f.Batch && i+1 < sh.to || batch.Len() == 0 {
			continue
		}
		if err := w.write(ctx, batch); err != nil {
			return err
		}
		batch.Reset()
	}
	return nil
}
