package director

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// trigger keeps CREATE and DROP TRIGGER for Finish. The table decides whether it is restored;
// DROP names none, so it goes by what is held.
func (d *Director) trigger(start binlog.Position, q *event.Query, st *ddl.Statement) error {
	o := st.Objects[0]
	taken := d.selected.Trigger(o.Name, o.Table)
	if o.Table != (schema.Name{}) {
		d.objects.noteTrigger(o.Table)
	} else {
		taken = d.objects.get(catalog.KindTrigger, o.Name) != nil
	}
	if !taken || d.isSystem(o.Name.Schema) {
		return nil
	}
	return d.oneObject(start, q, st, catalog.KindTrigger, o)
}
