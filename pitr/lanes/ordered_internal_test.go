package lanes

import (
	"encoding/json"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/rewriter"
)

// TestR9TheOrderedMarkNeverGoesBack: a run that goes on may send changes of the keyed lane, which was behind, through the ordered one in
// front of what that had reached. What a third run finds must not bring the rows between the two again.
func TestR9TheOrderedMarkNeverGoesBack(t *testing.T) {
	origin := func(pos, row uint64) rewriter.Origin {
		return rewriter.Origin{Entry: binlog.Position{Timeline: "t", File: "binlog.000001", Pos: pos}, Row: row}
	}
	l := &Ordered{behind: checkpoint.Behind(origin(500, 3))}
	for _, c := range []struct{ row, want rewriter.Origin }{
		{origin(300, 9), origin(500, 3)}, {origin(500, 2), origin(500, 3)}, {origin(500, 4), origin(500, 4)}, {origin(400, 0), origin(500, 4)}, {origin(600, 0), origin(600, 0)},
	} {
		var r reached
		r.add(&Table{}, c.row)
		var mark checkpoint.Mark
		for _, n := range l.take(&r) {
			if n.Kind != checkpoint.NoteOrdered {
				continue
			}
			if err := json.Unmarshal(n.Value, &mark); err != nil {
				t.Fatal(err)
			}
		}
		if mark != checkpoint.Behind(c.want) {
			t.Errorf("behind %v the mark is %v, want %v", c.row, mark, checkpoint.Behind(c.want))
		}
	}
}
