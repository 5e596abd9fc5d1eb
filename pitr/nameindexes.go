package pitr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
)

// nameIndexes gives indexes that came with a foreign key their names: a server calls them as the key,
// also where that has a name of the kind that servers make, which is another one here as long as the
// table is. Unlike the key such an index does not follow when the table gets its own name.
func (r *replay) nameIndexes(ctx context.Context, x *director.Execution) error {
	for _, n := range slices.Concat(x.Created, x.Altered) {
		t := r.tables.get(n)
		if x.CalledAs == "" || x.CalledAs == n.Name || t == nil {
			continue
		}
		follow := director.FollowConstraint(n.Name, x.CalledAs)
		var clauses []string
		for _, k := range t.def.Keys {
			if own := follow(k.Name); own != k.Name {
				clauses = append(clauses, "RENAME INDEX "+schema.Quote(k.Name)+" TO "+schema.Quote(own))
			}
		}
		if len(clauses) == 0 {
			continue
		}
		if err := r.own.Exec(ctx, "ALTER TABLE "+n.Quoted()+" "+strings.Join(clauses, ", ")); err != nil {
			return fmt.Errorf("give indexes of %s their names: %w", n, err)
		}
		if err := r.tables.read(ctx, n); err != nil {
			return err
		}
	}
	return nil
}
