package ddl

import (
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
)

// InheritCollations returns the output of SHOW CREATE TABLE without the COLLATE clauses of
// columns that have their table's collation. MySQL 8 and later remembers whether a column's
// collation was spelled, and shows CHARACTER SET with COLLATE for such a column and COLLATE
// alone for one that takes a collation, other than its character set's default, from the
// table. Run as it is shown, the text would make columns of the second kind into the first:
// the definition would not be the source's any more, and CONVERT TO and LIKE would carry that on.
func InheritCollations(show string) (string, error) {
	table, err := ParseCreateTable(show, "")
	if err != nil {
		return "", err
	}
	s, err := Parse([]byte(show), Session{})
	if err != nil {
		return "", fmt.Errorf("read CREATE TABLE %s: %w", table.Name, err)
	}
	b, err := s.body()
	if err != nil {
		return "", err
	}
	p := &parser{lexed: s.lex, s: s}
	var edits []Edit
	for _, e := range b.elements {
		if e.kind != columnElement {
			continue
		}
		c, _ := table.Column(p.identifier(e.at.start))
		if at, ok := p.loneCollate(e.at); ok && c != nil && inherits(c, table) {
			edits = append(edits, s.cut(s.lex.tokens[at].start, s.lex.tokens[at+1].end))
		}
	}
	return s.Edited(edits...), nil
}

func inherits(c *schema.Column, t *schema.Table) bool {
	return c.Charset == t.Charset && c.Collation == t.Collation
}

// loneCollate finds the COLLATE of a column that has no CHARACTER SET; what stands in
// parentheses (a generated column's expression, a default) is not the column's.
func (p *parser) loneCollate(e span) (at int, ok bool) {
	depth := 0
	for i := e.start + 1; i < e.end; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case depth > 0:
		case p.isWord(i, "CHARACTER"), p.isWord(i, "CHARSET"):
			return 0, false
		case p.isWord(i, "COLLATE") && i+1 < e.end && !ok:
			at, ok = i, true
		}
	}
	return at, ok
}
