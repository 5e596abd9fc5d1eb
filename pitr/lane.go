package pitr

import (
	"context"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// lane carries row changes to the target. Between two fences a lane may do its work in any way
// and order that leads to the same contents; what has passed a fence is on the target.
//
// The ordered lane keeps commit order and serves every table. A lane for keyed tables, in which
// for each key only the last image matters, takes its place beside it: laneOf chooses.
type lane interface {
	// Apply takes one change of a row. Its images are read during the call only.
	Apply(ctx context.Context, t *table, rule rewriter.Rule, c rewriter.Change, o rewriter.Origin) error
	// Fence returns when all earlier changes of these tables are on the target (R9); nil means
	// of all tables.
	Fence(ctx context.Context, tables []schema.Name) error
	// Close ends the lane and waits for its goroutines. Changes behind the last fence may be lost.
	Close() error
}

// lanes are all lanes of a replay.
type lanes struct {
	ordered lane
}

// laneOf returns the lane of a table, by its definition now (DESIGN section 8).
func (l *lanes) laneOf(*table) lane { return l.ordered }

// Fence is a fence in every lane.
func (l *lanes) Fence(ctx context.Context, tables []schema.Name) error {
	return l.ordered.Fence(ctx, tables)
}

// Close ends all lanes.
func (l *lanes) Close() error { return l.ordered.Close() }
