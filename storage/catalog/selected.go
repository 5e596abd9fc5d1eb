package catalog

import (
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
)

// Selected answers what a partial backup was asked for. Backup and restore ask it the same
// questions, the one of what is there, the other of what the log makes. The zero value is a
// whole instance.
type Selected struct {
	Databases, Tables, Exclude []schema.Pattern
	Fold                       bool // the source compares names without case
}

// Parse reads the globs. The error names the one that is none.
func (s Selection) Parse(fold bool) (Selected, error) {
	out := Selected{Fold: fold}
	for _, list := range []struct {
		texts []string
		to    *[]schema.Pattern
	}{{s.Databases, &out.Databases}, {s.Tables, &out.Tables}, {s.Exclude, &out.Exclude}} {
		for _, text := range list.texts {
			p, err := schema.ParsePattern(text)
			if err != nil {
				return Selected{}, fmt.Errorf("read the selection: %w", err)
			}
			*list.to = append(*list.to, p)
		}
	}
	return out, nil
}

func (m *Manifest) selected() (Selected, error) {
	return m.Selection.Parse(m.Source.LowerCaseTableNames != 0)
}

// Table tells whether a table or view of this name is asked for.
func (s Selected) Table(n schema.Name) bool {
	matches := func(p schema.Pattern) bool { return p.Match(n, s.Fold) }
	if schema.IsSystem(n.Schema, s.Fold) || n.IsRestores() || slices.ContainsFunc(s.Exclude, matches) {
		return false
	}
	return s.everything() || slices.ContainsFunc(s.Databases, matches) || slices.ContainsFunc(s.Tables, matches)
}

// Object tells the same of a view, routine, trigger or event. Routines and events belong to
// their schema and come with the whole of it. So does a trigger of which only the name is
// known (DROP TRIGGER); where its table is known, the table decides: see Sides.TriggerSide.
func (s Selected) Object(kind ObjectKind, n schema.Name) bool {
	if kind == KindView {
		return s.Table(n)
	}
	wholeSchema := func(p schema.Pattern) bool { return p.WholeSchema() && p.MatchSchema(n.Schema, s.Fold) }
	switch {
	case schema.IsSystem(n.Schema, s.Fold), slices.ContainsFunc(s.Exclude, wholeSchema):
		return false
	case kind == KindTrigger:
		return s.Schema(n.Schema)
	}
	return s.everything() || slices.ContainsFunc(s.Databases, wholeSchema) || slices.ContainsFunc(s.Tables, wholeSchema)
}

// Schema tells whether anything in the schema may be asked for.
func (s Selected) Schema(name string) bool {
	matches := func(p schema.Pattern) bool { return p.MatchSchema(name, s.Fold) }
	return !schema.IsSystem(name, s.Fold) &&
		(s.everything() || slices.ContainsFunc(s.Databases, matches) || slices.ContainsFunc(s.Tables, matches))
}

func (s Selected) everything() bool { return len(s.Databases) == 0 && len(s.Tables) == 0 }
