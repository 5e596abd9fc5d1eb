package director

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

func named(names ...string) (list []schema.Name) {
	for _, n := range names {
		list = append(list, schema.Name{Schema: "d", Name: n})
	}
	return list
}

// Which tables of a restore end at a limit: by rows, by definition, by what the table is.
func TestEndedTables(t *testing.T) {
	m := bases()
	d, err := New(m, Scope{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		start uint64
		limit segment.Limit
		want  []string
		every bool
	}{
		{"rows in what was read", 140, segment.Limit{Kind: segment.LimitRolledBack, Tables: named("read"), Rows: true}, nil, false},
		{"rows that earlier versions refused", 300, segment.Limit{Kind: segment.LimitPartialImage, Tables: named("read"), Rows: true}, nil, false},
		{"rows in the window", 300, segment.Limit{Kind: segment.LimitRolledBack, Tables: named("read"), Rows: true}, []string{"read"}, false},
		{"rows behind it", 600, segment.Limit{Kind: segment.LimitRolledBack, Tables: named("read", "keyless"), Rows: true}, []string{"read", "keyless"}, false},
		{"rows of another", 600, segment.Limit{Kind: segment.LimitRolledBack, Tables: named("out"), Rows: true}, nil, false},
		{"a definition in what was read", 199, segment.Limit{Kind: segment.LimitStatement, Tables: named("read")}, nil, false},
		{"a definition behind it", 500, segment.Limit{Kind: segment.LimitStatement, Tables: named("read")}, []string{"read"}, false},
		{"numbers for rows with a key", 600, segment.Limit{Kind: segment.LimitNumbers, Tables: named("read")}, nil, false},
		{"numbers for rows without one", 600, segment.Limit{Kind: segment.LimitNumbers, Tables: named("keyless")}, []string{"keyless"}, false},
		{"any table of a schema", 450, segment.Limit{Kind: segment.LimitStatement, Schemas: []string{"d"}}, []string{"keyless", "read"}, false},
		{"of another schema", 600, segment.Limit{Kind: segment.LimitStatement, Schemas: []string{"e"}}, nil, false},
		{"by triggers that are not there", 600, segment.Limit{Kind: segment.LimitStatement, Tables: named("read"), Rows: true, Schemas: []string{"d"}, ByTriggers: true}, []string{"read"}, false},
		{"any table", 600, segment.Limit{Kind: segment.LimitText, EveryTable: true}, []string{"keyless", "read"}, true},
		{"any table, in what was read", 140, segment.Limit{Kind: segment.LimitText, EveryTable: true}, nil, true},
		{"XA without prepare", 600, segment.Limit{Kind: segment.LimitUnprepared, EveryTable: true, Rows: true}, []string{"keyless", "read"}, true},
		{"XA without prepare, in what was read", 140, segment.Limit{Kind: segment.LimitUnprepared, EveryTable: true, Rows: true}, nil, true},
		{"XA, from an earlier version", 600, segment.Limit{Kind: segment.LimitXA, Tables: named("read"), Rows: true, Prepare: at(40)}, nil, false},
		{"in one phase, likewise", 600, segment.Limit{Kind: segment.LimitXA, Tables: named("read"), Rows: true}, nil, false},
		{"XA without prepare, likewise", 600, segment.Limit{Kind: segment.LimitXA, EveryTable: true, Rows: true}, []string{"keyless", "read"}, true},
		{"of very many tables, likewise", 600, segment.Limit{Kind: segment.LimitXA, EveryTable: true, Rows: true, Prepare: at(40)}, nil, false},
		{"one that stands for others, likewise", 600, segment.Limit{Kind: segment.LimitXA, EveryTable: true, Rows: true, Prepare: at(40), Until: 700}, []string{"keyless", "read"}, true},
		{"what only a later version knows", 600, segment.Limit{Kind: "new", Tables: named("read"), Rows: true}, []string{"read"}, false},
	} {
		got, every := d.Ended(at(c.start), c.limit)
		if !slices.Equal(got, named(c.want...)) || every != c.every {
			t.Errorf("%s: %v, every %v", c.name, got, every)
		}
	}
}

// A statement in statement format whose table has triggers may have changed others, also where
// the table and its triggers are not restored.
func TestTriggersOfExcludedTablesWriteToo(t *testing.T) {
	m := bases()
	trigger := func(name, table string) catalog.Object {
		return catalog.Object{Name: schema.Name{Schema: "d", Name: name}, Kind: catalog.KindTrigger, Table: table,
			Create: "CREATE TRIGGER `" + name + "` AFTER UPDATE ON `" + table + "` FOR EACH ROW INSERT INTO keyless VALUES (1)", Window: between(200, 300)}
	}
	m.Objects = []catalog.Object{trigger("g", "read")}
	without := Scope{Selection: catalog.Selection{Exclude: []string{"d.read", "d.made", "d.moved"}}}
	d, err := New(m, without, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(start uint64, sql string) bool {
		t.Helper()
		_, err := d.statement(at(start), &event.Query{Schema: "d", SQL: []byte(sql), Context: event.Context{UpdatedSchemas: []string{"d"}}})
		if err != nil && (fault.Of(err).Kind != fault.KindStatement || !strings.Contains(err.Error(), "d.keyless")) {
			t.Fatalf("%s: %v", sql, err)
		}
		return err != nil
	}
	if !refused(600, "UPDATE `read` SET a=1") {
		t.Error("the trigger of an excluded table wrote into d.keyless, which is lost")
	}
	if refused(600, "UPDATE made SET a=1") {
		t.Error("a table without triggers")
	}
	if refused(610, "CREATE TRIGGER h AFTER UPDATE ON made FOR EACH ROW INSERT INTO keyless VALUES (1)") || !refused(620, "UPDATE made SET a=1") {
		t.Error("a trigger of the log on an excluded table wrote into d.keyless, which is lost")
	}
	if refused(630, "RENAME TABLE made TO moved") || !refused(640, "UPDATE moved SET a=1") {
		t.Error("a trigger goes with its table")
	}
}
