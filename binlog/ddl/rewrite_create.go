package ddl

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// Elements says which elements of a CREATE TABLE are to be taken out.
type Elements struct {
	// ForeignKeys takes out all foreign keys, those behind a column's definition too.
	ForeignKeys bool
	// Index takes out the secondary indexes that it accepts; nil: none. The index that an
	// AUTO_INCREMENT column needs always stays.
	Index func(schema.Key) bool
}

// TakenOut is what ElementEdits took out, as clauses of an ALTER TABLE that put it back:
// "ADD CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `p` (`id`)", "ADD UNIQUE KEY `u` (`a`)".
type TakenOut struct {
	ForeignKeys []string
	Indexes     []string
}

// ElementEdits takes elements out of a CREATE TABLE with a list of columns. It fails for any
// other statement.
func (s *Statement) ElementEdits(want Elements) ([]Edit, TakenOut, error) {
	b, err := s.body()
	if err != nil {
		return nil, TakenOut{}, err
	}
	var out TakenOut
	remove := make([]bool, len(b.elements))
	var edits []Edit
	for i := range b.elements {
		e := &b.elements[i]
		switch {
		case e.kind == foreignKeyElement && want.ForeignKeys:
			remove[i] = true
			out.ForeignKeys = append(out.ForeignKeys, "ADD "+s.elementText(e.at))
		case e.kind == columnElement && want.ForeignKeys:
			if edit, clause, ok := s.inlineReference(e.at); ok {
				edits = append(edits, edit)
				if clause != "" {
					out.ForeignKeys = append(out.ForeignKeys, clause)
				}
			}
		case e.secondary() && want.Index != nil && want.Index(e.key) && !b.neededByAutoIncrement(i, want.Index):
			remove[i] = true
			out.Indexes = append(out.Indexes, "ADD "+s.elementText(e.at))
		}
	}
	removals, err := s.removals(b, remove)
	return append(edits, removals...), out, err
}

// WithoutForeignKeys returns the CREATE TABLE without its foreign keys, and these as clauses
// of an ALTER TABLE.
func (s *Statement) WithoutForeignKeys() (text string, clauses []string, err error) {
	edits, out, err := s.ElementEdits(Elements{ForeignKeys: true})
	if err != nil {
		return "", nil, err
	}
	return s.Edited(edits...), out.ForeignKeys, nil
}

// WithoutIndexes returns the CREATE TABLE without the secondary indexes that remove accepts,
// and these as clauses of an ALTER TABLE. The index that an AUTO_INCREMENT column needs stays.
func (s *Statement) WithoutIndexes(remove func(schema.Key) bool) (text string, clauses []string, err error) {
	edits, out, err := s.ElementEdits(Elements{Index: remove})
	if err != nil {
		return "", nil, err
	}
	return s.Edited(edits...), out.Indexes, nil
}

// createBody is the list in the parentheses of a CREATE TABLE.
type createBody struct {
	elements      []createElement
	autoIncrement string // column
	inlineKey     bool   // which has a key of its own in its definition
}

type createElement struct {
	at   span // tokens
	kind elementKind
	key  schema.Key
}

func (e *createElement) secondary() bool {
	switch e.kind {
	case uniqueElement, indexElement, fulltextElement, spatialElement, vectorElement:
		return true
	default:
		return false
	}
}

// body reads the elements of the CREATE TABLE.
func (s *Statement) body() (*createBody, error) {
	if s.Verb != CreateTable || len(s.Tables) == 0 {
		return nil, fmt.Errorf("take elements out of %s: it is no CREATE TABLE", s.Verb)
	}
	p := &parser{lexed: s.lex, s: &Statement{Text: s.Text, lex: s.lex, session: s.session}}
	for p.i < len(p.tokens) && p.tokens[p.i].start < s.Tables[0].End {
		p.i++
	}
	if !p.isPunct(p.i, '(') || p.query(p.i+1) || p.isWord(p.i+1, "LIKE") {
		return nil, fmt.Errorf("take elements out of CREATE TABLE %s: it has no list of columns", s.Tables[0].Name)
	}
	b := &createBody{}
	for _, at := range p.list(p.i+1, p.closing(p.i)) {
		kind, _, err := p.elementHead(at)
		if err != nil {
			return nil, fmt.Errorf("take elements out of CREATE TABLE %s: %w", s.Tables[0].Name, err)
		}
		e := createElement{at: at, kind: kind}
		if e.secondary() || kind == primaryElement {
			if e.key, err = p.key(kind, at); err != nil {
				return nil, fmt.Errorf("take elements out of CREATE TABLE %s: %w", s.Tables[0].Name, err)
			}
		}
		if kind == columnElement && p.isIdentifier(at.start) {
			b.noteAutoIncrement(p, at)
		}
		b.elements = append(b.elements, e)
	}
	return b, nil
}

// noteAutoIncrement looks whether the column at is the AUTO_INCREMENT one.
func (b *createBody) noteAutoIncrement(p *parser, at span) {
	inline, auto := false, false
	depth := 0
	for i := at.start + 1; i < at.end; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case depth == 0 && p.isWord(i, "AUTO_INCREMENT"):
			auto = true
		case depth == 0 && p.isWord(i, "SERIAL"):
			auto, inline = true, true
		case depth == 0 && (p.isWord(i, "KEY") || p.isWord(i, "UNIQUE")):
			inline = true
		}
	}
	if auto {
		b.autoIncrement, b.inlineKey = p.identifier(at.start), inline
	}
}

