package dumper

import (
	"slices"

	"github.com/tripod-db/tripod/binlog/source"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// selection is what --databases, --tables and --exclude ask for.
type selection struct {
	databases, tables, exclude []schema.Pattern
	fold                       bool // the source compares names without case
}

func newSelection(c Config) (selection, error) {
	var s selection
	for _, list := range []struct {
		flag  string
		texts []string
		to    *[]schema.Pattern
	}{{"--databases", c.Databases, &s.databases}, {"--tables", c.Tables, &s.tables}, {"--exclude", c.Exclude, &s.exclude}} {
		for _, text := range list.texts {
			p, err := schema.ParsePattern(text)
			if err != nil {
				return selection{}, fault.New(fault.CodeUsage, fault.KindUsage, "names are schema or schema.table, with * and ? as globs", "%s: %w", list.flag, err)
			}
			*list.to = append(*list.to, p)
		}
	}
	for _, p := range s.databases {
		if !p.WholeSchema() {
			return selection{}, fault.New(fault.CodeUsage, fault.KindUsage, "name tables with --tables", "--databases %s names a table", p)
		}
	}
	return s, nil
}

// matchNothing refuses names that select nothing: a name spelled wrong must not become a backup
// that holds less than it says.
func (s selection) matchNothing(l *listing) error {
	if s.whole() {
		return nil
	}
	hint := "names are compared as the source compares them; * and ? are globs"
	for _, p := range s.databases {
		if !slices.ContainsFunc(l.schemas, func(name string) bool { return p.MatchSchema(name, s.fold) }) {
			return fault.New(fault.CodeUsage, fault.KindUsage, hint, "--databases %s matches no schema", p)
		}
	}
	for _, p := range s.tables {
		of := func(n schema.Name) bool { return p.Match(n, s.fold) }
		if !slices.ContainsFunc(l.tables, func(t listedTable) bool { return of(t.Name) }) &&
			!slices.ContainsFunc(l.objects, func(o listedObject) bool { return of(o.name) }) {
			return fault.New(fault.CodeUsage, fault.KindUsage, hint, "--tables %s matches no table", p)
		}
	}
	// An empty schema that is named is not nothing: its tables and routines come with the log.
	if len(s.databases) > 0 && slices.ContainsFunc(l.schemas, func(name string) bool {
		return s.object(catalog.KindProcedure, schema.Name{Schema: name})
	}) {
		return nil
	}
	if len(l.objects) == 0 && !slices.ContainsFunc(l.tables, func(t listedTable) bool { return s.table(t.Name) }) &&
		len(l.tables) > 0 {
		return fault.New(fault.CodeUsage, fault.KindUsage, hint, "the names select nothing")
	}
	return nil
}

// whole tells whether everything is asked for.
func (s selection) whole() bool {
	return len(s.databases) == 0 && len(s.tables) == 0 && len(s.exclude) == 0
}

// selected is the wish as the manifest will answer it on restore.
func (s selection) selected() catalog.Selected {
	return catalog.Selected{Databases: s.databases, Tables: s.tables, Exclude: s.exclude, Fold: s.fold}
}

// table tells whether a table or view of this name is asked for.
func (s selection) table(n schema.Name) bool { return s.selected().Table(n) }

// object tells the same of a view, routine, trigger or event.
func (s selection) object(kind catalog.ObjectKind, n schema.Name) bool {
	return s.selected().Object(kind, n)
}

// schema tells whether anything in the schema may be asked for.
func (s selection) schema(name string) bool { return s.selected().Schema(name) }

// schemaNames returns the schemas asked for by name, or nothing where patterns leave it open:
// those whose grants are checked.
func (s selection) schemaNames(existing []string) []string {
	if len(s.databases) == 0 && len(s.tables) == 0 {
		return nil
	}
	var names []string
	for _, name := range existing {
		if s.schema(name) {
			names = append(names, name)
		}
	}
	return names
}

// scope is the wish as the preflight takes it.
func (s selection) scope(users bool) source.Scope {
	return source.Scope{Schemas: s.schemaNames, Table: s.table, Users: users}
}

func (s selection) manifest(c Config) catalog.Selection {
	return catalog.Selection{Databases: c.Databases, Tables: c.Tables, Exclude: c.Exclude}
}
