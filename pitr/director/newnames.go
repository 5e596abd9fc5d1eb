package director

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// What the source calls by a new name of --rename is something else there than on the target: a text or a foreign key that means
// it would mean what has been renamed, and nothing would say so. It is refused as a text with an old name is.

// newSchema returns the schema that comes to be called so as a whole; empty for none.
func (r *renames) newSchema(name string) string {
	for _, rule := range r.rules {
		if rule.wholeSchema() && r.fold(schema.Name{Schema: name}) == r.fold(rule.to) {
			return rule.from.Schema
		}
	}
	return ""
}

// newTable returns the table that comes to be called so alone, or the schema that comes to be called as that of n; zero for neither.
func (r *renames) newTable(n schema.Name) schema.Name {
	for _, rule := range r.rules {
		if !rule.wholeSchema() && r.fold(n) == r.fold(rule.to) {
			return rule.from
		}
	}
	return schema.Name{Schema: r.newSchema(n.Schema)}
}

// newNames says what of the words of an object's text is a new name.
func (d *Director) newNames(st *ddl.Statement, words []ddl.Identifier, home string) string {
	r := d.Part.renames
	for _, w := range words {
		if d.ownName(st, w) {
			continue
		}
		n := schema.Name{Schema: w.Qualifier, Name: w.Name}
		if n.Schema == "" {
			n.Schema = home
		}
		switch from := r.newTable(n); {
		case (w.Qualifies || w.InString) && w.Qualifier == "" && r.newSchema(w.Name) != "" && !d.isAlias(st, words, w.Name):
			return fmt.Sprintf("it names schema %s, which %s is to be called", w.Name, r.newSchema(w.Name))
		case from.Name != "" && w.Qualifier != "":
			return fmt.Sprintf("it names %s, as %s is to be called", n, from)
		case from.Name != "" && d.onTheSource(n): // else no table is meant
			return fmt.Sprintf("it names %s, as %s is to be called in schema %s", w.Name, from, home)
		}
	}
	return ""
}

// isAlias tells whether a name in front of a dot is that of a table in this text, and not of a schema: the text has it without a dot
// too, and behind no dot anything that the source has in such a schema.
func (d *Director) isAlias(st *ddl.Statement, words []ddl.Identifier, name string) bool {
	alone := 0
	if user, _, ok := st.Definer(); ok && strings.EqualFold(user, name) {
		alone--
	}
	for _, w := range words {
		switch n := (schema.Name{Schema: name, Name: w.Name}); {
		case w.InString:
			return false
		case w.Qualifier == "" && !w.Qualifies && d.FoldSchema(w.Name) == d.FoldSchema(name):
			alone++
		case d.FoldSchema(w.Qualifier) == d.FoldSchema(name) && d.onTheSource(n):
			return false
		}
	}
	return alone > 0
}

// onTheSource tells whether the backup or the log knows of a table, view or routine.
func (d *Director) onTheSource(n schema.Name) bool {
	if _, ok := d.lives.get(n); ok || d.lives.outside(n) {
		return true
	}
	for _, kind := range []catalog.ObjectKind{catalog.KindView, catalog.KindProcedure, catalog.KindFunction} {
		if d.objects.get(kind, n) != nil {
			return true
		}
	}
	return false
}

// parentOf is a foreign key of a table of the part.
type parentOf struct {
	child, parent Life
	known         bool // the parent has a life
	name          schema.Name
}

// NoteParent keeps what a foreign key of a table refers to, by their names on the source now. One that the log drops again stays.
func (d *Director) NoteParent(child, parent schema.Name) {
	if d.Part == nil || len(d.Part.renames.rules) == 0 {
		return
	}
	if id, ok := d.lives.get(child); ok {
		life, known := d.lives.get(parent)
		d.parents = append(d.parents, parentOf{id, life, known, parent})
	}
}

// newParents says which tables at the stop point have foreign keys to what is called by a new name on the source.
func (d *Director) newParents() (reasons []string, names []schema.Name) {
	said := map[Life]bool{}
	for _, p := range d.parents {
		child, ok := d.lives.now[p.child]
		if m := d.active(p.child); !ok || m == nil || !m.Wanted() || said[p.child] {
			continue
		}
		n := p.name
		if p.known {
			if n, ok = d.lives.now[p.parent]; !ok {
				n = p.name
			} else if m := d.active(p.parent); m != nil && m.Wanted() {
				continue
			}
		}
		from := d.Part.renames.newTable(n)
		if from == (schema.Name{}) {
			continue
		}
		said[p.child] = true
		what := from.String()
		if from.Name == "" {
			what = "schema " + from.Schema
		}
		reasons = append(reasons, fmt.Sprintf("table %s (its foreign key refers to %s, where %s is to be)", child, n, what))
		names = append(names, child)
	}
	return reasons, names
}
