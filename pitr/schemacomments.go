package pitr

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tripod-db/tripod/rewriter"
)

// schemaComments gives schemas the comments that they have on a MariaDB; a MySQL has none.
func (f *finisher) schemaComments(ctx context.Context) error {
	for _, key := range slices.Sorted(maps.Keys(f.director.Schemas)) {
		s := f.director.Schemas[key]
		switch {
		case s.Comment == "" || !s.Exists || s.Target == "":
		case !f.comments:
			f.result.Warnings = append(f.result.Warnings, fmt.Sprintf("schema %s has a comment, of which the target knows nothing: %s", s.Name, s.Comment))
		default:
			if err := f.own.Exec(ctx, rewriter.CommentDatabase(s.Target, s.Comment)); err != nil {
				return fmt.Errorf("set the comment of schema %s: %w", s.Name, err)
			}
		}
	}
	return nil
}
