package ddl

import "strings"

// KeyClause is a key of a CREATE TABLE, but for the primary key, in the words of the definition.
type KeyClause struct {
	Name   string
	Unique bool
	// Text is "UNIQUE KEY `u` (`a`)", which an ALTER TABLE adds.
	Text string
}

const uniqueWord = "UNIQUE "

// AsUnique is the text of the key as a unique one.
func (k KeyClause) AsUnique() string { return uniqueWord + strings.TrimPrefix(k.Text, uniqueWord) }

// AsPlain is the text of the key as one that is not unique.
func (k KeyClause) AsPlain() string { return strings.TrimPrefix(k.Text, uniqueWord) }

// KeyClauses lists the ordinary keys of a definition as SHOW CREATE TABLE prints it, in its order.
func (s *Statement) KeyClauses() ([]KeyClause, error) {
	b, err := s.body()
	if err != nil {
		return nil, err
	}
	var list []KeyClause
	for i := range b.elements {
		e := &b.elements[i]
		if e.kind == uniqueElement || e.kind == indexElement {
			list = append(list, KeyClause{Name: e.key.Name, Unique: e.kind == uniqueElement, Text: s.elementText(e.at)})
		}
	}
	return list, nil
}
