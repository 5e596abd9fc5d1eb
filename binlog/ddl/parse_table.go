package ddl

// createTable reads what stands behind CREATE TABLE.
func (p *parser) createTable() {
	s := p.s
	s.Verb = CreateTable
	p.ifNotExists()
	n, ok := p.table(Created, !s.IfNotExists)
	if !ok {
		return
	}
	switch {
	case p.accept("LIKE"):
		p.table(LikeSource, false)
		p.rest()
		return
	case p.isPunct(p.i, '(') && p.isWord(p.i+1, "LIKE"):
		p.i += 2
		p.table(LikeSource, false)
		p.acceptPunct(')')
		p.rest()
		return
	}
	head := p.i
	if p.isPunct(p.i, '(') && !p.query(p.i+1) {
		end := p.closing(p.i)
		p.notReplayed(p.unsupportedElements(p.i+1, end))
		if end == len(p.tokens) {
			p.uncertain("a parenthesis is not closed")
		}
		p.parents(p.i+1, end, n.Schema)
		p.i = min(end+1, len(p.tokens))
	}
	p.tableOptions(p.i, len(p.tokens))
	p.tableTail()
	p.notReplayed(p.unsupported(head, len(p.tokens)))
}

// query tells whether a query expression begins at token i, perhaps in parentheses.
func (p *parser) query(i int) bool {
	for p.isPunct(i, '(') {
		i++
	}
	switch {
	case p.isWord(i, "SELECT"), p.isWord(i, "TABLE"), p.isWord(i, "VALUES"):
		return true
	case p.isWord(i, "WITH"):
		return !p.isWord(i+1, "SYSTEM")
	}
	return false
}

// tableTail looks behind the options for a SELECT, whose rows are not in the log when the text
// stands in it, and among them for the START TRANSACTION that row format puts in its place (fact 8.1): in front of the
// other options.
func (p *parser) tableTail() {
	n := len(p.tokens)
	for n > 0 && p.isPunct(n-1, ';') {
		n--
	}
	depth := 0
	for i := p.i; i < n; i++ {
		if depth == 0 && p.isWords(i, "START", "TRANSACTION") {
			p.s.StartTransaction = true
			return
		}
		if depth == 0 && p.query(i) {
			p.s.Kind, p.s.Reason = NotInLog, "CREATE TABLE .. SELECT in statement format"
			p.sources(i, n, SelectedFrom)
			return
		}
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		}
	}
}

// parents adds the referenced tables of the foreign keys among the elements [from, to) of a
// CREATE TABLE or of one clause of ALTER TABLE. A parent without a schema lies in the schema
// of its child, not in the default schema.
func (p *parser) parents(from, to int, childSchema string) {
	back := p.i
	defer func() { p.i = back }()
	depth := 0
	for i := from; i < to; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case depth == 0 && p.isWord(i, "REFERENCES"):
			p.i = i + 1
			if n, at, ok := p.nameIn(childSchema); ok {
				p.add(n, at, Parent, false)
				i = p.i - 1
			}
		case depth == 0 && p.isWord(i, "ON") && (p.isWord(i+1, "DELETE") || p.isWord(i+1, "UPDATE")):
			if p.isWord(i+2, "CASCADE") || p.isWords(i+2, "SET", "NULL") || p.isWords(i+2, "SET", "DEFAULT") {
				p.s.Cascades = true
			}
		}
	}
}

// tableOptions looks among the tokens [from, to) for options that name tables or files.
func (p *parser) tableOptions(from, to int) {
	for i := from; i < to; i++ {
		switch {
		case p.isWord(i+1, "DIRECTORY") && (p.isWord(i, "DATA") || p.isWord(i, "INDEX")) && p.isOptionString(i+2):
			p.s.Kind, p.s.Reason = NotInLog, "DATA DIRECTORY or INDEX DIRECTORY"
		case p.isWord(i, "UNION") && (p.isPunct(i+1, '(') || p.isPunct(i+1, '=') && p.isPunct(i+2, '(')):
			p.members(i)
		}
	}
}

func (p *parser) isOptionString(i int) bool {
	if p.isPunct(i, '=') {
		i++
	}
	return i < len(p.tokens) && p.tokens[i].kind == stringLit
}

// members adds the tables of UNION [=] (a, b), unless the parentheses hold a query.
func (p *parser) members(union int) {
	open := union + 1
	if p.isPunct(open, '=') {
		open++
	}
	if p.query(open + 1) {
		return
	}
	back := p.i
	defer func() { p.i = back }()
	p.i = open + 1
	for {
		n, at, ok := p.name()
		if !ok {
			return
		}
		p.add(n, at, Member, false)
		if !p.acceptPunct(',') {
			return
		}
	}
}
