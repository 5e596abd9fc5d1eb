package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// notice looks at what the images of a rows event lack, and takes a table out of the keyed lane where
// that may keep one image from standing for all changes of a row. It looks at nothing but the event, so
// that a run that goes on does the same at the same place.
func (r *replay) notice(ctx context.Context, e *event.Entry, rows *event.Rows, t *table) error {
	if rows.Action != event.Update {
		return nil
	}
	lacking, diffs := t.lacking || rows.PartialImage(), t.diffs || rows.LacksDocuments()
	if lacking == t.lacking && diffs == t.diffs {
		return nil
	}
	t.lacking, t.diffs = lacking, diffs
	if t.def == nil { // what it is, is read later
		return nil
	}
	keyed := t.Keyed
	if r.tables.chooseLane(t); t.Keyed == keyed || r.past.Passed(e.Start) {
		return nil
	}
	if err := r.lanes.Fence(ctx, []schema.Name{t.Name}); err != nil {
		return err
	}
	// What the keyed lane wrote must not be written again behind what comes.
	return r.progress.Write(ctx, r.own, checkpoint.NewNote(checkpoint.NoteFenced, t.Name.Quoted(), checkpoint.FencedNote{Name: t.Name, Mark: checkpoint.Mark{Entry: e.Start}}))
}

// convergent refuses a change of the window under which nothing converges (R5): the dumper has read
// such a table again.
func (t *table) convergent(c rewriter.Change) error {
	switch {
	case !c.Partial():
		return nil
	case c.HasDiff():
		return fmt.Errorf("a JSON diff without its document: %w", rewriter.ErrPartialImage)
	case t.Write.Moves(c):
		return fmt.Errorf("a change of the key: %w", rewriter.ErrPartialImage)
	case t.off == nil && t.def.SecondaryUnique():
		return fmt.Errorf("beside unique keys: %w", rewriter.ErrPartialImage)
	}
	return nil
}
