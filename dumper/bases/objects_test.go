package bases

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

func objectStatement(kind catalog.ObjectKind, role ObjectRole, name string) Statement {
	return Statement{Text: "a statement", Objects: []ObjectTouch{{Kind: kind, Name: named(name), Role: role}}}
}

// readObject reads an object that is wanted between two marks.
func (b *Bases) readObject(t *testing.T, kind catalog.ObjectKind, name, table string, before, after Mark) {
	t.Helper()
	for _, w := range b.Wanted() {
		if w.Kind == WantObject && w.Object == kind && w.Name == named(name) {
			if !b.Begin(w) || !b.ObjectDone(w, ObjectRead{Exists: true, Table: table, Before: before, After: after}) {
				t.Fatalf("the read of %s was void", name)
			}
			return
		}
	}
	t.Fatalf("%s %s is not wanted", kind, name)
}

func withObject(t *testing.T, kind catalog.ObjectKind, name, table string) *Bases {
	b := backup(t)
	b.ListObject(kind, named(name))
	b.readObject(t, kind, name, table, mark(1, 2), mark(4, 4))
	return b
}

func TestWindowsBeginAtTheHighMarkWhereReadsWaitForStatements(t *testing.T) {
	for locked, low := range map[bool]binlog.Position{true: place(2), false: place(1)} {
		b := New(Config{
			First: mark(0, 0), Selected: func(schema.Name) bool { return true },
			SelectedObject: func(catalog.ObjectKind, schema.Name) bool { return true }, Locked: locked,
		})
		b.ListSchema("s")
		b.ListObject(catalog.KindEvent, named("e"))
		b.Listed(mark(0, 0))
		b.readObject(t, catalog.KindEvent, "e", "", mark(1, 2), mark(3, 3))
		for w := range b.wants() {
			if b.Begin(w) {
				b.SchemaDone(w, SchemaRead{Exists: true, Before: mark(1, 2), After: mark(3, 3)})
			}
		}
		b.Passed(place(3))
		r := b.mustBeDone(t)
		want := binlog.Window{Low: low, High: place(3)}
		if r.Schemas[0].Window != want || r.Objects[0].Window != want {
			t.Errorf("locked=%v: windows %v and %v, want %v", locked, r.Schemas[0].Window, r.Objects[0].Window, want)
		}
	}
}

func TestObjectsLogWinsInTheWindow(t *testing.T) {
	for _, role := range []ObjectRole{ObjectCreated, ObjectDropped} {
		b := withObject(t, catalog.KindView, "v", "")
		b.log(0, nil)
		b.log(1, one(objectStatement(catalog.KindView, role, "v")))
		b.log(2, nil)
		b.log(3, nil)
		r := b.mustBeDone(t)
		if len(r.Objects) != 1 || r.Objects[0].Window != (binlog.Window{Low: place(1), High: place(4)}) {
			t.Errorf("objects %+v, want v with its window from low to high", r.Objects)
		}
		if r.RecoverableFrom.Position != place(2) {
			t.Errorf("recoverable from %v, want the end of the statement in the window", r.RecoverableFrom)
		}
	}
}

func TestObjectsAlteredInTheWindowAreReadAgain(t *testing.T) {
	for _, kind := range []catalog.ObjectKind{catalog.KindEvent, catalog.KindProcedure, catalog.KindFunction} {
		b := withObject(t, kind, "o", "")
		b.log(0, nil)
		b.log(1, one(objectStatement(kind, ObjectAltered, "O"))) // names without case
		b.log(2, nil)
		b.log(3, nil)
		b.mustNotBeDone(t, "the log holds only a part of the object")
		b.readObject(t, kind, "o", "", mark(4, 4), mark(4, 4))
		b.mustBeDone(t)
	}
}

// The log says SELECT *, the source keeps the columns of that moment. On the target, tables that
// were read later have others at that place: only the source can tell, however late in the backup
// the view was made.
func TestObjectsMadeWithAStarAreReadFromTheSource(t *testing.T) {
	for i := range 6 { // the window ends at 4
		b := withObject(t, catalog.KindView, "v", "")
		for k := range 6 {
			if k == i {
				b.log(k, one(objectStatement(catalog.KindView, ObjectCreatedByStar, "v")))
				continue
			}
			b.log(k, nil)
		}
		if i == 0 { // in the low mark
			b.mustBeDone(t)
			continue
		}
		b.mustNotBeDone(t, "the log does not hold the columns")
		b.readObject(t, catalog.KindView, "v", "", mark(6, 6), mark(6, 6))
		b.mustBeDone(t)
	}
	b := backup(t)
	b.log(0, one(objectStatement(catalog.KindView, ObjectCreatedByStar, "unlisted")))
	b.mustNotBeDone(t, "the log does not hold the columns")
	b.readObject(t, catalog.KindView, "unlisted", "", mark(1, 1), mark(1, 1))
	r := b.mustBeDone(t)
	if len(r.Objects) != 1 || r.Objects[0].Absent {
		t.Errorf("objects %+v, want the view", r.Objects)
	}
}

func TestObjectsTriggerGoesWithItsTable(t *testing.T) {
	b := withObject(t, catalog.KindTrigger, "tr", "t")
	b.log(0, nil)
	b.log(1, nil)
	b.log(2, one(rename("t", "u")))
	b.log(3, nil)
	b.mustNotBeDone(t, "t and its trigger move while they are read")
	b.readObject(t, catalog.KindTrigger, "tr", "u", mark(4, 4), mark(4, 4))
	b.mustNotBeDone(t, "t was there, and u holds what it was")
	b.read(t, "u", mark(4, 4), mark(4, 4))
	b.mustBeDone(t)
}

