package ddl

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// parser walks the tokens of one statement and fills it in. It looks at the head of each
// statement and at the names; what it skips cannot name a table in a role that changes it.
type parser struct {
	*lexed
	i int
	s *Statement
	// inner is where the statement behind SET STATEMENT .. FOR begins, 0 without that prefix.
	inner int
}

func (p *parser) done() bool { return p.i >= len(p.tokens) }

// raw returns the text of token i as it stands, "" behind the last one.
func (p *parser) raw(i int) string {
	if i < 0 || i >= len(p.tokens) {
		return ""
	}
	return p.text[p.tokens[i].start:p.tokens[i].end]
}

// isWord tells whether token i is the keyword w (in capitals), which a quoted identifier never is.
func (l *lexed) isWord(i int, w string) bool {
	if i < 0 || i >= len(l.tokens) || l.tokens[i].kind != word {
		return false
	}
	t := l.tokens[i]
	return t.end-t.start == len(w) && strings.EqualFold(l.text[t.start:t.end], w)
}

// isPunct tells whether token i is the byte c.
func (l *lexed) isPunct(i int, c byte) bool {
	return i >= 0 && i < len(l.tokens) && l.tokens[i].kind == punctuator && l.text[l.tokens[i].start] == c
}

// isWords tells whether the keywords stand one behind the other from token i on.
func (l *lexed) isWords(i int, words ...string) bool {
	for n, w := range words {
		if !l.isWord(i+n, w) {
			return false
		}
	}
	return true
}

// next tells whether the keywords come next.
func (p *parser) next(words ...string) bool { return p.isWords(p.i, words...) }

// accept consumes the keywords if they come next.
func (p *parser) accept(words ...string) bool {
	if !p.next(words...) {
		return false
	}
	p.i += len(words)
	return true
}

// acceptAny consumes one of the keywords if it comes next.
func (p *parser) acceptAny(words ...string) bool {
	for _, w := range words {
		if p.accept(w) {
			return true
		}
	}
	return false
}

// acceptPunct consumes the byte c if it comes next.
func (p *parser) acceptPunct(c byte) bool {
	if !p.isPunct(p.i, c) {
		return false
	}
	p.i++
	return true
}

// isIdentifier tells whether token i can be a name.
func (l *lexed) isIdentifier(i int) bool {
	return i >= 0 && i < len(l.tokens) && (l.tokens[i].kind == word || l.tokens[i].kind == quoted)
}

// identifier returns the name that token i spells, without its quotes.
func (l *lexed) identifier(i int) string {
	t := l.tokens[i]
	text := l.text[t.start:t.end]
	if t.kind != quoted {
		return text
	}
	return unquote(text)
}

// unquote takes the quotes from an identifier or a string without backslash escapes.
func unquote(text string) string {
	q := text[:1]
	text = text[1:]
	text = strings.TrimSuffix(text, q)
	return strings.ReplaceAll(text, q+q, q)
}

func inUTF8MB3(name string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xFFFF {
			return '?'
		}
		return r
	}, name)
}

// name consumes [schema.]name and resolves it against the default schema. ok is false, and
// nothing consumed, where no name comes next.
func (p *parser) name() (n schema.Name, at span, ok bool) { return p.nameIn(p.s.session.Schema) }

// nameIn is name with another schema for unqualified names.
func (p *parser) nameIn(defaultSchema string) (n schema.Name, at span, ok bool) {
	i := p.i
	if p.isPunct(i, '.') && p.isIdentifier(i+1) { // ".t" is a name without a schema
		i++
	}
	if !p.isIdentifier(i) {
		return n, at, false
	}
	n = schema.Name{Schema: defaultSchema, Name: p.identifier(i)}
	at = span{p.tokens[p.i].start, p.tokens[i].end}
	if p.isPunct(i+1, '.') && p.isIdentifier(i+2) {
		n = schema.Name{Schema: n.Name, Name: p.identifier(i + 2)}
		i += 2
		at.end = p.tokens[i].end
	}
	p.i = i + 1
	return p.stored(n), at, true
}

// stored spells a name as the source stores it: with a question mark for each character beyond the utf8mb3 of its
// dictionary, and in lower case under lower_case_table_names=1.
func (p *parser) stored(n schema.Name) schema.Name {
	n = schema.Name{Schema: inUTF8MB3(n.Schema), Name: inUTF8MB3(n.Name)}
	if p.s.session.LowerCaseTableNames == 1 {
		return Fold(n, 1)
	}
	return n
}

// table consumes a table name in a role; what is no name makes the statement uncertain.
func (p *parser) table(role Role, hard bool) (schema.Name, bool) {
	n, at, ok := p.name()
	if !ok {
		p.uncertain("a table name is missing")
		return n, false
	}
	p.add(n, at, role, hard)
	return n, true
}

func (p *parser) add(n schema.Name, at span, role Role, hard bool) {
	p.s.Tables = append(p.s.Tables, TableRef{Name: n, Role: role, Hard: hard, Start: at.start, End: at.end})
}

// tables consumes a list of names.
func (p *parser) tables(role Role, hard bool) {
	for {
		if _, ok := p.table(role, hard); !ok || !p.acceptPunct(',') {
			return
		}
	}
}

// uncertain notes that the statement may touch more than it names.
func (p *parser) uncertain(reason string) {
	if !p.s.Uncertain {
		p.s.Uncertain, p.s.Reason = true, reason
	}
}

// rest makes the statement uncertain unless everything has been consumed.
func (p *parser) rest() {
	for p.acceptPunct(';') {
	}
	if !p.done() {
		p.uncertain("unexpected text behind the statement")
	}
}

// ifExists consumes IF EXISTS, ifNotExists IF NOT EXISTS.
func (p *parser) ifExists() {
	if p.accept("IF", "EXISTS") {
		p.s.IfExists = true
	}
}

func (p *parser) ifNotExists() {
	if p.accept("IF", "NOT", "EXISTS") {
		p.s.IfNotExists = true
	}
}

// lockWait consumes MariaDB's WAIT n and NOWAIT.
func (p *parser) lockWait() {
	if p.accept("NOWAIT") {
		return
	}
	if p.isWord(p.i, "WAIT") && p.i+1 < len(p.tokens) && p.tokens[p.i+1].kind == number {
		p.i += 2
	}
}

// closing returns the index of the parenthesis that closes the one at open, or the number of
// tokens where it is missing.
func (l *lexed) closing(open int) int {
	depth := 0
	for i := open; i < len(l.tokens); i++ {
		switch {
		case l.isPunct(i, '('):
			depth++
		case l.isPunct(i, ')'):
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return len(l.tokens)
}

// list cuts the tokens [from, to) at the commas outside of parentheses.
func (l *lexed) list(from, to int) []span {
	var items []span
	depth, start := 0, from
	for i := from; i < to; i++ {
		switch {
		case l.isPunct(i, '('):
			depth++
		case l.isPunct(i, ')'):
			depth--
		case depth == 0 && l.isPunct(i, ','):
			items = append(items, span{start, i})
			start = i + 1
		}
	}
	if start < to {
		items = append(items, span{start, to})
	}
	return items
}
