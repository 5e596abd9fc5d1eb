package pitr

import (
	"context"
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// helperAfter is how many rows of a keyless table are looked for by walks over the table before
// it gets an index: that many walks over a table cost about as much as building one.
const helperAfter = 64

// helped gives a keyless table its index when enough rows were looked for. It lives until a
// statement names the table, or until Finish: no statement of the log meets it.
func (r *replay) helped(ctx context.Context, t *table) error {
	if t.helper || t.noHelper || t.Write.Keyed() || r.tables.archived { // in an archive a later replay would meet the index
		return nil
	}
	if t.lookups++; t.lookups < helperAfter {
		return nil
	}
	create := t.Write.CreateHelperIndex()
	if create == "" {
		return nil
	}
	if err := r.lanes.Fence(ctx, []schema.Name{t.Name}); err != nil {
		return err
	}
	if err := r.tables.reader.Exec(ctx, create); err != nil {
		if server.ErrorNumber(err) != 0 && !server.IsTransient(err) && ctx.Err() == nil {
			t.noHelper = true // it has 64 indexes already, or no room for one on its pages: the walks go on
			return nil
		}
		return fmt.Errorf("give keyless table %s an index for the replay: %w", t.Name, err)
	}
	t.helper = true
	return nil
}

// dropHelpers takes the indexes away from these tables.
func (s *tableSet) dropHelpers(ctx context.Context, tables []*table) error {
	for _, t := range tables {
		if !t.helper {
			continue
		}
		if err := s.reader.Exec(ctx, t.Write.DropHelperIndex()); err != nil {
			return fmt.Errorf("take the index of the replay away from %s: %w", t.Name, err)
		}
		t.helper = false
	}
	return nil
}

// named returns those of the names that the restore has now.
func (s *tableSet) named(names ...schema.Name) []*table {
	var list []*table
	for _, n := range names {
		if t := s.get(n); t != nil {
			list = append(list, t)
		}
	}
	return list
}
