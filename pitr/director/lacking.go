package director

import (
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Lacking says what of a wish a backup does not hold; empty for nothing. A wish for a schema, or by
// a pattern, means everything that the source had: a backup that was made without some of that does
// not serve it as it looks.
func Lacking(m *catalog.Manifest, w catalog.Selection) ([]string, error) {
	s, err := newSelection(w, m, foldOf(m))
	if err != nil {
		return nil, err
	}
	var list []string
	made := m.Selection
	covered, err := s.coveredBy(m, w)
	if err != nil {
		return nil, fmt.Errorf("read what backup %s was made of: %w", m.ID, err)
	}
	if !covered {
		list = append(list, fmt.Sprintf("backup %s was made of a part of the instance (databases %v, tables %v, without %v): nothing else is restored", m.ID, made.Databases, made.Tables, made.Exclude))
	}
	for _, n := range m.NotBackedUp {
		if s.asked(n.Name) {
			list = append(list, fmt.Sprintf("%s is not in backup %s, and is not restored: %s", n.Name, m.ID, n.Reason))
		}
	}
	return list, nil
}

// coveredBy tells whether the selection of a backup was no smaller than that of a wish. Of tables the
// manifest tells which were there; of other objects and of schemas nobody knows what there was.
func (s *selection) coveredBy(m *catalog.Manifest, w catalog.Selection) (bool, error) {
	made, err := newSelection(m.Selection, m, s.foldName)
	if err != nil || len(made.include)+len(made.exclude) == 0 {
		return true, err
	}
	for i := range m.Names {
		if n := &m.Names[i]; n.Base == catalog.BaseOutside && !s.absent[s.foldName(n.Name)] && s.asked(n.Name) {
			return false, nil
		}
	}
	open := len(s.include) == 0 // beside single names
	for _, p := range s.include {
		if _, exact := p.Exact(); exact && !p.WholeSchema() {
			continue
		}
		open = true
		name, exact := p.ExactSchema()
		within := func(o schema.Pattern) bool {
			return o.String() == p.String() || exact && o.WholeSchema() && o.MatchSchema(name, s.fold)
		}
		if len(made.include) > 0 && !slices.ContainsFunc(made.include, within) {
			return false, nil
		}
	}
	if !open {
		return true, nil
	}
	for _, text := range m.Selection.Exclude {
		if !slices.Contains(w.Exclude, text) {
			return false, nil
		}
	}
	return len(s.include) > 0 || len(made.include) == 0, nil
}

// ByWhatTheyHold puts manifests, which come oldest first, into the order in which they are tried for
// a part: the newest first, and those that lack something of it last.
func ByWhatTheyHold(manifests []*catalog.Manifest, w catalog.Selection) ([]*catalog.Manifest, error) {
	var holding, others []*catalog.Manifest
	for _, m := range slices.Backward(manifests) {
		lacks, err := Lacking(m, w)
		switch {
		case err != nil:
			return nil, err
		case len(lacks) == 0:
			holding = append(holding, m)
		default:
			others = append(others, m)
		}
	}
	return append(holding, others...), nil
}
