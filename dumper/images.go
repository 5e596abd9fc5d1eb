package dumper

import (
	"bytes"
	"fmt"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/schema"
)

// rowImages is what the rules have to know of the partial images of an entry, by table.
type rowImages map[schema.Name]imageFacts

type imageFacts struct {
	changed bases.Columns
	diff    bool
}

// note looks at the images of a rows event that lacks something.
func (r *rowImages) note(rows *event.Rows) error {
	diffs := rows.LacksDocuments()
	if rows.Action != event.Update || !rows.PartialImage() && !diffs {
		return nil
	}
	if *r == nil {
		*r = rowImages{}
	}
	name := rows.Table.Name
	found := (*r)[name]
	var both []int // columns in both images
	for i := range rows.Table.Columns {
		if rows.Before.Has(i) && rows.After.Has(i) {
			both = append(both, i)
		}
	}
	err := rows.Each(func(before, after event.Image) error {
		for _, i := range both {
			if before.IsNull(i) != after.IsNull(i) || !after.IsDiff(i) && !bytes.Equal(before.Raw(i), after.Raw(i)) {
				found.changed |= bases.NewColumns(i)
			}
		}
		for i := 0; diffs && !found.diff && i < after.NumColumns(); i++ {
			found.diff = after.IsDiff(i) && !before.Present(i) && !after.IsEmptyDiff(i)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the row images of %s: %w", name, err)
	}
	(*r)[name] = found
	return nil
}
