package pitr

import (
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/rewriter"
)

// mostDeletions bounds what is remembered of one statement: some 10 MB of hashes.
const mostDeletions = 1 << 18

// deletions are the rows of which the open statement has logged the deletion. Where foreign keys with ON DELETE
// CASCADE make rows a circle, a server that carries them out above the engine (flag 0x10) comes to the row that it
// began with once more, and logs its deletion twice; nothing was between the two, or an event would tell it. Behind
// mostDeletions rows the second one counts as any row that lacks.
type deletions map[schema.Name]map[rewriter.KeyHash]struct{}

// again tells whether the row is gone already, by the same statement, and remembers it otherwise.
func (d deletions) again(rows *event.Rows, t *table, before event.Image) bool {
	if rows.Action != event.Delete {
		delete(d, t.Name)
		return false
	}
	if rows.Flags&event.RowsCascadesLogged == 0 || rows.Table.Flags&event.TableMapReferredByForeign == 0 {
		return false
	}
	identity := t.Write.IdentityColumns()
	if identity == nil || !rewriter.HasKey(identity, before) {
		return false // without a key two rows may be equal
	}
	h, ok := rewriter.HashKey(0, identity, before)
	if !ok {
		return false
	}
	gone := d[t.Name]
	if _, again := gone[h]; again {
		return true
	}
	if gone == nil {
		gone = map[rewriter.KeyHash]struct{}{}
		d[t.Name] = gone
	}
	if len(gone) < mostDeletions {
		gone[h] = struct{}{}
	}
	return false
}
