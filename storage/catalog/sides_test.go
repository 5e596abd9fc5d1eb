package catalog

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/schema"
)

func at(pos uint64) binlog.Position {
	return binlog.Position{Timeline: "one", File: "binlog.000003", Pos: pos}
}

func table(name string) schema.Name { return schema.Name{Schema: "s", Name: name} }

// sidesManifest: entries start at 100, 200, ... and each ends where the next one starts.
func sidesManifest() *Manifest {
	window := func(low, high uint64) binlog.Window { return binlog.Window{Low: at(low), High: at(high)} }
	return &Manifest{
		Floor: binlog.Point{Position: at(200)},
		Names: []NameBase{
			{Name: table("read"), Base: BaseRead, Statements: window(300, 600), Definition: window(400, 500), Rows: window(200, 550)},
			{Name: table("absent"), Base: BaseRead, Absent: true, Statements: window(300, 500), Definition: window(300, 500), Rows: window(300, 500)},
			{Name: table("dropped"), Base: BaseTombstone, At: at(400), AtEnd: at(500)},
			{Name: table("swapped"), Base: BaseTombstone, At: at(400), AtEnd: at(500), Inside: true},
			{Name: table("other"), Base: BaseOutside},
		},
		Schemas: []SchemaBase{{Name: "s", Exists: true, Window: window(300, 400)}},
		Objects: []Object{
			{Name: table("v"), Kind: KindView, Window: window(300, 500)},
			{Name: table("P"), Kind: KindProcedure, Window: window(300, 500)},
		},
	}
}

func TestSidesByBase(t *testing.T) {
	const skip, inside, after = binlog.Skip, binlog.Inside, binlog.After
	starts := []uint64{100, 200, 300, 400, 500, 600, 700}
	tests := []struct {
		what string
		side func(s *Sides, start binlog.Position) binlog.Side
		want []binlog.Side
	}{
		{"statement on read", func(s *Sides, p binlog.Position) binlog.Side { return s.StatementSide(table("read"), p) },
			[]binlog.Side{skip, skip, inside, inside, inside, after, after}},
		{"definition of read", func(s *Sides, p binlog.Position) binlog.Side { return s.DefinitionSide(table("read"), p) },
			[]binlog.Side{skip, skip, skip, inside, after, after, after}},
		{"rows of read", func(s *Sides, p binlog.Position) binlog.Side { return s.RowSide(table("read"), p) },
			[]binlog.Side{skip, inside, inside, inside, inside, after, after}},
		{"create if not exists of read", func(s *Sides, p binlog.Position) binlog.Side { return s.CreateSide(table("read"), p, true) },
			[]binlog.Side{skip, skip, skip, skip, skip, after, after}},
		{"create of read", func(s *Sides, p binlog.Position) binlog.Side { return s.CreateSide(table("read"), p, false) },
			[]binlog.Side{skip, skip, inside, inside, inside, after, after}},
		{"create if not exists of absent", func(s *Sides, p binlog.Position) binlog.Side { return s.CreateSide(table("absent"), p, true) },
			[]binlog.Side{skip, skip, inside, inside, after, after, after}},
		{"definition of absent", func(s *Sides, p binlog.Position) binlog.Side { return s.DefinitionSide(table("absent"), p) },
			[]binlog.Side{skip, skip, inside, inside, after, after, after}},
		{"statement on tombstone", func(s *Sides, p binlog.Position) binlog.Side { return s.StatementSide(table("dropped"), p) },
			[]binlog.Side{skip, skip, skip, skip, after, after, after}},
		{"rows of tombstone", func(s *Sides, p binlog.Position) binlog.Side { return s.RowSide(table("dropped"), p) },
			[]binlog.Side{skip, skip, skip, skip, after, after, after}},
		{"rename to tombstone", func(s *Sides, p binlog.Position) binlog.Side {
			_, d := s.RenameSides(table("x"), table("dropped"), p)
			return d
		}, []binlog.Side{skip, skip, skip, skip, after, after, after}},
		{"rename to inside tombstone", func(s *Sides, p binlog.Position) binlog.Side {
			_, d := s.RenameSides(table("x"), table("swapped"), p)
			return d
		}, []binlog.Side{skip, skip, skip, after, after, after, after}},
		{"rename from inside tombstone", func(s *Sides, p binlog.Position) binlog.Side {
			f, _ := s.RenameSides(table("swapped"), table("x"), p)
			return f
		}, []binlog.Side{skip, skip, skip, skip, after, after, after}},
		{"outside", func(s *Sides, p binlog.Position) binlog.Side { return s.StatementSide(table("other"), p) },
			[]binlog.Side{skip, skip, skip, skip, skip, skip, skip}},
		{"unlisted", func(s *Sides, p binlog.Position) binlog.Side { return s.StatementSide(table("new"), p) },
			[]binlog.Side{skip, after, after, after, after, after, after}},
		{"rows of unlisted", func(s *Sides, p binlog.Position) binlog.Side { return s.RowSide(table("new"), p) },
			[]binlog.Side{skip, after, after, after, after, after, after}},
		{"system table", func(s *Sides, p binlog.Position) binlog.Side {
			return s.RowSide(schema.Name{Schema: "mysql", Name: "user"}, p)
		}, []binlog.Side{skip, skip, skip, skip, skip, skip, skip}},
		{"schema", func(s *Sides, p binlog.Position) binlog.Side { return s.SchemaSide("s", p) },
			[]binlog.Side{skip, skip, inside, after, after, after, after}},
		{"unlisted schema", func(s *Sides, p binlog.Position) binlog.Side { return s.SchemaSide("t", p) },
			[]binlog.Side{skip, after, after, after, after, after, after}},
		{"view", func(s *Sides, p binlog.Position) binlog.Side { return s.ObjectSide(KindView, table("v"), p) },
			[]binlog.Side{skip, skip, inside, inside, after, after, after}},
		{"procedure in other case", func(s *Sides, p binlog.Position) binlog.Side { return s.ObjectSide(KindProcedure, table("p"), p) },
			[]binlog.Side{skip, skip, inside, inside, after, after, after}},
	}
	s := sidesManifest().Sides()
	for _, tt := range tests {
		for i, start := range starts {
			if got := tt.side(s, at(start)); got != tt.want[i] {
				t.Errorf("%s, entry at %d: %v, want %v", tt.what, start, got, tt.want[i])
			}
		}
	}
}

