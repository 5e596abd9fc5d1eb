package director

import (
	"slices"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// selection says which names a restore is about: --databases, --tables, --exclude. Without the
// first two it is everything.
type selection struct {
	fold     bool
	include  []schema.Pattern
	exclude  []schema.Pattern
	absent   map[schema.Name]bool // names that the backup does not hold
	foldName func(schema.Name) schema.Name
}

// newSelection reads the patterns. Names are compared as the source compares them.
func newSelection(wish catalog.Selection, m *catalog.Manifest, fold func(schema.Name) schema.Name) (*selection, error) {
	s := &selection{fold: m.Source.LowerCaseTableNames != 0, absent: map[schema.Name]bool{}, foldName: fold}
	for _, list := range []struct {
		texts []string
		into  *[]schema.Pattern
		whole bool
		flag  string
	}{
		{wish.Databases, &s.include, true, "--databases"},
		{wish.Tables, &s.include, false, "--tables"},
		{wish.Exclude, &s.exclude, false, "--exclude"},
	} {
		for _, text := range list.texts {
			p, err := schema.ParsePattern(text)
			if err != nil {
				return nil, fault.New(fault.CodeUsage, fault.KindUsage, "write schema or schema.table, with * and ? as wildcards", "%s: %w", list.flag, err)
			}
			if list.whole && !p.WholeSchema() {
				return nil, fault.New(fault.CodeUsage, fault.KindUsage, "name tables with --tables", "%s %s: want the name of a schema", list.flag, text)
			}
			*list.into = append(*list.into, p)
		}
	}
	for _, n := range m.NotBackedUp {
		s.absent[fold(n.Name)] = true
	}
	return s, nil
}

// wholeSchema tells whether a schema is asked for, rather than things in it.
func (s *selection) wholeSchema(name string) bool {
	if !s.Schema(name) {
		return false
	}
	return len(s.include) == 0 || slices.ContainsFunc(s.include, func(p schema.Pattern) bool { return p.WholeSchema() && p.MatchSchema(name, s.fold) })
}

// idle returns the patterns of one list that mean none of the names; schemas mean themselves.
func (s *selection) idle(patterns []schema.Pattern, names []schema.Name, schemas []string) []string {
	var list []string
	for _, p := range patterns {
		if !slices.ContainsFunc(names, func(n schema.Name) bool { return p.Match(n, s.fold) }) &&
			!(p.WholeSchema() && slices.ContainsFunc(schemas, func(name string) bool { return p.MatchSchema(name, s.fold) })) {
			list = append(list, p.String())
		}
	}
	return list
}

// Object tells whether a table, view, routine or event is restored.
func (s *selection) Object(n schema.Name) bool {
	return !s.absent[s.foldName(n)] && s.asked(n)
}

// asked tells whether the patterns mean an object, whether the backup holds it or not.
func (s *selection) asked(n schema.Name) bool {
	if schema.IsSystem(n.Schema, s.fold) || n.IsRestores() || s.excluded(n) {
		return false
	}
	for _, p := range s.include {
		if p.Match(n, s.fold) {
			return true
		}
	}
	return len(s.include) == 0
}

func (s *selection) excluded(n schema.Name) bool {
	return slices.ContainsFunc(s.exclude, func(p schema.Pattern) bool { return p.Match(n, s.fold) })
}

// Trigger tells whether a trigger is restored: with its table, unless it is excluded itself.
func (s *selection) Trigger(name, table schema.Name) bool {
	return s.Object(table) && !s.excluded(name)
}

// object tells the same of any object that is no table.
func (s *selection) object(o *Object) bool {
	if o.Kind == catalog.KindTrigger {
		return s.Trigger(o.Name, o.Table)
	}
	return s.Object(o.Name)
}

// Schema tells whether anything in a schema may be restored.
func (s *selection) Schema(name string) bool {
	if schema.IsSystem(name, s.fold) {
		return false
	}
	for _, p := range s.exclude {
		if p.WholeSchema() && p.MatchSchema(name, s.fold) {
			return false
		}
	}
	for _, p := range s.include {
		if p.MatchSchema(name, s.fold) {
			return true
		}
	}
	return len(s.include) == 0
}
