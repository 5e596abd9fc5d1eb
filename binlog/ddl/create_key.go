package ddl

import (
	"fmt"
	"strconv"

	"github.com/tripod-db/tripod/internal/schema"
)

// key reads the rest of a key: [name] [USING x] (parts) options.
func (p *parser) key(kind elementKind, e span) (schema.Key, error) {
	k := schema.Key{Unique: kind == primaryElement || kind == uniqueElement, Primary: kind == primaryElement}
	switch kind {
	case primaryElement:
		k.Name = "PRIMARY"
	case fulltextElement:
		k.Kind = schema.Fulltext
	case spatialElement:
		k.Kind = schema.Spatial
	default: // an ordinary key
	}
	if p.isIdentifier(p.i) && !p.isWord(p.i, "USING") {
		if kind != primaryElement {
			k.Name = p.identifier(p.i)
		}
		p.i++
	}
	if p.accept("USING") || p.accept("TYPE") {
		k.Hash = p.next("HASH")
		p.i++
	}
	if p.i >= e.end || !p.isPunct(p.i, '(') {
		return k, fmt.Errorf("key %s has no columns", k.Name)
	}
	end := p.closing(p.i)
	for _, item := range p.list(p.i+1, end) {
		part, err := p.keyPart(item)
		if err != nil {
			return k, fmt.Errorf("key %s: %w", k.Name, err)
		}
		k.Parts = append(k.Parts, part)
	}
	p.i = end + 1
	p.keyOptions(&k, e)
	return k, nil
}

// keyPart reads `a`, `a`(10) or (expression), with ASC or DESC.
func (p *parser) keyPart(item span) (schema.KeyPart, error) {
	var part schema.KeyPart
	i := item.start
	switch {
	case p.isPunct(i, '('):
		end := min(p.closing(i), item.end-1)
		if end <= i {
			return part, fmt.Errorf("an expression that is not closed")
		}
		part.Expression = p.text[p.tokens[i].end:p.tokens[end].start]
		i = end + 1
	case p.isIdentifier(i):
		part.Column = p.identifier(i)
		i++
		if p.isPunct(i, '(') && i+2 < item.end {
			n, err := strconv.Atoi(p.text[p.tokens[i+1].start:p.tokens[i+1].end])
			if err != nil {
				return part, fmt.Errorf("read the prefix of %s: %w", part.Column, err)
			}
			part.Prefix = n
			i += 3
		}
	default:
		return part, fmt.Errorf("a part that is no column")
	}
	part.Descending = i < item.end && p.isWord(i, "DESC")
	return part, nil
}

// keyOptions reads what is behind the parts and matters beyond the text.
func (p *parser) keyOptions(k *schema.Key, e span) {
	for ; p.i < e.end; p.i++ {
		switch {
		case p.isWord(p.i, "INVISIBLE"), p.isWord(p.i, "IGNORED"):
			k.Invisible = true
		case p.isWords(p.i, "USING", "HASH"):
			k.Hash = true
		case p.isWords(p.i, "WITH", "PARSER") && p.isIdentifier(p.i+2):
			k.Parser = p.identifier(p.i + 2)
			p.i += 2
		case p.isWord(p.i, "COMMENT") && p.i+1 < e.end && p.tokens[p.i+1].kind == stringLit:
			k.Comment = unescape(p.raw(p.i + 1))
			p.i++
		}
	}
}

// foreignKey reads [index] (columns) REFERENCES parent (columns) ON DELETE x ON UPDATE y.
func (r *tableReader) foreignKey(name string, e span) error {
	f := schema.ForeignKey{Name: name}
	if r.isIdentifier(r.i) {
		r.i++
	}
	var ok bool
	if f.Columns, ok = r.columnList(e); !ok || !r.accept("REFERENCES") {
		return r.unexpected("the columns of foreign key " + name)
	}
	if f.Parent, _, ok = r.nameIn(r.table.Name.Schema); !ok {
		return r.unexpected("the parent of foreign key " + name)
	}
	if f.References, ok = r.columnList(e); !ok {
		return r.unexpected("the referenced columns of foreign key " + name)
	}
	for r.i < e.end {
		switch {
		case r.accept("ON", "DELETE"):
			f.OnDelete = r.reference()
		case r.accept("ON", "UPDATE"):
			f.OnUpdate = r.reference()
		case r.accept("MATCH"):
			r.i++
		default:
			return r.unexpected("an action of foreign key " + name)
		}
	}
	r.table.ForeignKeys = append(r.table.ForeignKeys, f)
	return nil
}

// columnList consumes (`a`, `b`).
func (r *tableReader) columnList(e span) ([]string, bool) {
	if r.i >= e.end || !r.isPunct(r.i, '(') {
		return nil, false
	}
	end := r.closing(r.i)
	var columns []string
	for _, item := range r.list(r.i+1, end) {
		if !r.isIdentifier(item.start) {
			return nil, false
		}
		columns = append(columns, r.identifier(item.start))
	}
	r.i = end + 1
	return columns, len(columns) > 0
}

// reference consumes a reference action.
func (r *tableReader) reference() schema.Reference {
	switch {
	case r.accept("CASCADE"):
		return schema.Cascade
	case r.accept("SET", "NULL"):
		return schema.SetNull
	case r.accept("SET", "DEFAULT"):
		return schema.SetDefault
	case r.accept("NO", "ACTION"):
	case r.accept("RESTRICT"):
	}
	return schema.Restrict
}
