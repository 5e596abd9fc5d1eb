package ddl

// Identifier is one place of a text at which a name of something may stand: any word that is not
// quoted as a string, keywords among them.
type Identifier struct {
	Name string
	// Qualifier is the name in front of the dot before it; Qualifies: a dot follows.
	Qualifier string
	Qualifies bool
	Quoted    bool // in backticks
	Called    bool // an opening parenthesis follows
	Start     int
	// InString: the word stands inside of a string, where only a text that is made and then
	// prepared means a name by it.
	InString bool
}

// Identifiers returns the words of the statement's text in order. With strings, the words in its
// strings are among them.
func (s *Statement) Identifiers(strings bool) []Identifier {
	l := s.lex
	var list []Identifier
	for i := range l.tokens {
		switch {
		case l.isIdentifier(i):
			id := Identifier{Name: l.identifier(i), Quoted: l.tokens[i].kind == quoted, Start: l.tokens[i].start, Called: l.isPunct(i+1, '('), Qualifies: l.isPunct(i+1, '.')}
			if l.isPunct(i-1, '.') && l.isIdentifier(i-2) {
				id.Qualifier = l.identifier(i - 2)
			}
			list = append(list, id)
		case strings && l.tokens[i].kind == stringLit:
			list = append(list, wordsOf(l.value(i), l.tokens[i].start)...)
		}
	}
	return list
}

// wordsOf cuts the inside of a string into words, dots between them as in a text.
func wordsOf(text string, start int) []Identifier {
	inner := lex(text, Session{})
	var list []Identifier
	for i := range inner.tokens {
		if !inner.isIdentifier(i) {
			continue
		}
		id := Identifier{Name: inner.identifier(i), Start: start, InString: true, Qualifies: inner.isPunct(i+1, '.')}
		if inner.isPunct(i-1, '.') && inner.isIdentifier(i-2) {
			id.Qualifier = inner.identifier(i - 2)
		}
		list = append(list, id)
	}
	return list
}
