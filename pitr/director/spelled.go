package director

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// --rename changes names and no text. A view, routine, trigger or event whose text names what is
// renamed would mean something else on the target, or nothing; so it is refused by name, unless it
// is left out. What is inside of a schema that is renamed as a whole and does not spell the
// schema's name means the same there.
//
// Texts are looked at word by word, not understood: a column that is called as a renamed table
// counts as its name. That costs an --exclude; the other way round it would cost an application.

// RefuseSpelled is the fault of the objects of the stop point that cannot come along.
func (d *Director) RefuseSpelled() error {
	if d.Part == nil || len(d.Part.renames.rules) == 0 {
		return nil
	}
	reasons, names := d.newParents()
	for _, o := range d.Restored() {
		for _, step := range o.Steps {
			if reason := d.spelled(o, step); reason != "" {
				reasons = append(reasons, fmt.Sprintf("%s %s (%s)", o.Kind, o.Name, reason))
				names = append(names, o.Name)
				break
			}
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	if n := len(reasons); n > mostNames {
		reasons = append(reasons[:mostNames], fmt.Sprintf("and %d more", n-mostNames))
	}
	return fault.New(fault.CodeUsage, fault.KindUsage, "leave them out and make them yourself afterwards: --exclude "+schema.Patterns(names...)+"; where the new name is in the way, choose one that they do not name",
		"--rename changes no text, and these name what is renamed, or something that the source calls by a new name: %s", strings.Join(reasons, ", "))
}

// spelled says what of a statement's text names something that is renamed; empty for nothing.
func (d *Director) spelled(o *Object, step ObjectStep) string {
	r := d.Part.renames
	// The names of routines, triggers and events resolve in their own schema, whatever the session's was.
	home := o.Name.Schema
	if o.Kind == catalog.KindView {
		home = step.Schema
	}
	words := step.Statement.Identifiers(prepares(step.Statement))
	for _, w := range words {
		if d.ownName(step.Statement, w) {
			continue
		}
		whole := func(name string) bool { return r.schema(name) != name }
		switch {
		case w.Qualifies && w.Qualifier == "" && whole(w.Name):
			return "it spells schema " + w.Name
		case w.InString && whole(w.Name):
			return "it may spell schema " + w.Name + " in a text that it prepares"
		case w.Qualifier != "" && d.renamedAlone(schema.Name{Schema: w.Qualifier, Name: w.Name}):
			return "it names " + w.Qualifier + "." + w.Name
		case w.Qualifier == "" && d.renamedAlone(schema.Name{Schema: home, Name: w.Name}):
			return "it names " + w.Name
		}
	}
	if reason := d.newNames(step.Statement, words, home); reason != "" {
		return reason
	}
	switch {
	case o.Kind == catalog.KindView && home != o.Name.Schema && r.newSchema(home) != "":
		return "it was made in a session in schema " + home + ", which " + r.newSchema(home) + " is to be called"
	case o.Kind == catalog.KindView && home != "" && home != o.Name.Schema && r.schema(home) != home:
		return "it was made in a session in schema " + home
	case o.Kind == catalog.KindTrigger && r.table(o.Table).Schema != r.schema(o.Name.Schema):
		return d.reachesOut(o, step.Statement)
	}
	return ""
}

// renamedAlone tells whether a table has a rule of its own.
func (d *Director) renamedAlone(n schema.Name) bool {
	rule := d.Part.renames.rule(n)
	return rule != nil && !rule.wholeSchema()
}

// ownName tells whether a word belongs to the object's own name, or to that of a trigger's table.
func (d *Director) ownName(st *ddl.Statement, w ddl.Identifier) bool {
	for _, o := range st.Objects {
		if w.Start >= o.Start && w.Start < o.End || w.Start >= o.TableStart && w.Start < o.TableEnd || w.Start >= o.RenamedStart && w.Start < o.RenamedEnd {
			return true
		}
	}
	return false
}

// prepares tells whether a text may run statements that it makes.
func prepares(st *ddl.Statement) bool {
	return slices.ContainsFunc(st.Identifiers(false), func(w ddl.Identifier) bool {
		return !w.Quoted && (strings.EqualFold(w.Name, "PREPARE") || strings.EqualFold(w.Name, "IMMEDIATE"))
	})
}

// reachingWords begin what reads or writes a table, or calls a routine.
var reachingWords = []string{"SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "CALL", "FROM", "JOIN", "INTO", "TABLE", "PREPARE", "HANDLER"}

// reachesOut says by which word a trigger that goes to another schema refers to something in the
// schema that it leaves: nothing there would have that name.
func (d *Director) reachesOut(o *Object, st *ddl.Statement) string {
	for _, w := range st.Identifiers(false) {
		if w.Start < st.Objects[0].TableEnd {
			continue
		}
		function := w.Called && w.Qualifier == "" && d.objects.get(catalog.KindFunction, schema.Name{Schema: o.Name.Schema, Name: w.Name}) != nil
		if function || !w.Quoted && w.Qualifier == "" && slices.ContainsFunc(reachingWords, func(word string) bool { return strings.EqualFold(word, w.Name) }) {
			return "it goes to another schema with its table, and " + w.Name + " may mean something in schema " + o.Name.Schema
		}
	}
	return ""
}
