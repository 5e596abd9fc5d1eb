package ddl

import "strings"

// What MariaDB alone has and this version cannot replay exactly: the past rows of a versioned table have
// times that only the server sets, a sequence takes no rows, a key WITHOUT OVERLAPS holds for more than
// equal values, the images of these types are read by nobody, and a partition that becomes a table makes a table whose
// definition only the server knows. A statement that brings one of them in
// is not in the log (kind NotInLog), and a table that has one is refused.
const (
	reasonVersioned = "system versioning"
	reasonSequence  = "a sequence"
	reasonOverlaps  = "a key WITHOUT OVERLAPS"
	reasonType      = "a column type whose images cannot be read"
	reasonCompress  = "a COMPRESSED column"
	reasonConverted = "a partition that becomes a table, or a table that becomes one,"
)

// unreadTypes are the column types that only MariaDB has.
var unreadTypes = set("UUID INET4 INET6 XMLTYPE")

// unsupported returns what of it stands in the tokens [from, to): the elements and options of a CREATE
// TABLE, or one clause of ALTER TABLE; empty for none.
func (p *parser) unsupported(from, to int) string {
	depth := 0
	for i := from; i < to; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case p.isWords(i, "SYSTEM", "VERSIONING") && !p.isWord(i-2, "WITHOUT") && !p.isWord(i-1, "WITHOUT") && !p.isWord(i-1, "DROP"),
			p.isWord(i, "SYSTEM_TIME") && (p.isWord(i-1, "BY") || p.isWord(i-1, "FOR")):
			return reasonVersioned
		case p.isWords(i, "WITHOUT", "OVERLAPS"):
			return reasonOverlaps
		case depth == 0 && p.isWord(i, "SEQUENCE") && p.isOptionValue(i+1):
			return reasonSequence
		}
	}
	return ""
}

// unsupportedColumn is unsupported for a column whose name is token i.
func (p *parser) unsupportedColumn(i int) string {
	if i+1 >= len(p.tokens) || p.tokens[i+1].kind != word {
		return ""
	}
	if unreadTypes[strings.ToUpper(p.raw(i+1))] {
		return reasonType
	}
	attribute := i + 2
	if p.isPunct(attribute, '(') {
		attribute = p.closing(attribute) + 1
	}
	if p.isWord(attribute, "COMPRESSED") {
		return reasonCompress
	}
	return ""
}

// unsupportedElements looks at the elements of a CREATE TABLE, or of ADD (a, b).
func (p *parser) unsupportedElements(from, to int) string {
	back := p.i
	defer func() { p.i = back }()
	for _, e := range p.list(from, to) {
		if kind, _, err := p.elementHead(e); err == nil && kind == columnElement {
			if reason := p.unsupportedColumn(p.i); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// unsupportedClause looks at a clause of ALTER TABLE.
func (p *parser) unsupportedClause(c span) string {
	if reason := p.unsupported(c.start, c.end); reason != "" {
		return reason
	}
	i := c.start
	if p.isWord(i, "CONVERT") && (p.isWord(i+1, "PARTITION") || p.isWord(i+1, "TABLE")) {
		return reasonConverted
	}
	change := p.isWord(i, "CHANGE")
	if !change && !p.isAnyWord(i, "ADD", "MODIFY") {
		return ""
	}
	i++
	if p.isWord(i, "COLUMN") {
		i++
	}
	switch {
	case p.isWords(i, "IF", "NOT", "EXISTS"):
		i += 3
	case p.isWords(i, "IF", "EXISTS"):
		i += 2
	}
	if p.isPunct(i, '(') {
		return p.unsupportedElements(i+1, min(p.closing(i), c.end))
	}
	if change {
		i++ // the old name
	}
	return p.unsupportedElements(i, c.end)
}

// notReplayed makes a statement that brings in what this version cannot replay one that ends the range of
// its tables. To MySQL the words mean nothing.
func (p *parser) notReplayed(reason string) {
	session := p.s.session
	if reason != "" && p.s.Kind != None && parseServerVersion(session.Flavor, session.Version).mariadb {
		p.s.Kind, p.s.Reason = NotInLog, reason+" cannot be replayed"
	}
}