// neededByAutoIncrement tells whether index i is the first that serves the AUTO_INCREMENT
// column while none that stays does: a server refuses such a table (error 1075).
func (b *createBody) neededByAutoIncrement(i int, remove func(schema.Key) bool) bool {
	if b.autoIncrement == "" || b.inlineKey || !serves(b.elements[i].key, b.autoIncrement) {
		return false
	}
	for n := range b.elements {
		e := &b.elements[n]
		if !serves(e.key, b.autoIncrement) {
			continue
		}
		if e.kind == primaryElement || !remove(e.key) {
			return false
		}
	}
	for n := range b.elements[:i] {
		if serves(b.elements[n].key, b.autoIncrement) {
			return false
		}
	}
	return true
}

// serves tells whether a key begins with the whole column.
func serves(k schema.Key, column string) bool {
	return len(k.Parts) > 0 && k.Kind == schema.Ordinary && equalFold(k.Parts[0].Column, column)
}

// elementText is the text of an element from its first to its last token, with the closing
// mark of a versioned comment behind it.
func (s *Statement) elementText(at span) string {
	return s.Text[s.lex.tokens[at.start].start:s.elementEnd(at)]
}

// elementEnd is the end of the last token of an element, and of the marks behind it.
func (s *Statement) elementEnd(at span) int {
	end := s.lex.tokens[at.end-1].end
	limit := len(s.Text)
	if at.end < len(s.lex.tokens) {
		limit = s.lex.tokens[at.end].start
	}
	for _, g := range s.lex.gaps {
		if g.start >= end && g.end <= limit && s.Text[g.start:g.end] == "*/" {
			end = g.end
		}
	}
	return end
}

// removals makes the edits that take the marked elements out, each with one comma.
func (s *Statement) removals(b *createBody, remove []bool) ([]Edit, error) {
	var edits []Edit
	kept := false
	for i, e := range b.elements {
		if !remove[i] {
			kept = true
			continue
		}
		start, end := s.lex.tokens[e.at.start].start, s.elementEnd(e.at)
		switch {
		case kept:
			start = s.lex.tokens[e.at.start-1].start // the comma in front
		case i+1 < len(b.elements):
			end = s.lex.tokens[b.elements[i+1].at.start].start
		}
		if !s.balanced(start, end) {
			return nil, fmt.Errorf("take elements out of CREATE TABLE %s: a versioned comment reaches over the end of an element", s.Tables[0].Name)
		}
		edits = append(edits, Edit{start, end, ""})
	}
	if !kept {
		return nil, fmt.Errorf("take elements out of CREATE TABLE %s: nothing would be left", s.Tables[0].Name)
	}
	return edits, nil
}

// balanced tells whether the range holds as many ends of executed comments as beginnings.
func (s *Statement) balanced(start, end int) bool {
	open := 0
	for _, g := range s.lex.gaps {
		if g.start < start || g.end > end {
			continue
		}
		switch text := s.Text[g.start:g.end]; {
		case text == "*/":
			open--
		case strings.HasPrefix(text, "/*") && !strings.HasSuffix(text, "*/"):
			open++
		}
		if open < 0 {
			return false
		}
	}
	return open == 0
}

// inlineReference finds REFERENCES behind a column's definition. It is a foreign key for MySQL
// from 9.0 on and for MariaDB; earlier servers forgot it, and then there is no clause: a newer
// target must not make one of it.
func (s *Statement) inlineReference(at span) (Edit, string, bool) {
	l := s.lex
	depth, from := 0, -1
	for i := at.start + 1; i < at.end && from < 0; i++ {
		switch {
		case l.isPunct(i, '('):
			depth++
		case l.isPunct(i, ')'):
			depth--
		case depth == 0 && l.isWord(i, "REFERENCES"):
			from = i
		}
	}
	if from < 0 || !l.isIdentifier(at.start) {
		return Edit{}, "", false
	}
	to := referenceEnd(l, from, at.end)
	text := s.Text[l.tokens[from].start:l.tokens[to-1].end]
	edit := s.cut(l.tokens[from].start, l.tokens[to-1].end)
	if !parseServerVersion(s.session.Flavor, s.session.Version).inlineReferences() {
		return edit, "", true
	}
	return edit, "ADD FOREIGN KEY (" + schema.Quote(l.identifier(at.start)) + ") " + text, true
}

// referenceEnd returns the token behind REFERENCES p (a) [MATCH x] [ON DELETE y] [ON UPDATE z].
func referenceEnd(l *lexed, from, end int) int {
	i := from + 2
	if l.isPunct(i, '.') {
		i += 2
	}
	if l.isPunct(i, '(') {
		i = l.closing(i) + 1
	}
	for i < end {
		switch {
		case l.isWord(i, "MATCH"):
			i += 2
		case l.isWords(i+2, "SET", "NULL"), l.isWords(i+2, "SET", "DEFAULT"), l.isWords(i+2, "NO", "ACTION"):
			if !l.isWord(i, "ON") {
				return min(i, end)
			}
			i += 4
		case l.isWords(i, "ON", "DELETE"), l.isWords(i, "ON", "UPDATE"):
			i += 3
		default:
			return min(i, end)
		}
	}
	return min(i, end)
}
