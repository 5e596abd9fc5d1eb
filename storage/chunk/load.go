package chunk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// FileName is the file that the statement of a manifest reads: whoever restores by hand
// expands a chunk under this name and runs the statement as it stands.
const FileName = "chunk.tsv"

// Through says how a column's text becomes its value.
type Through int

// The ways of LOAD.
const (
	// Raw: the bytes of the text are those of the value.
	Raw Through = iota
	// Number: CAST(@v AS UNSIGNED), for ENUM and SET. As plain text a label that is a numeral is
	// taken for a label, without a warning, and @v+0 goes through DOUBLE (fact 15.7).
	Number
	// Text: CAST(@v AS CHAR CHARACTER SET utf8mb4), for JSON, which refuses binary strings (fact 15.8).
	Text
	// Assigned: the text, as Raw, but in the SET clause. MySQL 5.6 and MariaDB forget at such a clause that the AUTO_INCREMENT
	// column has a value, and make the next number of a 0 (NO_AUTO_VALUE_ON_ZERO or not), unless the clause gives it one.
	Assigned
)

// LoadColumn is one column of the text.
type LoadColumn struct {
	Name    string
	Through Through
}

// Load is the LOAD DATA statement of a table's chunks. The session that runs it has SET NAMES
// utf8mb4 (for its names), time_zone '+00:00', foreign_key_checks=0 and the sql_mode STRICT_ALL_TABLES,
// ALLOW_INVALID_DATES, NO_AUTO_VALUE_ON_ZERO (fact 6.12; without STRICT_ALL_TABLES for a chunk
// with an ENUM of index 0). NULL stays NULL through every way.
type Load struct {
	Table schema.Name
	// Replace: rows give way to those of the chunk. Without it LOCAL drops rows whose key
	// exists, with a warning only (fact 15.9).
	Replace bool
	Columns []LoadColumn // in the order of the text
}

// LoadStatement returns the statement for chunks made by Select of the same table.
func LoadStatement(t *schema.Table) Load {
	l := Load{Table: t.Name, Replace: true}
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Generated != schema.NotGenerated {
			continue
		}
		l.Columns = append(l.Columns, LoadColumn{Name: c.Name, Through: through(c)})
	}
	l.Assign(t)
	return l
}

// Assign makes the statement one that gives the AUTO_INCREMENT column of the table its value, zeros too, on every server.
func (l *Load) Assign(t *schema.Table) {
	set := slices.ContainsFunc(l.Columns, func(c LoadColumn) bool { return c.Through != Raw })
	for i, c := range l.Columns {
		if of, _ := t.Column(c.Name); set && of != nil && of.AutoInc && c.Through == Raw {
			l.Columns[i].Through = Assigned
		}
	}
}

func through(c *schema.Column) Through {
	switch c.Type {
	case "enum", "set":
		return Number
	case "json":
		return Text
	}
	return Raw
}

// String is the statement of a manifest, which reads FileName.
func (l Load) String() string { return l.Statement(FileName) }

const (
	loadHead    = "LOAD DATA LOCAL INFILE "
	loadReplace = " REPLACE"
	loadTable   = " INTO TABLE "
	loadFormat  = ` CHARACTER SET binary FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (`
	loadNothing = "@nothing"
	loadSet     = " SET "
	castHead    = "CAST("
	castNumber  = " AS UNSIGNED)"
	castText    = " AS CHAR CHARACTER SET utf8mb4)"
)

// Statement renders the statement for any file name. It needs backslash escapes on, as every
// session of tripod has them.
func (l Load) Statement(file string) string {
	var b, set strings.Builder
	b.WriteString(loadHead)
	b.WriteString("'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(file) + "'")
	if l.Replace {
		b.WriteString(loadReplace)
	}
	b.WriteString(loadTable)
	b.WriteString(l.Table.Quoted())
	b.WriteString(loadFormat)
	for i, c := range l.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		if c.Through == Raw {
			b.WriteString(schema.Quote(c.Name))
			continue
		}
		variable := "@v" + strconv.Itoa(i+1)
		b.WriteString(variable)
		if set.Len() > 0 {
			set.WriteString(", ")
		}
		set.WriteString(schema.Quote(c.Name) + "=")
		switch c.Through {
		case Number:
			set.WriteString(castHead + variable + castNumber)
		case Text:
			set.WriteString(castHead + variable + castText)
		case Assigned, Raw:
			set.WriteString(variable)
		}
	}
	if len(l.Columns) == 0 {
		b.WriteString(loadNothing)
	}
	b.WriteByte(')')
	if set.Len() > 0 {
		b.WriteString(loadSet + set.String())
	}
	return b.String()
}

// ParseLoad reads a statement that String rendered, so that a restore goes by the manifest and
// not by what another version of tripod would make of the table.
func ParseLoad(statement string) (Load, error) {
	p := loadParser{rest: statement}
	l := p.load()
	if p.failed || l.String() != statement {
		return Load{}, fmt.Errorf("read LOAD statement: it is not one that tripod writes: %.200s", statement)
	}
	return l, nil
}

// loadParser reads the statement from left to right; failed stays true from the first piece on
// that is not there.
type loadParser struct {
	rest   string
	failed bool
}

func (p *loadParser) load() (l Load) {
	p.need(loadHead + "'" + FileName + "'")
	l.Replace = p.take(loadReplace)
	p.need(loadTable)
	l.Table.Schema = p.identifier()
	p.need(".")
	l.Table.Name = p.identifier()
	p.need(loadFormat)
	variables := map[string]int{}
	if !p.take(loadNothing) {
		for more := true; more && !p.failed; more = p.take(", ") {
			variable := "@v" + strconv.Itoa(len(l.Columns)+1)
			if p.take(variable) {
				variables[variable] = len(l.Columns)
				l.Columns = append(l.Columns, LoadColumn{})
				continue
			}
			l.Columns = append(l.Columns, LoadColumn{Name: p.identifier()})
		}
	}
	p.need(")")
	if p.take(loadSet) {
		for more := true; more && !p.failed; more = p.take(", ") {
			p.assignment(l.Columns, variables)
		}
	}
	p.failed = p.failed || p.rest != ""
	return l
}

// assignment reads `name`=CAST(@v1 AS ...), or `name`=@v1, into the column of that variable.
func (p *loadParser) assignment(columns []LoadColumn, variables map[string]int) {
	name := p.identifier()
	p.need("=")
	cast := p.take(castHead)
	end := strings.IndexAny(p.rest, " ,")
	if end < 0 {
		end = len(p.rest)
	}
	variable := p.rest[:end]
	i, known := variables[variable]
	if p.failed || !known {
		p.failed = true
		return
	}
	p.need(variable)
	through := Assigned
	if cast {
		through = Number
		if !p.take(castNumber) {
			through = Text
			p.need(castText)
		}
	}
	columns[i] = LoadColumn{Name: name, Through: through}
}

func (p *loadParser) take(piece string) bool {
	rest, found := strings.CutPrefix(p.rest, piece)
	p.rest = rest
	return found
}

func (p *loadParser) need(piece string) {
	if !p.take(piece) {
		p.failed = true
	}
}

// identifier reads a name in backticks.
func (p *loadParser) identifier() string {
	p.need("`")
	var name strings.Builder
	for !p.failed {
		text, rest, closed := strings.Cut(p.rest, "`")
		name.WriteString(text)
		p.rest, p.failed = rest, !closed
		if !p.take("`") {
			break
		}
		name.WriteByte('`')
	}
	return name.String()
}
