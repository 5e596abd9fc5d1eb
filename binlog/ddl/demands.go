package ddl

import (
	"slices"
	"strings"
)

// Demands is what a CREATE TABLE or ALTER TABLE asks of the server that runs it, beyond
// privileges.
type Demands struct {
	// AddsPrimaryKey and DropsPrimaryKey: a CREATE TABLE that does not add one makes a table
	// without (unless it is a LIKE).
	AddsPrimaryKey, DropsPrimaryKey bool
	// Charsets and Collations are those that the text names, in lower case.
	Charsets, Collations []string
	// Engines likewise.
	Engines []string
	// Tablespaces are those that the text names but the ones that every server has, Encrypted whether it asks for
	// encryption.
	Tablespaces []string
	Encrypted   bool
}

// Demands reads them off the text. What it does not find the server will ask for.
func (s *Statement) Demands() Demands {
	var d Demands
	depth, from := 0, 0
	for i := range s.lex.tokens {
		switch {
		case s.lex.isPunct(i, '('):
			depth++
		case s.lex.isPunct(i, ')'):
			depth--
		case s.lex.isPunct(i, ','):
			from = i + 1
		case s.isNameThere(i, depth):
		case s.lex.isWord(i, "KEY"):
			s.keyDemand(&d, i, from, depth)
		case s.lex.isWord(i, "COLLATE"):
			d.Collations = s.nameDemand(d.Collations, i+1)
		case s.lex.isWord(i, "ENGINE") && depth == 0:
			d.Engines = s.nameDemand(d.Engines, i+1)
		case s.lex.isWord(i, "CHARSET"):
			d.Charsets = s.nameDemand(d.Charsets, i+1)
		case s.lex.isWord(i, "TABLESPACE"):
			d.Tablespaces = s.tablespaceDemand(d.Tablespaces, i+1)
		case s.lex.isWord(i, "ENCRYPTION"):
			d.Encrypted = d.Encrypted || s.asksFor(i+1, "y")
		case s.lex.isWords(i, "CHARACTER", "SET"):
			d.Charsets = s.nameDemand(d.Charsets, i+2)
		}
	}
	return d
}

// wordsBeforeKey stand in front of a KEY that makes no column the primary key.
var wordsBeforeKey = []string{"UNIQUE", "FOREIGN", "FULLTEXT", "SPATIAL", "VECTOR", "ADD", "DROP", "RENAME", "BY", "LINEAR", "FOR"}

// freeWords begin options and are no reserved words: columns and tables may be called so without quotes.
var freeWords = []string{"ENGINE", "TABLESPACE", "CHARSET", "ENCRYPTION"}

// wordsBeforeName stand in front of the name of a table or a column, and of no option.
var wordsBeforeName = []string{"TABLE", "COLUMN", "ADD", "DROP", "CHANGE", "MODIFY", "ALTER", "AFTER", "TO", "RENAME", "EXISTS", "INDEX", "KEY", "CONSTRAINT", "BY"}

// isNameThere tells whether one of the free words is a name where it stands.
func (s *Statement) isNameThere(i, depth int) bool {
	isAny := func(i int, words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return s.lex.isWord(i, w) })
	}
	if !isAny(i, freeWords) {
		return false
	}
	renamed := i - 2 // CHANGE [COLUMN] old new
	if s.lex.isWord(renamed, "COLUMN") {
		renamed--
	}
	// Behind an operator a name stands; an option stands behind a word, a comma or what is in parentheses.
	operator := i > 0 && s.lex.tokens[i-1].kind == punctuator && !s.lex.isPunct(i-1, ',') && !s.lex.isPunct(i-1, ')')
	return operator || depth > 0 && s.lex.isPunct(i-1, ',') || isAny(i-1, wordsBeforeName) ||
		s.lex.isWord(renamed, "CHANGE") && s.lex.isIdentifier(i-1) || s.lex.isWord(i+1, "TO")
}

// keyDemand judges the word KEY at i, in the element or clause that begins at from. Behind a
// column's type, KEY alone means PRIMARY KEY.
func (s *Statement) keyDemand(d *Demands, i, from, depth int) {
	own := 0 // the depth of an ALTER's clauses
	if s.Verb == CreateTable {
		own = 1
	}
	primary := s.lex.isWord(i-1, "PRIMARY")
	switch {
	case depth != own && (s.Verb != AlterTable || depth != 1): // ADD COLUMN (a INT KEY)
	case primary && s.lex.isWord(i-2, "DROP"):
		d.DropsPrimaryKey = true
	case primary:
		d.AddsPrimaryKey = true
	case i == from, s.lex.isPunct(i-1, '('):
	case !slices.ContainsFunc(wordsBeforeKey, func(w string) bool { return s.lex.isWord(i-1, w) }):
		d.AddsPrimaryKey = true
	}
}

// tablespaceDemand adds the tablespace named at token i. Those of every server begin with innodb_; DISCARD and
// IMPORT TABLESPACE name none.
func (s *Statement) tablespaceDemand(list []string, i int) []string {
	if s.lex.isPunct(i, '=') {
		i++
	}
	if !s.lex.isIdentifier(i) || s.lex.isWords(i-2, "DISCARD", "TABLESPACE") || s.lex.isWords(i-2, "IMPORT", "TABLESPACE") {
		return list
	}
	name := s.lex.identifier(i)
	if strings.HasPrefix(strings.ToLower(name), "innodb_") || slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// asksFor tells whether the value at token i, behind an equals sign perhaps, is this one.
func (s *Statement) asksFor(i int, value string) bool {
	if s.lex.isPunct(i, '=') {
		i++
	}
	return strings.EqualFold(s.lex.value(i), value)
}

// nameDemand adds the name at token i, behind an equals sign perhaps.
func (s *Statement) nameDemand(list []string, i int) []string {
	if s.lex.isPunct(i, '=') {
		i++
	}
	if i >= len(s.lex.tokens) || s.lex.isWord(i, "DEFAULT") {
		return list
	}
	t := s.lex.tokens[i]
	name := s.Text[t.start:t.end]
	switch t.kind {
	case quoted, stringLit:
		name = unquote(name)
	case word:
	default:
		return list
	}
	if name = strings.ToLower(name); slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}
