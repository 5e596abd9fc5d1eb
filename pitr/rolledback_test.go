package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/lanes"
)

// What an entry that ends with ROLLBACK changed in a transactional table was taken back on the source.
func TestRolledBackEntriesAreRefused(t *testing.T) {
	d, err := newDirectorFor(bases(), Wish{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tables := newTableSet(nil, d.fold)
	for name, engine := range map[string]string{"read": "InnoDB", "other": "MyISAM", "out": "InnoDB"} {
		def, err := ddl.ParseCreateTable("CREATE TABLE `"+name+"` (`id` int NOT NULL, PRIMARY KEY (`id`)) ENGINE="+engine, "d")
		if err != nil {
			t.Fatal(err)
		}
		n := schema.Name{Schema: "d", Name: name}
		tables.list[n] = &table{Table: lanes.Table{Name: n}, def: def}
	}
	d.rollsBack = tables.rollsBack
	limits, err := d.collector(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		start      uint64
		table      string
		rolledBack bool
		refused    bool
	}{
		{600, "read", true, true},
		{600, "read", false, false},
		{120, "read", true, false}, // in what was read
		{600, "other", true, false},
		{600, "out", true, false},
	} {
		e := &event.Entry{Kind: event.Transaction, Start: at(c.start), RolledBack: c.rolledBack, Tables: []event.Touch{{Name: schema.Name{Schema: "d", Name: c.table}, Rows: 1}}}
		err := d.refusal(e.Start, "", limits.End(e)...)
		if f := fault.Of(err); c.refused != (f != nil && f.Code == fault.CodeRange && f.Kind == fault.KindStatement) || !c.refused && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
