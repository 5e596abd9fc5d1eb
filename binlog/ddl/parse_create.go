package ddl

import "github.com/tripod-db/tripod/internal/schema"

// create reads what stands behind CREATE.
func (p *parser) create() {
	if p.accept("OR", "REPLACE") {
		p.s.OrReplace = true
	}
	p.viewModifiers()
	switch {
	case p.accept("TEMPORARY", "TABLE"), p.accept("TEMPORARY", "SEQUENCE"):
		p.temporary(CreateTemporaryTable)
	case p.accept("TABLE"):
		p.createTable()
	case p.accept("SEQUENCE"):
		p.createSequence()
	case p.indexHead():
		p.createIndex()
	case p.acceptAny("DATABASE", "SCHEMA"):
		p.database(CreateDatabase)
	case p.acceptAny("USER", "ROLE"):
		p.account()
	default:
		p.createObject()
	}
}

// temporary reads a statement about a temporary table: nothing that is backed up changes.
func (p *parser) temporary(verb Verb) {
	p.s.Verb, p.s.Kind = verb, None
	p.ifNotExists()
	p.ifExists()
	for {
		n, at, ok := p.name()
		if !ok {
			return
		}
		p.add(n, at, Temporary, false)
		if verb != DropTemporaryTable || !p.acceptPunct(',') {
			return
		}
	}
}

// viewModifiers consumes ALGORITHM, DEFINER, SQL SECURITY, AGGREGATE in any order.
func (p *parser) viewModifiers() {
	for {
		switch {
		case p.next("ALGORITHM") && p.isPunct(p.i+1, '='):
			p.i += 3
		case p.next("DEFINER"):
			p.definer()
		case p.next("SQL", "SECURITY"):
			p.i += 3
		case p.accept("AGGREGATE"):
		default:
			return
		}
	}
}

// definer consumes DEFINER [=] account and keeps its place.
func (p *parser) definer() {
	start := p.tokens[p.i].start
	p.i++
	p.acceptPunct('=')
	if p.done() {
		p.uncertain("DEFINER without an account")
		return
	}
	currentUser := p.next("CURRENT_USER") || p.next("CURRENT_ROLE")
	p.i++
	switch {
	case currentUser && p.isPunct(p.i, '(') && p.isPunct(p.i+1, ')'):
		p.i += 2
	case p.acceptPunct('@'):
		p.host()
	}
	p.s.definer = span{start, p.tokens[min(p.i, len(p.tokens))-1].end}
}

// host consumes a host name; without quotes it may consist of several tokens without blanks
// between them (10.0.0.1).
func (p *parser) host() {
	if p.done() {
		return
	}
	plain := p.tokens[p.i].kind != quoted && p.tokens[p.i].kind != stringLit
	p.i++
	for plain && !p.done() && p.tokens[p.i].start == p.tokens[p.i-1].end {
		p.i++
	}
}

// objectHeads are the words behind CREATE, ALTER and DROP (and behind the modifiers) that say
// which object follows; the longest first.
var objectHeads = []struct {
	words []string
	kind  ObjectKind
}{
	{[]string{"JSON", "RELATIONAL", "DUALITY", "VIEW"}, View},
	{[]string{"JSON", "DUALITY", "VIEW"}, View},
	{[]string{"MATERIALIZED", "VIEW"}, View},
	{[]string{"VIEW"}, View},
	{[]string{"PROCEDURE"}, Procedure},
	{[]string{"FUNCTION"}, Function},
	{[]string{"TRIGGER"}, Trigger},
	{[]string{"EVENT"}, Event},
	{[]string{"PACKAGE", "BODY"}, PackageBody},
	{[]string{"PACKAGE"}, Package},
	{[]string{"LIBRARY"}, Library},
	{[]string{"SERVER"}, Server},
	{[]string{"UNDO", "TABLESPACE"}, Tablespace},
	{[]string{"TABLESPACE"}, Tablespace},
	{[]string{"LOGFILE", "GROUP"}, LogfileGroup},
	{[]string{"RESOURCE", "GROUP"}, ResourceGroup},
	{[]string{"SPATIAL", "REFERENCE", "SYSTEM"}, SpatialReferenceSystem},
}

// objectHead consumes the words that name a kind of object.
func (p *parser) objectHead() (ObjectKind, bool) {
	for _, h := range objectHeads {
		if p.accept(h.words...) {
			return h.kind, true
		}
	}
	return 0, false
}

