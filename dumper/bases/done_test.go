package bases

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

func TestW5WindowsThatEndBeforeTheyBeginAreRefused(t *testing.T) {
	good, bad := binlog.Window{Low: place(3), High: place(3)}, binlog.Window{Low: place(3), High: place(2)}
	table := func(statements, definition, rows binlog.Window) Result {
		return Result{Names: []catalog.NameBase{{Name: named("t"), Base: catalog.BaseRead, Statements: statements, Definition: definition, Rows: rows}}}
	}
	for name, r := range map[string]Result{
		"statements": table(bad, good, good),
		"definition": table(good, bad, good),
		"rows":       table(good, good, bad),
		"schema":     {Schemas: []catalog.SchemaBase{{Name: "s", Window: bad}}},
		"view":       {Objects: []catalog.Object{{Kind: catalog.KindView, Name: named("v"), Window: bad}}},
	} {
		err := r.Check()
		if f := fault.Of(err); f == nil || f.Code != fault.CodeFailed || f.Kind != fault.KindInternal || f.Hint == "" || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := table(good, good, good).Check(); err != nil {
		t.Error(err)
	}
	absent := table(good, binlog.Window{}, binlog.Window{High: place(3)})
	if err := absent.Check(); err != nil {
		t.Error(err)
	}
}

// TestR6WaitingNamesWhatAndWhere: whoever reads why a backup does not end learns which names, what
// is done about them, and what was in the way at which position.
func TestR6WaitingNamesWhatAndWhere(t *testing.T) {
	b := backup(t, "a", "b", "c", "d", "e")
	b.want(t, "b")
	b.read(t, "a", mark(1, 1), mark(2, 2))
	b.log(1, one(hard(Changed, "a")))
	b.Evaluate()
	_, waiting := b.Done()
	for _, want := range []string{
		named("a").String() + " (to be read, for the 2nd time: a statement in the table's window: a statement at " + place(1).String() + ")",
		named("b").String() + " (being read)", named("c").String() + " (to be read)", " and 2 more",
	} {
		if !strings.Contains(waiting, want) {
			t.Errorf("it waits for %q, want %q", waiting, want)
		}
	}
}

// TestR6TheStreamComesNearerToATarget: the place that the stream has to pass moves with what is
// read, and not with the stream.
func TestR6TheStreamComesNearerToATarget(t *testing.T) {
	b := backup(t, "a")
	b.Listed(mark(3, 3))
	target := func(want int) {
		t.Helper()
		if p := b.Target(); p != place(want) {
			t.Errorf("the target is %s, want %s", p, place(want))
		}
	}
	target(3)
	b.Passed(place(50))
	target(3)
	w := b.want(t, "a")
	b.TableDone(w, TableRead{Present: true, First: mark(3, 3), DefinitionAfter: mark(4, 4), Chunks: mark(3, 3), Rows: mark(6, 6), After: mark(5, 5)})
	target(6)
	b.MustPass(place(9))
	b.MustPass(place(8))
	target(9)
}

// TestW4EndIsBehindEveryWindow: a snapshot's rows may end behind its definition.
func TestW4EndIsBehindEveryWindow(t *testing.T) {
	b := backup(t, "a")
	w := b.want(t, "a")
	b.TableDone(w, TableRead{Present: true, First: mark(1, 1), DefinitionAfter: mark(2, 2), Chunks: mark(2, 2), Rows: mark(4, 4), After: mark(3, 3), Keyless: true})
	b.Passed(place(9))
	if r := b.mustBeDone(t); r.End != place(4) {
		t.Errorf("the end is %s, want %s", r.End, place(4))
	}
}