func TestSidesOfSchemasNamedLikeTheServersOwn(t *testing.T) {
	m := sidesManifest()
	for fold, want := range map[int]binlog.Side{0: binlog.After, 1: binlog.Skip} {
		m.Source.LowerCaseTableNames = fold
		s, n := m.Sides(), schema.Name{Schema: "SYS", Name: "t"}
		for what, got := range map[string]binlog.Side{
			"rows": s.RowSide(n, at(700)), "schema": s.SchemaSide("SYS", at(700)), "object": s.ObjectSide(KindView, n, at(700)),
		} {
			if got != want {
				t.Errorf("lower_case_table_names=%d, %s: %v, want %v", fold, what, got, want)
			}
		}
	}
}

func TestSidesCompareNamesAsTheSource(t *testing.T) {
	m := sidesManifest()
	upper := schema.Name{Schema: "S", Name: "OTHER"}
	if got := m.Sides().StatementSide(upper, at(700)); got != binlog.After {
		t.Errorf("with case: %v, want another table's side", got)
	}
	m.Source.LowerCaseTableNames = 1
	if got := m.Sides().StatementSide(upper, at(700)); got != binlog.Skip {
		t.Errorf("without case: %v, want the side of s.other", got)
	}
}

// TestR12ObjectsOfTheLogFollowTheSelection: what the backup was not asked for is not made by the
// log behind it; a trigger follows its table.
func TestR12ObjectsOfTheLogFollowTheSelection(t *testing.T) {
	const skip, after = binlog.Skip, binlog.After
	for _, c := range []struct {
		selection Selection
		kind      ObjectKind
		name      schema.Name
		want      binlog.Side
	}{
		{Selection{}, KindView, table("new"), after},
		{Selection{}, KindEvent, table("new"), after},
		{Selection{Exclude: []string{"s.old*"}}, KindView, table("old_v"), skip},
		{Selection{Exclude: []string{"s.old*"}}, KindView, table("new"), after},
		{Selection{Exclude: []string{"s.old*"}}, KindFunction, table("old_f"), after},
		{Selection{Exclude: []string{"s"}}, KindFunction, table("f"), skip},
		{Selection{Tables: []string{"s.t"}}, KindView, table("w"), skip},
		{Selection{Tables: []string{"s.t"}}, KindFunction, table("f"), skip},
		{Selection{Tables: []string{"s.t"}}, KindEvent, table("f"), skip},
		{Selection{Tables: []string{"s.t"}}, KindTrigger, table("tr"), after},
		{Selection{Databases: []string{"s"}}, KindProcedure, table("f"), after},
		{Selection{Databases: []string{"o"}}, KindProcedure, table("f"), skip},
		{Selection{Databases: []string{"o"}}, KindTrigger, table("tr"), skip},
	} {
		m := sidesManifest()
		m.Selection = c.selection
		if got := m.Sides().ObjectSide(c.kind, c.name, at(700)); got != c.want {
			t.Errorf("%+v: %s %s: %v, want %v", c.selection, c.kind, c.name, got, c.want)
		}
	}
	s := sidesManifest().Sides()
	for on, want := range map[string]binlog.Side{"other": skip, "read": after, "made_by_the_log": after} {
		if got := s.TriggerSide(table("tr"), table(on), at(700)); got != want {
			t.Errorf("a trigger on %s: %v, want %v", on, got, want)
		}
	}
}