func TestObjectsUnlistedOneWasDropped(t *testing.T) {
	b := backup(t)
	b.log(0, one(objectStatement(catalog.KindEvent, ObjectAltered, "e")))
	b.log(1, one(objectStatement(catalog.KindEvent, ObjectDropped, "e")))
	r := b.mustBeDone(t)
	if len(r.Objects) != 1 || !r.Objects[0].Absent || r.RecoverableFrom.Position != place(2) {
		t.Errorf("objects %+v, recoverable from %v; want e absent behind its DROP", r.Objects, r.RecoverableFrom)
	}
}

func TestObjectsRenamedFromWhatWasReadLater(t *testing.T) {
	b := backup(t)
	b.ListObject(catalog.KindView, named("v"))
	b.log(0, nil)
	b.log(1, one(rename("v", "w")))
	b.log(2, nil)
	for _, w := range b.Wanted() {
		if w.Kind == WantObject && b.Begin(w) {
			b.ObjectDone(w, ObjectRead{Before: mark(3, 3), After: mark(3, 3)})
		}
	}
	b.mustNotBeDone(t, "the view's text is nobody's")
	b.want(t, "w") // as a table, of which there is none
	b.readObject(t, catalog.KindView, "w", "", mark(3, 3), mark(3, 3))
	b.mustNotBeDone(t, "w has not been looked for as a table")
}

func TestObjectsGoWithTheirSchema(t *testing.T) {
	for verb, text := range map[SchemaVerb]string{SchemaDropped: "DROP DATABASE s", SchemaReplaced: "CREATE OR REPLACE DATABASE s"} {
		b := withObject(t, catalog.KindProcedure, "p", "")
		for i := range 6 {
			b.log(i, nil)
		}
		b.log(6, one(Statement{Text: text, Hard: true, Schema: "s", SchemaVerb: verb, EveryTableOf: []string{"s"}}))
		for _, w := range b.Wanted() {
			t.Errorf("%s: %v is wanted: the log drops it behind its window", text, w)
		}
	}
}

func TestSchemaStatementInItsWindow(t *testing.T) {
	b := backup(t)
	b.ListSchema("s")
	read := func(before, after Mark) {
		t.Helper()
		for _, w := range b.Wanted() {
			if w.Kind == WantSchema && b.Begin(w) {
				b.SchemaDone(w, SchemaRead{Exists: true, Before: before, After: after})
				return
			}
		}
		t.Fatal("the schema is not wanted")
	}
	read(mark(0, 0), mark(1, 1))
	b.log(0, one(Statement{Schema: "s", SchemaVerb: SchemaAltered}))
	b.mustNotBeDone(t, "the schema changes while it is read")
	read(mark(1, 1), mark(1, 1))
	r := b.mustBeDone(t)
	if r.RecoverableFrom.Position != place(1) {
		t.Errorf("recoverable from %v, want the end of ALTER DATABASE", r.RecoverableFrom)
	}
}

func TestSchemaDefaultsThatWereReadLater(t *testing.T) {
	b := backup(t)
	b.ListSchema("s")
	create := hard(Created, "t")
	create.SchemaDefaults = true
	b.log(0, one(create))
	b.log(1, one(Statement{Schema: "s", SchemaVerb: SchemaAltered}))
	for _, w := range b.Wanted() {
		if b.Begin(w) {
			b.SchemaDone(w, SchemaRead{Exists: true, Before: mark(2, 2), After: mark(2, 2)})
		}
	}
	b.mustNotBeDone(t, "t would get defaults that came later")
	b.read(t, "t", mark(2, 2), mark(2, 2))
	b.mustBeDone(t)
}

// Programs and triggers keep the default collation that their schema had when they were made.
func TestObjectsKeepDefaultsThatWereReadLater(t *testing.T) {
	for _, kind := range []catalog.ObjectKind{catalog.KindEvent, catalog.KindProcedure, catalog.KindFunction, catalog.KindTrigger, catalog.KindView} {
		for _, altered := range []bool{true, false} {
			b := backup(t)
			b.ListSchema("s")
			b.log(0, one(objectStatement(kind, ObjectCreated, "o")))
			if altered {
				b.log(1, one(Statement{Schema: "s", SchemaVerb: SchemaAltered}))
			} else {
				b.log(1, nil)
			}
			for _, w := range b.Wanted() {
				if b.Begin(w) {
					b.SchemaDone(w, SchemaRead{Exists: true, Before: mark(2, 2), After: mark(2, 2)})
				}
			}
			if altered && kind != catalog.KindView {
				b.mustNotBeDone(t, "o would get defaults that came later")
				b.readObject(t, kind, "o", "", mark(2, 2), mark(2, 2))
			}
			b.mustBeDone(t)
		}
	}
}

// TestR12TriggersFoundOnOutsideTables: the log names a trigger that discovery left out with its
// table; what the read finds belongs to that table.
func TestR12TriggersFoundOnOutsideTables(t *testing.T) {
	for outside := range map[bool]bool{true: true, false: true} {
		b := New(Config{
			First: mark(0, 0), Selected: func(n schema.Name) bool { return !outside || n != named("t") },
			SelectedObject: func(catalog.ObjectKind, schema.Name) bool { return true },
		})
		b.ListTable(named("t"))
		b.ListObject(catalog.KindTrigger, named("tr"))
		b.Listed(mark(0, 0))
		b.readObject(t, catalog.KindTrigger, "tr", "t", mark(1, 1), mark(2, 2))
		list := b.objectResults(func(binlog.Position, binlog.Time) {})
		if len(list) != 1 || list[0].Absent != outside {
			t.Errorf("outside=%v: %+v", outside, list)
		}
	}
}
