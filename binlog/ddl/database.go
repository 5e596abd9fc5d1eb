package ddl

import "strings"

// DatabaseOptions are what CREATE or ALTER DATABASE gives a schema; empty or nil where it gives nothing.
type DatabaseOptions struct {
	Charset   string
	Collation string
	Comment   *string // MariaDB
}

// databaseOptions reads what stands behind the name.
func (p *parser) databaseOptions() (o DatabaseOptions) {
	for ; !p.done(); p.i++ {
		switch {
		case p.accept("CHARSET"), p.accept("CHARACTER", "SET"), p.accept("CHAR", "SET"):
			o.Charset = strings.ToLower(p.optionValue())
		case p.accept("COLLATE"):
			o.Collation = strings.ToLower(p.optionValue())
		case p.accept("COMMENT"):
			comment := p.optionValue()
			o.Comment = &comment
		}
	}
	return o
}

// optionValue is the value that comes next, behind = or not; it stays there.
func (p *parser) optionValue() string {
	p.acceptPunct('=')
	return p.value(p.i)
}
