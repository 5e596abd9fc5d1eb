package ddl

import "github.com/tripod-db/tripod/internal/schema"

// ConstraintEdits replaces the names of constraints in a CREATE or ALTER TABLE by what rename
// returns for them, where it returns another one.
func (s *Statement) ConstraintEdits(rename func(string) string) []Edit {
	var edits []Edit
	l := s.lex
	for i := range l.tokens {
		head := i // behind what the name stands, without IF [NOT] EXISTS (MariaDB)
		switch {
		case l.isWords(i-3, "IF", "NOT", "EXISTS"):
			head = i - 3
		case l.isWords(i-2, "IF", "EXISTS"):
			head = i - 2
		}
		switch {
		case l.isWord(head-1, "CONSTRAINT"), l.isWords(head-3, "DROP", "FOREIGN", "KEY"),
			l.isWords(head-2, "DROP", "CHECK"), l.isWords(head-2, "ALTER", "CHECK"):
		default:
			continue
		}
		if !l.isIdentifier(i) || l.isWords(i, "IF", "EXISTS") || l.isWords(i, "IF", "NOT", "EXISTS") {
			continue
		}
		name := l.identifier(i)
		if other := rename(name); other != name {
			edits = append(edits, Edit{l.tokens[i].start, l.tokens[i].end, schema.Quote(other)})
		}
	}
	return edits
}

// ConstraintNames lists the names of constraints that a CREATE or ALTER TABLE spells, and those of the indexes of its foreign
// keys, which some servers take for them.
func (s *Statement) ConstraintNames() (names []string) {
	s.ConstraintEdits(func(name string) string {
		names = append(names, name)
		return name
	})
	l := s.lex
	for i := range l.tokens {
		if !l.isWords(i-2, "FOREIGN", "KEY") {
			continue
		}
		if l.isWords(i, "IF", "NOT", "EXISTS") {
			i += 3
		}
		if l.isIdentifier(i) {
			names = append(names, l.identifier(i))
		}
	}
	return names
}

// CollationEdits spells the collation of a table that a CREATE TABLE with a list of columns leaves
// to the schema; other statements get no edit.
func (s *Statement) CollationEdits(collation string) []Edit {
	if _, err := s.body(); err != nil {
		return nil
	}
	l := s.lex
	open := 0
	for l.tokens[open].start < s.Tables[0].End {
		open++
	}
	closing := l.closing(open)
	for i, depth := closing+1, 0; i < len(l.tokens); i++ {
		switch {
		case l.isPunct(i, '('):
			depth++
		case l.isPunct(i, ')'):
			depth--
		case depth == 0 && (l.isWord(i, "COLLATE") || l.isWord(i, "CHARSET") || l.isWords(i, "CHARACTER", "SET")):
			return nil
		}
	}
	at := l.tokens[closing].end
	return []Edit{{at, at, " COLLATE=" + schema.Quote(collation)}}
}
