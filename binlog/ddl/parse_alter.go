package ddl

import "github.com/tripod-db/tripod/internal/schema"

// alter reads what stands behind ALTER.
func (p *parser) alter() {
	p.viewModifiers()
	i := p.i
	for p.acceptAny("ONLINE", "OFFLINE", "IGNORE") {
	}
	switch {
	case p.accept("TABLE"):
		p.alterTable()
	case p.i != i:
		p.s.Verb = p.firstWords()
		p.uncertain("the statement is not known")
	case p.acceptAny("DATABASE", "SCHEMA"):
		p.database(AlterDatabase)
	case p.accept("SEQUENCE"):
		p.s.Verb = "ALTER SEQUENCE"
		p.ifExists()
		p.table(Altered, false)
		p.notReplayed(reasonSequence)
	case p.acceptAny("USER", "ROLE"):
		p.account()
	case p.accept("INSTANCE"):
		p.s.Verb, p.s.Kind = "ALTER INSTANCE", None
	default:
		p.alterObject()
	}
}

func (p *parser) alterObject() {
	kind, ok := p.objectHead()
	if !ok {
		p.s.Verb = p.firstWords()
		p.uncertain("the statement is not known")
		return
	}
	p.s.Verb, p.s.Kind = AlterObject, OtherObject
	p.ifExists()
	o, ok := p.object(kind)
	if !ok {
		return
	}
	if kind == Event {
		p.renamedEvent(&o)
	}
	p.s.Objects = append(p.s.Objects, o)
}

// renamedEvent finds RENAME TO in front of an event's body.
func (p *parser) renamedEvent(o *Object) {
	for ; !p.done() && !p.next("DO"); p.i++ {
		if p.accept("RENAME", "TO") {
			if n, at, ok := p.name(); ok {
				o.RenamedTo, o.RenamedStart, o.RenamedEnd = n, at.start, at.end
			} else {
				p.uncertain("the new name of an event is missing")
			}
			return
		}
	}
}

// alterEffect sums up the clauses of an ALTER TABLE.
type alterEffect struct {
	altered     bool // a clause that changes the table under its exclusive lock
	partitioned bool
	exchanged   bool
	maintained  bool // ANALYZE PARTITION and the like
	unlogged    bool // DISCARD, IMPORT TABLESPACE
	conditional bool // IF [NOT] EXISTS in a clause: perhaps nothing happened
	unproved    bool // a clause whose lock was not measured
}

// alterTable reads ALTER TABLE clause by clause.
func (p *parser) alterTable() {
	p.s.Verb = AlterTable
	p.ifExists()
	n, at, ok := p.name()
	if !ok {
		p.uncertain("a table name is missing")
		return
	}
	p.lockWait()
	end := len(p.tokens)
	for end > p.i && p.isPunct(end-1, ';') {
		end--
	}
	own := len(p.s.Tables)
	p.s.Tables = append(p.s.Tables, TableRef{Name: n, Role: Altered, Start: at.start, End: at.end})
	var e alterEffect
	for _, c := range p.alterClauses(p.i, end) {
		p.alterClause(n, c, &e)
		p.notReplayed(p.unsupportedClause(c))
	}
	p.tableOptions(p.i, end)
	p.judgeAlter(own, e)
}

// alterClauses are the clauses of ALTER TABLE between the commas of [from, to). A list of partitions, or of what to order by, has commas of
// its own, and nothing may stand behind it.
func (p *parser) alterClauses(from, to int) []span {
	clauses := p.list(from, to)
	for n, c := range clauses {
		i := c.start
		list := p.isWord(i+1, "PARTITION") && (p.isMaintenance(i) || p.isAnyWord(i, "DROP", "TRUNCATE", "REORGANIZE", "DISCARD", "IMPORT"))
		if list || p.isWords(i, "ORDER", "BY") {
			return append(clauses[:n], span{i, to})
		}
	}
	return clauses
}

