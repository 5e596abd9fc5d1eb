package ddl

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// Constraint is a constraint of a CREATE TABLE whose name is its schema's: no other table there has
// one of its kind under that name.
type Constraint struct {
	Name string
	// ForeignKey tells foreign keys from checks: each kind has names of its own.
	ForeignKey bool
	// Clause of an ALTER TABLE puts it back: "ADD CONSTRAINT `c` CHECK ((`a` > 0))".
	Clause string
}

// Constraints lists the named checks and foreign keys of a definition as SHOW CREATE TABLE prints it:
// all of them, in its order, and none behind a column.
func (s *Statement) Constraints() ([]Constraint, error) {
	b, err := s.body()
	if err != nil {
		return nil, err
	}
	var list []Constraint
	p := &parser{lexed: s.lex, s: &Statement{Text: s.Text, lex: s.lex, session: s.session}}
	for i := range b.elements {
		kind, name, err := p.elementHead(b.elements[i].at)
		if err != nil {
			return nil, fmt.Errorf("read the constraints of %s: %w", s.Tables[0].Name, err)
		}
		if name != "" && (kind == checkElement || kind == foreignKeyElement) {
			list = append(list, Constraint{Name: name, ForeignKey: kind == foreignKeyElement, Clause: "ADD " + s.elementText(b.elements[i].at)})
		}
	}
	return list, nil
}

// DropConstraint is the clause of an ALTER TABLE that takes the constraint away.
func (c Constraint) DropConstraint() string {
	if c.ForeignKey {
		return "DROP FOREIGN KEY " + schema.Quote(c.Name)
	}
	return "DROP CHECK " + schema.Quote(c.Name)
}

// Reference reads a foreign key whose table is in a schema.
func (c Constraint) Reference(of string) (*schema.ForeignKey, error) {
	t, err := ParseCreateTable("CREATE TABLE `t` (`c` int, "+strings.TrimPrefix(c.Clause, "ADD ")+")", of)
	if err != nil {
		return nil, err
	}
	if len(t.ForeignKeys) != 1 {
		return nil, fmt.Errorf("%s: it is no foreign key", c.Clause)
	}
	return &t.ForeignKeys[0], nil
}

// Called is the clause under another name.
func (c Constraint) Called(name string) string {
	return "ADD CONSTRAINT " + schema.Quote(name) + strings.TrimPrefix(c.Clause, "ADD CONSTRAINT "+schema.Quote(c.Name))
}
