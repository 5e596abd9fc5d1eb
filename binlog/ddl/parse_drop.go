package ddl

import (
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// drop reads what stands behind DROP.
func (p *parser) drop() {
	switch {
	case p.accept("TEMPORARY", "TABLE"), p.accept("TEMPORARY", "TABLES"), p.accept("TEMPORARY", "SEQUENCE"):
		p.temporary(DropTemporaryTable)
	case p.acceptAny("TABLE", "TABLES"):
		p.s.Verb = DropTable
		p.ifExists()
		p.tables(Dropped, true)
		p.lockWait()
		p.acceptAny("RESTRICT", "CASCADE")
		p.rest()
	case p.accept("SEQUENCE"):
		p.s.Verb = "DROP SEQUENCE"
		p.ifExists()
		p.tables(Dropped, false)
		p.rest()
	case p.indexHead():
		p.dropIndex()
	case p.acceptAny("DATABASE", "SCHEMA"):
		p.database(DropDatabase)
	case p.acceptAny("USER", "ROLE"):
		p.account()
	case p.accept("PREPARE"):
		p.s.Verb, p.s.Kind = "DROP PREPARE", None
	default:
		p.dropObject()
	}
}

// dropIndex reads DROP INDEX name ON table. The index may be unique, which the text does not
// tell: it changes meaning.
func (p *parser) dropIndex() {
	p.s.Verb = DropIndex
	p.ifExists()
	if p.isIdentifier(p.i) {
		p.i++
	}
	if !p.accept("ON") {
		p.uncertain("DROP INDEX without ON")
		return
	}
	p.table(Altered, !p.s.IfExists)
}

func (p *parser) dropObject() {
	kind, ok := p.objectHead()
	if !ok {
		p.s.Verb = p.firstWords()
		p.uncertain("the statement is not known")
		return
	}
	p.s.Verb, p.s.Kind = DropObject, OtherObject
	p.ifExists()
	for {
		o, ok := p.object(kind)
		if !ok {
			return
		}
		p.s.Objects = append(p.s.Objects, o)
		if kind != View || !p.acceptPunct(',') {
			break
		}
	}
	if kind < Server {
		p.acceptAny("RESTRICT", "CASCADE")
		p.rest()
	}
}

// rename reads RENAME TABLE a TO b, c TO d.
func (p *parser) rename() {
	p.s.Verb = RenameTable
	if !p.acceptAny("TABLE", "TABLES") {
		p.s.Verb = p.firstWords()
		p.uncertain("the statement is not known")
		return
	}
	p.ifExists()
	for {
		from, ok := p.table(RenamedFrom, true)
		if !ok {
			return
		}
		p.lockWait()
		if !p.accept("TO") {
			p.uncertain("RENAME TABLE without TO")
			return
		}
		to, ok := p.table(RenamedTo, true)
		if !ok {
			return
		}
		p.s.Renames = append(p.s.Renames, [2]schema.Name{from, to})
		if !p.acceptPunct(',') {
			break
		}
	}
	p.rest()
}

// truncate reads TRUNCATE [TABLE] t. The one that the server writes when it finds a MEMORY
// table empty after a restart held no exclusive lock (fact 8.10).
func (p *parser) truncate() {
	p.s.Verb = TruncateTable
	p.accept("TABLE")
	implicit := p.s.GeneratedByServer && strings.Contains(p.text[p.comments[len(p.comments)-1].start:], emptiedNote)
	p.table(Truncated, !implicit)
	p.lockWait()
	p.rest()
}