// judgeAlter gives the altered table, entry own of Tables, its roles, and the statement its kind.
func (p *parser) judgeAlter(own int, e alterEffect) {
	s := p.s
	self := s.Tables[own]
	self.Hard = (e.altered || e.partitioned || e.exchanged) && !s.IfExists && !e.conditional && !e.unproved
	roles := []Role{}
	if len(s.Renames) > 0 {
		roles = append(roles, RenamedFrom)
	}
	if e.exchanged {
		roles = append(roles, Exchanged)
	}
	if e.partitioned {
		roles = append(roles, Partitioned)
	}
	if e.altered || e.unlogged || len(roles) == 0 && !e.maintained {
		roles = append(roles, Altered)
	}
	if len(roles) == 0 {
		roles = append(roles, Maintained)
	}
	renamed := append([]TableRef{}, s.Tables[own+1:]...)
	s.Tables = s.Tables[:own]
	for _, r := range roles {
		self.Role = r
		self.Hard = self.Hard || r == RenamedFrom
		s.Tables = append(s.Tables, self)
	}
	s.Tables = append(s.Tables, renamed...)
	switch {
	case s.Kind == NotInLog:
	case e.unlogged:
		s.Kind, s.Reason = NotInLog, "DISCARD or IMPORT TABLESPACE"
	case roles[0] == Maintained:
		s.Kind = None
	case len(s.Renames) == 0 && !e.exchanged && !e.partitioned && p.definitionOnly():
		s.Kind = DefinitionOnly
	}
}

// alterClause reads one clause of ALTER TABLE n.
func (p *parser) alterClause(n schema.Name, c span, e *alterEffect) {
	i := c.start
	e.conditional = e.conditional || p.isConditional(c)
	switch {
	case p.isWord(i, "RENAME") && p.renamesTable(i):
		p.alterRename(n, c, e)
	case p.isWords(i, "EXCHANGE", "PARTITION"), p.isWords(i, "CONVERT", "PARTITION"), p.isWords(i, "CONVERT", "TABLE"):
		e.exchanged = true
		p.exchange(c)
	case p.isWord(i, "DISCARD"), p.isWord(i, "IMPORT"):
		e.unlogged = true
	case p.isWord(i+1, "PARTITION") && p.isMaintenance(i):
		e.maintained = true
	case p.isWord(i, "SECONDARY_LOAD"), p.isWord(i, "SECONDARY_UNLOAD"), p.isRestoresIndex(i):
		e.maintained = true
	case p.isWord(i+1, "PARTITION"), p.isWords(i, "REMOVE", "PARTITIONING"), p.isWords(i, "PARTITION", "BY"):
		e.partitioned = true
	case p.isWord(i, "ALGORITHM"), p.isWord(i, "LOCK"), p.isWords(i, "WITH", "VALIDATION"), p.isWords(i, "WITHOUT", "VALIDATION"):
	case p.isWords(i, "ENABLE", "KEYS"), p.isWords(i, "DISABLE", "KEYS"):
		e.altered, e.unproved = true, true
	default:
		e.altered = true
		p.alterElements(n, c, e)
	}
}

// isConditional tells of IF EXISTS and IF NOT EXISTS, wherever they stand: ADD CONSTRAINT f FOREIGN KEY IF NOT EXISTS (MariaDB).
func (p *parser) isConditional(c span) bool {
	depth := 0
	for i := c.start; i < c.end; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case depth == 0 && (p.isWords(i, "IF", "EXISTS") || p.isWords(i, "IF", "NOT", "EXISTS")):
			return true
		}
	}
	return false
}

// isRestoresIndex tells whether a clause adds or drops the index that a restore gives a table for the time of its replay: of no matter to
// anybody but that restore, where its target is a source as well.
func (p *parser) isRestoresIndex(i int) bool {
	return (p.isWords(i, "ADD", "INDEX") || p.isWords(i, "DROP", "INDEX")) && p.isIdentifier(i+2) && p.identifier(i+2) == schema.ProgressTable
}

func (p *parser) isMaintenance(i int) bool {
	for _, w := range []string{"ANALYZE", "CHECK", "OPTIMIZE", "REBUILD", "REPAIR"} {
		if p.isWord(i, w) {
			return true
		}
	}
	return false
}

