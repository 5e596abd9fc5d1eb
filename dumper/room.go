package dumper

import (
	"context"
	"errors"

	"github.com/tripod-db/tripod/internal/server"
)

// What one worker holds of its share of --memory: the text of its chunk, compressed, which may
// not help; the row that is read, which may be as long as rowLimit; and that row once more, as
// the chunk may end with it (promise 8). Rows are longer than anybody knows before they come: a
// SELECT that meets one above the limit is given up before the row takes memory, and sent again
// when there is room for such rows. So no view waits for memory.

// leastRowLimit lets ordinary rows pass at any --memory.
const leastRowLimit = 1 << 20

// chunkMemory is how much text a chunk gets.
func (b *backup) chunkMemory() uint64 {
	return min(b.cfg.tuning.chunkText, uint64(max(b.cfg.Memory/int64(2*b.cfg.Threads), 1<<20)))
}

// rowLimit is the length of the rows that the read of a table takes now.
func (r *tableRead) rowLimit() int { return max(r.longest, int(r.chunkMemory()/4), leastRowLimit) }

// acquireRoom waits until a chunk may be read; more than there is at all waits until all others are done.
func (r *tableRead) acquireRoom(ctx context.Context) (release func(), err error) {
	defer r.phase.Waits("for memory to read " + r.want.Name.String() + " (--memory)")()
	return r.room.Acquire(ctx, int64(r.chunkMemory())+2*int64(r.rowLimit()))
}

// roomy runs read, and again with more room for a row when it met one that is too long.
func (r *tableRead) roomy(read func() error) error {
	for {
		err := read()
		var long *server.LongRowError
		if !errors.As(err, &long) || long.Size <= r.rowLimit() {
			return err
		}
		r.cfg.Log.Debug("a long row needs more memory", "table", r.want.Name.String(), "bytes", long.Size)
		// Half as much again: the next one may be a little longer.
		r.longest = long.Size + long.Size/2
	}
}

// attemptRoomy is attempt for a read of the whole table, with the room for it.
func (r *tableRead) attemptRoomy(ctx context.Context, read func(context.Context) error) error {
	return r.roomy(func() error {
		release, err := r.acquireRoom(ctx)
		if err != nil {
			return err
		}
		defer release()
		return r.attempt(ctx, read)
	})
}
