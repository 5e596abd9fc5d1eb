package pitr

import (
	"slices"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/limit"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/storage/catalog"
)

// What an entry takes back of a transactional table without telling from where on.
func TestUnclearRollbacksAreRefused(t *testing.T) {
	read := between(150, 400)
	m := &catalog.Manifest{Source: catalog.SourceFacts{Flavor: "mysql", Version: "9.7.4"}}
	m.Floor.Position = at(100)
	m.Names = []catalog.NameBase{
		{Name: schema.Name{Schema: "d", Name: "read"}, Base: catalog.BaseRead, Class: "keyed", Statements: read, Definition: read, Rows: read},
		{Name: schema.Name{Schema: "d", Name: "out"}, Base: catalog.BaseOutside},
	}
	m.Schemas = []catalog.SchemaBase{{Name: "d", Exists: true, Charset: "utf8mb4", Collation: "utf8mb4_bin", Window: read}}
	d, err := director.New(m, director.Scope{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tables := newTableSet(nil, d.Fold)
	for name, engine := range map[string]string{"read": "InnoDB", "other": "MyISAM", "out": "InnoDB"} {
		def, err := ddl.ParseCreateTable("CREATE TABLE `"+name+"` (`id` int NOT NULL, PRIMARY KEY (`id`)) ENGINE="+engine, "d")
		if err != nil {
			t.Fatal(err)
		}
		n := schema.Name{Schema: "d", Name: name}
		tables.list[n] = &table{Table: lanes.Table{Name: n}, def: def}
	}
	d.Class = tables.class
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
		e := &event.Entry{Kind: event.Transaction, Start: at(c.start), RolledBack: true, UndoneUnclear: c.rolledBack, Tables: []event.Touch{{Name: schema.Name{Schema: "d", Name: c.table}, Rows: 1}}}
		err := d.Refusal(e.Start, "", limit.OfEntry(e)...)
		if f := fault.Of(err); c.refused != (f != nil && f.Code == fault.CodeRange && f.Kind == fault.KindStatement) || !c.refused && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestRowsWithoutColumnsAreRefused: of a statement that writes several rows of nothing but defaults a table without transactions keeps
// one more than the log holds; where it takes them back the log is right.
func TestRowsWithoutColumnsAreRefused(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.isam (a INT, KEY (a)) ENGINE=MyISAM", "CREATE TABLE d.inno (a INT)")
	b := s.begin()
	b.schema("d")
	b.table("d.isam", "").Keyless = true
	b.table("d.inno", "").Keyless = true
	b.end()
	conn, err := s.source.Root().Conn(t.Context())
	s.must(err)
	defer conn.Close()
	for _, q := range []string{"SET SESSION binlog_row_image=MINIMAL", "INSERT INTO d.inno () VALUES ()", "INSERT INTO d.isam (a) VALUES (1), (2)"} {
		_, err := conn.ExecContext(t.Context(), q)
		s.must(err)
	}
	_, _, err = s.restore(Wish{})
	s.must(err)
	s.same("d")
	if _, err := conn.ExecContext(t.Context(), "INSERT INTO d.inno () VALUES (), ()"); server.ErrorNumber(err) != 1534 {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "INSERT INTO d.isam () VALUES (), ()"); server.ErrorNumber(err) != 1534 {
		t.Fatal(err)
	}
	_, _, err = s.restore(Wish{Force: true})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "d.isam")
	_, _, err = s.restore(Wish{Force: true, Selection: catalog.Selection{Exclude: []string{"d.isam"}}})
	s.must(err)
	if got, want := s.tableRows(s.dest.Root(), schema.Name{Schema: "d", Name: "inno"}), s.tableRows(s.source.Root(), schema.Name{Schema: "d", Name: "inno"}); !slices.Equal(got, want) {
		t.Errorf("%v on the target, %v on the source", got, want)
	}
}
