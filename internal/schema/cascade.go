package schema

import (
	"slices"
	"strings"
)

// Effect is what happens to rows of a table, as far as it matters to the foreign keys that refer to it.
type Effect struct {
	Deleted bool
	// Changed are the columns that get other values, of rows that stay.
	Changed []string
}

// Effect returns what the foreign key does to the rows of its child when something happens to rows of
// its parent that they refer to; ok is false for nothing. SET DEFAULT does nothing here: InnoDB knows no
// such key.
func (f *ForeignKey) Effect(on Effect) (child Effect, ok bool) {
	switch action := f.action(on); {
	case action == Cascade && on.Deleted:
		return on, true
	case action == Cascade, action == SetNull:
		return Effect{Changed: f.Columns}, true
	}
	return Effect{}, false
}

// Carries tells whether the child's rows get values of the parent's, which is ON UPDATE CASCADE.
func (f *ForeignKey) Carries(on Effect) bool { return !on.Deleted && f.action(on) == Cascade }

// action is what the foreign key was made for to do in that case.
func (f *ForeignKey) action(on Effect) Reference {
	refers := func(c string) bool {
		return slices.ContainsFunc(f.References, func(r string) bool { return strings.EqualFold(r, c) })
	}
	switch {
	case on.Deleted:
		return f.OnDelete
	case slices.ContainsFunc(on.Changed, refers):
		return f.OnUpdate
	}
	return Restrict
}

// CascadingKeys are the foreign keys of a table by which changes of other tables change it.
func (t *Table) CascadingKeys() (list []*ForeignKey) {
	for i := range t.ForeignKeys {
		if t.ForeignKeys[i].Cascades() {
			list = append(list, &t.ForeignKeys[i])
		}
	}
	return list
}
