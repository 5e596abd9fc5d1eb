package pitr

import (
	"context"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// A schema has the defaults of the source's while the restore works in it: what the log makes without a character set takes them. One that
// was there before, and of which only a part is restored, is that of others too: it gets its own back at the end.

// defaultsToKeep are the defaults of such schemas before anything is changed.
func (r *run) defaultsToKeep(ctx context.Context) (kept []checkpoint.CollationNote, err error) {
	for _, s := range r.plan.Schemas {
		if !s.OnTarget || s.whole || s.Collation == "" {
			continue
		}
		if before, ok := r.keptBefore(s.Name); ok {
			kept = append(kept, before)
			continue
		}
		rows, err := r.main.QueryRows(ctx, "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME="+quoteText(s.Name))
		if err != nil {
			return nil, fmt.Errorf("read the defaults of schema %s: %w", s.Name, err)
		}
		if len(rows) == 1 {
			kept = append(kept, checkpoint.CollationNote{Schema: s.Name, Collation: rows[0][0]})
		}
	}
	return kept, nil
}

// keptBefore is what a restore has noted that this one takes the place of: the schema may have the source's defaults by now.
func (r *run) keptBefore(name string) (n checkpoint.CollationNote, ok bool) {
	if !r.plan.Force {
		return n, false
	}
	for _, o := range r.plan.Existing {
		if o.Name.Name != checkpoint.ProgressTable {
			continue
		}
		if i := slices.IndexFunc(r.plan.begun.kept[o.Schema], func(n checkpoint.CollationNote) bool { return n.Schema == name }); i >= 0 {
			return r.plan.begun.kept[o.Schema][i], true
		}
	}
	return n, false
}

// giveBack sets them again.
func (r *run) giveBack(ctx context.Context) error {
	for _, n := range r.kept {
		if err := r.main.Exec(ctx, rewriter.AlterDatabase(n.Schema, "", n.Collation)); err != nil {
			return fmt.Errorf("give schema %s its defaults back: %w", n.Schema, err)
		}
	}
	return nil
}
