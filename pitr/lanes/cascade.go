package lanes

import (
	"context"
	"fmt"

	"github.com/pingcap/failpoint"

	"github.com/tripod-db/tripod/rewriter"
)

// mostCascades bounds how deep cascades go. InnoDB carries out 15 one below another (FK_MAX_CASCADE_DEL,
// measured) and refuses the statement where there are more: the log holds none that went deeper.
const mostCascades = 20

// rowsAtOnce is of how many rows of a child the cascades are known at once.
const rowsAtOnce = 1000

// cascade carries out what a foreign key does, and what that makes others do: the child's rows are asked
// for before they change, some at a time, and gone below when they have changed, so that rows that refer to each other in a
// circle end it.
func (w *Writer) cascade(ctx context.Context, c rewriter.Cascade, depth int) error {
	if depth > mostCascades {
		return fmt.Errorf("cascade into %s: %d foreign keys deep, which no source carries out", c.Table(), depth)
	}
	query, some := c.Rows(), c.Some(rowsAtOnce)
	if query == "" {
		some = ""
	}
	for {
		var rows [][]string
		if query != "" {
			var err error
			// Locked, and with that as they are now, whatever the isolation level.
			if rows, err = w.Session.QueryRows(ctx, query+some+" FOR UPDATE"); err != nil {
				return fmt.Errorf("read the rows of %s into which a foreign key cascades: %w", c.Table(), err)
			}
			failpoint.InjectCall("cascadingRows", len(rows))
			if len(rows) == 0 {
				return nil
			}
		}
		if err := w.Session.Exec(ctx, c.Statement()+some); err != nil {
			return fmt.Errorf("cascade into %s: %w", c.Table(), err)
		}
		for _, row := range rows {
			for _, below := range c.Below(row) {
				if err := w.cascade(ctx, below, depth+1); err != nil {
					return err
				}
			}
		}
		if some == "" || len(rows) < rowsAtOnce {
			return nil
		}
	}
}
