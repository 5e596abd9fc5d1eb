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
