package lanes

import (
	"context"
	"errors"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// Lane carries row changes to the target. Between two fences a lane may do its work in any way
// and order that leads to the same contents; what has passed a fence is on the target.
//
// The ordered lane keeps commit order and serves every table. In the keyed lane only the last
// image of each key matters, and connections work side by side.
type Lane interface {
	// Apply takes one change of a row. Its images are read during the call only.
	Apply(ctx context.Context, t *Table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error
	// Fence returns when all earlier changes of these tables are on the target (R9); nil means
	// of all tables.
	Fence(ctx context.Context, tables []schema.Name) error
	// Close ends the lane and waits for its goroutines. Changes behind the last fence may be lost.
	Close() error
}

// Lanes are all lanes of a replay.
type Lanes struct {
	Ordered *Ordered // of every table
	Keyed   Lane     // of tables that say so (Table.Keyed)
	Large   int      // bytes of a change that passes alone
}

// Apply takes one change of a row into the lane of its table, by its definition now (DESIGN
// section 8).
func (l *Lanes) Apply(ctx context.Context, t *Table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	if !t.Keyed {
		return l.Ordered.Apply(ctx, t, rule, c, o)
	}
	if c.Size() < l.Large {
		err := l.Keyed.Apply(ctx, t, rule, c, o)
		if !errors.Is(err, rewriter.ErrContradiction) && !errors.Is(err, rewriter.ErrNeedsOrder) {
			return err
		}
		// What contradicts earlier changes is held to account by the target, and what needs the row
		// as it is there finds it.
	}
	return l.alone(ctx, t, rule, c, o)
}

// alone takes a change of a table of the keyed lane through the ordered one, between all that
// come before and all that come behind it.
func (l *Lanes) alone(ctx context.Context, t *Table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error {
	table := []schema.Name{t.Name}
	if err := l.Keyed.Fence(ctx, table); err != nil {
		return err
	}
	if err := l.Ordered.Apply(ctx, t, rule, c, o); err != nil {
		return err
	}
	return l.Ordered.Fence(ctx, table)
}

// Cascade takes what foreign keys made of one row of their parent, which may change rows of all these
// tables. It keeps its place among their changes, whatever the lane of those.
func (l *Lanes) Cascade(ctx context.Context, list []rewriter.Cascade, tables []*Table, o rewriter.Origin) error {
	var keyed []schema.Name
	for _, t := range tables {
		if t.Keyed {
			keyed = append(keyed, t.Name)
		}
	}
	if len(keyed) == 0 {
		return l.Ordered.cascade(ctx, list, tables, o)
	}
	if err := l.Keyed.Fence(ctx, keyed); err != nil {
		return err
	}
	if err := l.Ordered.cascade(ctx, list, tables, o); err != nil {
		return err
	}
	return l.Ordered.Fence(ctx, keyed)
}

// Fence is a fence in every lane.
func (l *Lanes) Fence(ctx context.Context, tables []schema.Name) error {
	if err := l.Keyed.Fence(ctx, tables); err != nil {
		return err
	}
	return l.Ordered.Fence(ctx, tables)
}

// Close ends all lanes.
func (l *Lanes) Close() error { return errors.Join(l.Keyed.Close(), l.Ordered.Close()) }
