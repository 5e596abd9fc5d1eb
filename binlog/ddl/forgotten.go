package ddl

// ForgottenEdits takes out of a statement on tables what its server read over while later ones, or others, honour it: checks
// (MySQL before 8.0.16), DESC in keys (MySQL before 8.0, MariaDB before 10.8), REFERENCES behind a column's definition (MySQL
// before 9.0). The table never had any of it.
func (s *Statement) ForgottenEdits() []Edit {
	if s.Verb != CreateTable && s.Verb != AlterTable && s.Verb != CreateIndex {
		return nil
	}
	v := parseServerVersion(s.session.Flavor, s.session.Version)
	f := forgotten{Statement: s, lexed: s.lex}
	for i := range f.tokens {
		switch {
		case f.tokens[i].start < f.cutTo:
		case !v.checks() && f.isWord(i, "CHECK") && f.isPunct(i+1, '('):
			f.check(i)
		case !v.descendingKeys() && f.isWord(i, "DESC") && f.inKey(i):
			f.add(s.cut(f.tokens[i].start, f.tokens[i].end))
		case !v.inlineReferences() && f.isWord(i, "REFERENCES") && !f.ofForeignKey(i):
			end := referenceEnd(f.lexed, i, f.itemEnd(i))
			f.add(s.cut(f.tokens[i].start, f.tokens[end-1].end))
		}
	}
	return f.edits
}

type forgotten struct {
	*Statement
	*lexed
	edits []Edit
	cutTo int
}

func (f *forgotten) add(e Edit) {
	e.Start = max(e.Start, f.cutTo)
	f.edits, f.cutTo = append(f.edits, e), e.End
}

// check cuts [CONSTRAINT [name]] CHECK (..): of a column, or an item of a list with one of its commas.
func (f *forgotten) check(at int) {
	from, to := at, f.closing(at+1)
	switch {
	case to == len(f.tokens): // the parenthesis is missing: no server took this
		return
	case f.isWord(at-1, "CONSTRAINT"):
		from = at - 1
	case f.isWord(at-2, "CONSTRAINT") && f.isIdentifier(at-1):
		from = at - 2
	}
	if f.isWord(from-1, "ADD") {
		from--
	}
	switch start, end := f.tokens[from].start, f.tokens[to].end; {
	case f.isPunct(from-1, ',') && f.tokens[from-1].start >= f.cutTo:
		f.add(Edit{f.tokens[from-1].start, end, ""})
	case f.isPunct(to+1, ',') && (f.isPunct(from-1, ',') || f.isPunct(from-1, '(') || f.isWord(from, "ADD")):
		f.add(Edit{start, f.tokens[to+1].end, ""})
	default:
		f.add(f.cut(start, end))
	}
}

// inKey tells whether the DESC at a token is that of a part of a key: in parentheses, and no ORDER BY's.
func (f *forgotten) inKey(at int) bool {
	if !f.isPunct(at+1, ',') && !f.isPunct(at+1, ')') {
		return false
	}
	for i, depth := at-1, 0; i >= 0; i-- {
		switch {
		case f.isPunct(i, ')'):
			depth++
		case f.isPunct(i, '(') && depth == 0:
			return true
		case f.isPunct(i, '('):
			depth--
		case depth == 0 && f.isWord(i, "ORDER"), depth == 0 && f.isWord(i, "GROUP"):
			return false
		}
	}
	return false
}

// ofForeignKey tells whether the REFERENCES at a token belong to a FOREIGN KEY.
func (f *forgotten) ofForeignKey(at int) bool {
	for i, depth := at-1, 0; i >= 0; i-- {
		switch {
		case f.isPunct(i, ')'):
			depth++
		case depth > 0 && f.isPunct(i, '('):
			depth--
		case depth > 0:
		case f.isWords(i-1, "FOREIGN", "KEY"):
			return true
		case f.isPunct(i, ','), f.isPunct(i, '('):
			return false
		}
	}
	return false
}

// itemEnd returns the token that ends the item of a list in which a token stands.
func (f *forgotten) itemEnd(at int) int {
	for i, depth := at, 0; i < len(f.tokens); i++ {
		switch {
		case f.isPunct(i, '('):
			depth++
		case depth == 0 && (f.isPunct(i, ')') || f.isPunct(i, ',')):
			return i
		case f.isPunct(i, ')'):
			depth--
		}
	}
	return len(f.tokens)
}