// alterElements looks into a clause that adds, changes or drops something.
func (p *parser) alterElements(n schema.Name, c span, e *alterEffect) {
	p.parents(c.start, c.end, n.Schema)
	if open, ok := p.addedElements(c); ok {
		p.parents(open+1, min(p.closing(open), c.end), n.Schema)
	}
	depth := 0
	for i := c.start; i < c.end; i++ {
		switch {
		case p.isPunct(i, '('):
			depth++
		case p.isPunct(i, ')'):
			depth--
		case p.isWord(i, "AUTO_INCREMENT") && depth <= 1 && i > c.start && !p.isOptionValue(i+1):
			p.s.AddsAutoIncrement = true
		case p.isWord(i, "SERIAL") && depth <= 1 && i > c.start:
			p.s.AddsAutoIncrement = true
		case p.isWord(i, "DEFAULT") && depth <= 1:
			p.alterDefault(c, i)
		case depth == 0 && i > c.start && p.isWords(i, "PARTITION", "BY"):
			e.partitioned = true
		}
	}
}

// addedElements finds the parenthesis of ADD [COLUMN] [IF NOT EXISTS] (elements).
func (p *parser) addedElements(c span) (open int, ok bool) {
	i := c.start
	if !p.isWord(i, "ADD") {
		return 0, false
	}
	i++
	if p.isWord(i, "COLUMN") {
		i++
	}
	if p.isWords(i, "IF", "NOT", "EXISTS") {
		i += 3
	}
	return i, p.isPunct(i, '(')
}

// isOptionValue tells an AUTO_INCREMENT = 5 of a table from the attribute of a column.
func (p *parser) isOptionValue(i int) bool {
	return p.isPunct(i, '=') || i < len(p.tokens) && p.tokens[i].kind == number
}

// alterDefault looks at a DEFAULT inside the clause. One of a new column fills the rows that
// are there: it must be a function of nothing but what a replay sets again.
func (p *parser) alterDefault(c span, i int) {
	if p.isWord(c.start, "ALTER") {
		p.s.ChangesDefault = true
		return
	}
	if p.isWord(c.start, "ADD") && !p.repeatable(i+1, c.end) {
		p.s.Kind, p.s.Reason = NotInLog, "the default of a new column is no function of the table"
	}
	if p.isWord(c.start, "MODIFY") || p.isWord(c.start, "CHANGE") {
		p.s.ChangesDefault = true
	}
}

// renamesTable tells RENAME [TO|AS|=] name from RENAME COLUMN, INDEX and KEY.
func (p *parser) renamesTable(i int) bool {
	if p.isWord(i+1, "INDEX") || p.isWord(i+1, "KEY") {
		return false
	}
	return !p.isWord(i+1, "COLUMN") || !p.isIdentifier(i+2)
}

// alterRename reads RENAME [TO|AS|=] name. A new name without a schema lies in the default
// schema, not in that of the table.
func (p *parser) alterRename(n schema.Name, c span, e *alterEffect) {
	back := p.i
	defer func() { p.i = back }()
	p.i = c.start + 1
	if !p.acceptAny("TO", "AS") {
		p.acceptPunct('=')
	}
	to, at, ok := p.name()
	if !ok {
		p.uncertain("the new name of a table is missing")
		return
	}
	if to == n {
		return
	}
	if p.i < c.end {
		p.alterElements(n, span{p.i, c.end}, e)
		e.altered = true
	}
	p.s.Renames = append(p.s.Renames, [2]schema.Name{n, to})
	p.add(to, at, RenamedTo, true)
}

// exchange finds the other table of EXCHANGE PARTITION p WITH TABLE t, and of MariaDB's
// CONVERT PARTITION p TO TABLE t and CONVERT TABLE t TO PARTITION p.
func (p *parser) exchange(c span) {
	back := p.i
	defer func() { p.i = back }()
	for i := c.start; i < c.end; i++ {
		if p.isWord(i, "TABLE") {
			p.i = i + 1
			p.table(Exchanged, p.isWord(c.start, "EXCHANGE"))
			return
		}
	}
	p.uncertain("EXCHANGE PARTITION without its table")
}
