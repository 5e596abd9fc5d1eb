package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// R12: a newer backup of a part of the instance does not serve a wish for more than it holds while
// an older one does; where none does, the report says what is missing.
func TestR12PartPrefersABackupThatHoldsIt(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.u (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)", "INSERT INTO d.u VALUES (1)")
	all := s.begin()
	all.schema("d")
	all.table("d.t", "")
	all.table("d.u", "")
	whole := all.end()
	s.on("INSERT INTO d.t VALUES (2)", "INSERT INTO d.u VALUES (2)")
	b := s.begin()
	b.Selection.Tables = []string{"d.t"}
	b.schema("d")
	b.table("d.t", "")
	b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: "u"}, Base: catalog.BaseOutside})
	partial := b.end()
	s.on("INSERT INTO d.t VALUES (3)")
	left := s.gtid()
	for _, c := range []struct {
		w    Wish
		want string
		says string
	}{
		{Wish{Selection: catalog.Selection{Tables: []string{"d.t"}}}, partial, ""},
		{Wish{Selection: catalog.Selection{Databases: []string{"d"}}}, whole, ""},
		{Wish{Selection: catalog.Selection{Tables: []string{"d.*"}}}, whole, ""},
		{Wish{Selection: catalog.Selection{Exclude: []string{"d.t"}}}, whole, ""},
		{Wish{Selection: catalog.Selection{Databases: []string{"d"}, Exclude: []string{"d.u"}}}, whole, ""},
		{Wish{SkipGTID: gtids(t, left)}, whole, ""},
		{Wish{Selection: catalog.Selection{Databases: []string{"d"}}, Backup: partial}, partial, "was made of a part of the instance"},
	} {
		c.w.Force = true
		plan, result, err := s.restore(c.w)
		s.must(err)
		if plan.BackupID != c.want {
			t.Errorf("%+v from backup %s, want %s", c.w, plan.BackupID, c.want)
		}
		if got := strings.Join(result.Warnings, "\n"); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%+v: warnings %q, want %q", c.w, got, c.says)
		}
	}
	of := s.begin()
	of.Selection.Databases = []string{"d"}
	of.schema("d")
	of.table("d.t", "")
	of.table("d.u", "")
	schemaOnly := of.end()
	for _, c := range []struct {
		w    Wish
		want string
	}{
		{Wish{Selection: catalog.Selection{Databases: []string{"d"}}}, schemaOnly},
		{Wish{Selection: catalog.Selection{Tables: []string{"d.*"}}}, schemaOnly},
		{Wish{Selection: catalog.Selection{Tables: []string{"*.t"}}}, whole},
		{Wish{Selection: catalog.Selection{Exclude: []string{"d.u"}}}, whole},
	} {
		c.w.Force = true
		plan, result, err := s.restore(c.w)
		s.must(err)
		if plan.BackupID != c.want || len(result.Warnings) != 0 {
			t.Errorf("%+v from backup %s, want %s; warnings %q", c.w, plan.BackupID, c.want, result.Warnings)
		}
	}
	missing := s.begin()
	missing.schema("d")
	missing.table("d.t", "")
	missing.NotBackedUp = []catalog.NotBackedUp{{Name: schema.Name{Schema: "d", Name: "u"}, Reason: "no key"}}
	id := missing.end()
	for _, c := range []struct {
		selection catalog.Selection
		says      string
	}{
		{catalog.Selection{Databases: []string{"d"}}, "d.u is not in backup " + id},
		{catalog.Selection{Tables: []string{"d.t"}}, ""},
	} {
		_, result, err := s.restore(Wish{Selection: c.selection, Backup: id, Force: true})
		s.must(err)
		if got := strings.Join(result.Warnings, "\n"); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%+v: warnings %q, want %q", c.selection, got, c.says)
		}
	}
}

// R12: where a backup that holds all of a wish cannot serve it because of a statement, one that holds less is no way out: the
// refusal says which table has to be left out, and then it may be.
func TestR12PartOfARefusedWish(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.u (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)", "INSERT INTO d.u VALUES (1)")
	less := s.begin()
	less.Selection.Exclude = []string{"d.u", "d.w"}
	less.schema("d")
	less.table("d.t", "")
	less.Names = append(less.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: "u"}, Base: catalog.BaseOutside})
	less.end()
	all := s.begin()
	all.schema("d")
	all.table("d.t", "")
	all.table("d.u", "")
	all.end()
	s.on("INSERT INTO d.t VALUES (2)", "SET SESSION binlog_format=STATEMENT", "CREATE TABLE d.w SELECT RAND() AS r", "SET SESSION binlog_format=ROW", "INSERT INTO d.t VALUES (3)")
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Databases: []string{"d"}}})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "d.w")
	_, result, err := s.restore(Wish{Selection: catalog.Selection{Databases: []string{"d"}, Exclude: []string{"d.w"}}})
	s.must(err)
	if len(result.Warnings) != 0 {
		t.Errorf("warnings %q", result.Warnings)
	}
	if rows := s.query(s.dest.Root(), "SELECT COUNT(*) FROM d.t"); rows[0][0] != "3" {
		t.Errorf("d.t has %v rows", rows)
	}
}
