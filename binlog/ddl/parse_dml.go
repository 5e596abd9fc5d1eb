package ddl

import "strings"

// dml reads statements that change or may change rows: in the log as text, they do not hold
// what they wrote (fact 8.17).
func (p *parser) dml() bool {
	start := p.i
	for p.i < len(p.tokens) && p.next("WITH") { // a CTE in front of UPDATE or DELETE
		p.skipWith()
	}
	verb := p.firstWords()
	if p.i > start && !p.done() {
		verb = Verb(strings.ToUpper(p.raw(p.i)))
	}
	switch {
	case p.acceptAny("INSERT", "REPLACE"):
		p.insert()
	case p.accept("UPDATE"):
		p.written(p.i)
	case p.accept("DELETE"):
		p.deleteFrom()
	case p.next("LOAD", "DATA"), p.next("LOAD", "XML"):
		p.load()
	case p.isAnyWord(p.i, "CALL", "DO", "SELECT", "TABLE", "VALUES", "HANDLER", "EXECUTE", "BINLOG", "IMPORT"):
		p.sources(p.i, len(p.tokens), SelectedFrom)
		p.uncertain("the statement may have written anything")
	default:
		p.i = start
		return false
	}
	s := p.s
	if s.Verb == TruncateTable {
		return true
	}
	s.Verb, s.Kind = verb, NotInLog
	if s.Reason == "" {
		s.Reason = "rows were logged as a statement"
	}
	if !s.Uncertain {
		s.Uncertain, s.OnlyByTriggers = true, true
	}
	return true
}

func (p *parser) isAnyWord(i int, words ...string) bool {
	for _, w := range words {
		if p.isWord(i, w) {
			return true
		}
	}
	return false
}

// skipWith goes behind WITH [RECURSIVE] a AS (..), b (x) AS (..).
func (p *parser) skipWith() {
	depth := 0
	for p.i++; !p.done(); p.i++ {
		switch {
		case p.isPunct(p.i, '('):
			depth++
		case p.isPunct(p.i, ')'):
			depth--
		case depth == 0 && p.isAnyWord(p.i, "SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE", "TABLE", "VALUES"):
			return
		}
	}
}

// insert reads INSERT and REPLACE behind the verb.
func (p *parser) insert() {
	for p.acceptAny("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE") {
	}
	p.accept("INTO")
	if _, ok := p.table(Written, false); ok {
		p.sources(p.i, len(p.tokens), SelectedFrom)
	}
}

// load reads LOAD DATA and LOAD XML.
func (p *parser) load() {
	for !p.done() && !p.accept("INTO", "TABLE") {
		p.i++
	}
	p.table(Written, false)
}

// deleteFrom reads DELETE behind the verb. DELETE a FROM x AS a names its target by an alias:
// every table of the list counts as written.
func (p *parser) deleteFrom() {
	if p.emptiedMemoryTable() {
		return
	}
	p.written(p.i)
}

// emptiedMemoryTable reads the DELETE FROM `schema`.`table` that servers before 8.0 write, in
// row format too, when they find a MEMORY table empty after a restart: a TRUNCATE that held
// no exclusive lock. A DELETE of a user in this very form leaves the same rows: none.
func (p *parser) emptiedMemoryTable() bool {
	if len(p.tokens) != 5 || p.i != 1 || !p.next("FROM") || p.tokens[2].kind != quoted || p.tokens[4].kind != quoted {
		return false
	}
	i := p.i
	p.i++
	n, at, ok := p.name()
	if !ok || !p.done() {
		p.i = i
		return false
	}
	p.add(n, at, Truncated, false)
	p.s.Verb = TruncateTable
	return true
}

// written adds all tables of the lists from token i on as Written, those of subqueries too:
// which of them were changed is not told by the text alone.
func (p *parser) written(i int) {
	before := len(p.s.Tables)
	p.sources(i, len(p.tokens), Written)
	if len(p.s.Tables) == before {
		p.uncertain("the tables of the statement could not be read")
	}
}

// sources adds the tables that stand in table lists among the tokens [from, to). At the
// beginning a list of an UPDATE or DELETE is expected; FROM and JOIN begin others.
func (p *parser) sources(from, to int, role Role) {
	back := p.i
	defer func() { p.i = back }()
	type level struct {
		list   bool // a comma is followed by a table
		query  bool // FROM begins a table list
		inside bool // of a SELECT: nothing here is written
	}
	levels := []level{{list: role == Written, query: role == Written}}
	expect := role == Written
	for i := from; i < to; i++ {
		top := &levels[len(levels)-1]
		switch {
		case p.isPunct(i, '('):
			levels = append(levels, level{list: expect, inside: top.inside})
		case p.isPunct(i, ')'):
			if len(levels) > 1 {
				levels = levels[:len(levels)-1]
			}
			expect = false
		case p.isPunct(i, ','):
			expect = top.list
		case p.isWord(i, "SELECT"):
			*top, expect = level{query: true, inside: true}, false
		case p.isWord(i, "FROM"):
			expect = top.query
			top.list = expect
		case p.isAnyWord(i, "JOIN", "STRAIGHT_JOIN"):
			expect = true
		case p.isAnyWord(i, "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "SET", "WINDOW", "RETURNING", "VALUES", "VALUE", "DUPLICATE"):
			expect, top.list = false, false
		case expect && p.isAnyWord(i, "LOW_PRIORITY", "QUICK", "IGNORE", "LATERAL", "ONLY", "USING"):
		case expect && p.isIdentifier(i):
			expect = false
			i = p.source(i, role, top.inside)
		}
	}
}

// source adds the table at token i and returns its last token.
func (p *parser) source(i int, role Role, inside bool) int {
	if inside {
		role = SelectedFrom
	}
	p.i = i
	n, at, ok := p.name()
	if !ok {
		return i
	}
	if !p.isPunct(p.i, '(') { // JSON_TABLE(..) and the like are none
		p.add(n, at, role, false)
	}
	return p.i - 1
}
