package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/storage/catalog"
)

// In a run that goes on, rows that their transaction takes back may be the first of a table: what it is is not known before.
func TestRowsThatAreTakenBackInARunThatGoesOn(t *testing.T) {
	s := newStory(t, "d")
	mysqltest.Exec(t, s.dest, "CREATE DATABASE d", "CREATE TABLE d.inno (id INT PRIMARY KEY)", "CREATE TABLE d.isam (id INT PRIMARY KEY) ENGINE=MyISAM")
	to, err := target.Open(t.Context(), s.into, false)
	s.must(err)
	reader, err := to.Session(t.Context())
	s.must(err)
	defer reader.Close()
	window := between(150, 400)
	m := &catalog.Manifest{Source: catalog.SourceFacts{Flavor: "mariadb", Version: "10.11.6"}}
	m.Floor.Position = at(100)
	for name, class := range map[string]string{"inno": "keyed", "isam": "non-transactional"} {
		m.Names = append(m.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: name}, Base: catalog.BaseRead, Class: class, Statements: window, Definition: window, Rows: window})
	}
	d, err := director.New(m, director.Scope{}, nil)
	s.must(err)
	r := &replay{director: d, tables: newTableSet(reader, d.Fold), past: checkpoint.NewPast(d.Fold)}
	d.Class = r.tables.class
	for name, want := range map[string]bool{"inno": true, "isam": false} {
		n := schema.Name{Schema: "d", Name: name}
		r.tables.expect(n, 0)
		back, err := r.takesBack(t.Context(), &event.Entry{Start: at(200)}, undone(t, n), n)
		if s.must(err); back != want {
			t.Errorf("%s: taken back: %v", name, back)
		}
	}
	if r.rowOfEntry != 1 {
		t.Errorf("%d rows that are taken back have a number instead of 1", r.rowOfEntry)
	}
	// Of a table that is gone by now nothing is asked.
	n := schema.Name{Schema: "d", Name: "gone"}
	r.tables.expect(n, 0)
	r.past.Phase = checkpoint.PhaseFinish
	if back, err := r.takesBack(t.Context(), &event.Entry{Start: at(200)}, undone(t, n), n); err != nil || !back || r.rowOfEntry != 2 {
		t.Errorf("of a table that is gone: %v, %v, %d rows", back, err, r.rowOfEntry)
	}
}

// undone is one row, without columns, that is taken back.
func undone(t *testing.T, n schema.Name) *event.Rows {
	t.Helper()
	r := &event.Rows{Table: &event.TableMap{Name: n}, Action: event.Insert, Undone: true}
	if err := r.Each(func(_, _ event.Image) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return r
}