// createObject reads CREATE VIEW, PROCEDURE and so on up to the name. What follows the name
// is a body that touches nothing now; only a trigger's table is looked for.
func (p *parser) createObject() {
	kind, ok := p.objectHead()
	if !ok {
		p.s.Verb = p.firstWords()
		p.uncertain("the statement is not known")
		return
	}
	p.s.Verb, p.s.Kind = CreateObject, OtherObject
	p.ifNotExists()
	o, ok := p.object(kind)
	if !ok {
		return
	}
	switch kind {
	case Trigger:
		p.triggerTable(&o)
	case Function:
		if p.next("RETURNS") {
			o.Kind, o.Name.Schema = LoadableFunction, ""
		}
	default: // the name is all
	}
	p.s.Objects = append(p.s.Objects, o)
}

// object consumes an object's name. Objects of the server have no schema.
func (p *parser) object(kind ObjectKind) (Object, bool) {
	if kind >= Server {
		return p.serverObject(kind)
	}
	n, at, ok := p.name()
	if !ok {
		p.uncertain("the name of a " + kind.String() + " is missing")
		return Object{}, false
	}
	return Object{Kind: kind, Name: n, Start: at.start, End: at.end}, true
}

// serverObject consumes the name of a server, tablespace and so on: an identifier, a string
// or a number.
func (p *parser) serverObject(kind ObjectKind) (Object, bool) {
	if p.done() {
		p.uncertain("the name of a " + kind.String() + " is missing")
		return Object{}, false
	}
	t := p.tokens[p.i]
	name := p.raw(p.i)
	if t.kind == quoted || t.kind == stringLit {
		name = unquote(name)
	}
	p.i++
	return Object{Kind: kind, Name: schema.Name{Name: name}, Start: t.start, End: t.end}, true
}

// triggerTable finds the table behind BEFORE|AFTER INSERT|UPDATE|DELETE ON. It lies in the
// trigger's schema (any other is refused by the server, error 1435).
func (p *parser) triggerTable(o *Object) {
	if !p.acceptAny("BEFORE", "AFTER") {
		p.uncertain("a trigger without its time")
		return
	}
	for !p.done() && !p.accept("ON") {
		p.i++
	}
	n, at, ok := p.nameIn(o.Name.Schema)
	if !ok {
		p.uncertain("the table of a trigger is missing")
		return
	}
	o.Table, o.TableStart, o.TableEnd = n, at.start, at.end
}

// createSequence reads MariaDB's CREATE SEQUENCE: a table of one row, whose changes are row
// events (fact 8.14). Its lock was not measured: not hard.
func (p *parser) createSequence() {
	p.s.Verb = "CREATE SEQUENCE"
	p.ifNotExists()
	p.table(Created, false)
	p.notReplayed(reasonSequence)
}

// indexHead consumes [ONLINE|OFFLINE] [UNIQUE|FULLTEXT|SPATIAL|VECTOR] INDEX.
func (p *parser) indexHead() bool {
	i := p.i
	p.acceptAny("ONLINE", "OFFLINE")
	p.acceptAny("UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR")
	if p.accept("INDEX") {
		return true
	}
	p.i = i
	return false
}

// createIndex reads CREATE INDEX name [USING x] ON table.
func (p *parser) createIndex() {
	p.s.Verb = CreateIndex
	p.ifNotExists()
	for !p.done() && !p.accept("ON") {
		if p.isPunct(p.i, '(') {
			p.uncertain("CREATE INDEX without ON")
			return
		}
		p.i++
	}
	p.table(Altered, !p.s.IfNotExists)
	p.lockWait()
	if p.definitionOnly() {
		p.s.Kind = DefinitionOnly
	}
}

// database reads CREATE, ALTER and DROP DATABASE. ALTER may leave the name out.
func (p *parser) database(verb Verb) {
	p.s.Verb, p.s.Kind = verb, Schema
	p.ifNotExists()
	p.ifExists()
	p.s.Schema = p.s.session.Schema
	behind := p.tokens[min(p.i, len(p.tokens))-1].end
	p.s.schemaAt = span{behind, behind}
	if p.isIdentifier(p.i) && (verb != AlterDatabase || !p.databaseOption()) {
		p.s.Schema = p.stored(schema.Name{Schema: p.identifier(p.i)}).Schema
		p.s.schemaAt = span{p.tokens[p.i].start, p.tokens[p.i].end}
		p.i++
	}
	p.s.Hard = p.s.DropsSchema()
	if verb == DropDatabase {
		p.rest()
		return
	}
	p.s.Database = p.databaseOptions()
}

// databaseOption tells whether an option of ALTER DATABASE comes next, and not its name. The
// reserved words are always options; of the others, which the server takes for a name, MariaDB
// has COMMENT.
func (p *parser) databaseOption() bool {
	if p.isAnyWord(p.i, "CHARACTER", "CHAR", "DEFAULT", "COLLATE", "READ") {
		return true
	}
	return p.next("COMMENT") && (p.isPunct(p.i+1, '=') || p.i+1 < len(p.tokens) && p.tokens[p.i+1].kind == stringLit)
}
