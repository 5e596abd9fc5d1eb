package pitr

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/director"
)

// Errors of a statement that would give a schema two constraints of one name.
const (
	errCheckTaken      = 3822
	errForeignKeyTaken = 1826
	// Of MySQL 5.6 and MariaDB. Only the last one tells the name, and the others have other causes too.
	errDuplicateKey        = 1022 // "Can't write; duplicate key in table 't'"
	errCannotCreate        = 1005 // "Can't create table `d`.`t` (errno: 121 \"Duplicate key on write or update\")"
	errForeignKeyNotStored = 1823 // "Failed to add the foreign key constraint 'd/c' to system tables"
)

// duplicateKey is the number that servers print in all their languages.
var duplicateKey = regexp.MustCompile(`\b121\b`)

// takenName is the name of a constraint that is there already.
type takenName struct {
	name       string // empty where the server does not tell it
	foreignKey bool
}

func (n takenName) told() bool { return n.name != "" }

// takenConstraint reads the target's answer: "Duplicate check constraint name 'c'."
func takenConstraint(err error) (taken takenName, ok bool) {
	number, text := server.ErrorNumber(err), server.ErrorText(err)
	untold := takenName{foreignKey: true}
	switch number {
	case errDuplicateKey:
		return untold, true
	case errCannotCreate:
		return untold, duplicateKey.MatchString(text)
	case errTableExists: // of a file, where there is no such table: a rename, or a name that the server makes
		return untold, strings.Contains(text, "'./")
	case errCheckTaken, errForeignKeyTaken, errForeignKeyNotStored:
	default:
		return takenName{}, false
	}
	first, last := strings.Index(text, "'"), strings.LastIndex(text, "'")
	if first == last {
		return takenName{}, false
	}
	name := text[first+1 : last]
	if number == errForeignKeyNotStored {
		_, name, _ = strings.Cut(name, "/")
	}
	return takenName{name, number != errCheckTaken}, name != ""
}

// maker is what may make constraints: in which schemas, and of which names.
type maker struct {
	schemas []string
	names   []string
	tables  []string // whose foreign keys get names by theirs: t_ibfk_1
}

// mayMake tells whether it may make a foreign key of that name. Too often sets one aside that is in nobody's way.
func (m maker) mayMake(name string) bool {
	return slices.ContainsFunc(m.names, func(n string) bool { return strings.EqualFold(n, name) }) ||
		slices.ContainsFunc(m.tables, func(t string) bool {
			return len(name) > len(t) && strings.EqualFold(name[:len(t)], t) && strings.HasPrefix(strings.ToLower(name[len(t):]), "_ibfk_")
		})
}

// makerOf is one of constraints of a table.
func makerOf(n schema.Name, list []ddl.Constraint) maker {
	m := maker{schemas: []string{n.Schema}, tables: []string{n.Name}}
	for _, c := range list {
		m.names = append(m.names, c.Name)
	}
	return m
}

// makerOfDefinition is a CREATE TABLE.
func makerOfDefinition(n schema.Name, create string) (maker, error) {
	st, err := ddl.Parse([]byte(create), ddl.Session{Schema: n.Schema})
	if err != nil {
		return maker{}, err
	}
	return maker{schemas: []string{n.Schema}, tables: []string{n.Name}, names: st.ConstraintNames()}, nil
}

// makerOf is a statement of the log. A table that goes to another schema takes the names of its foreign keys along.
func (s *tableSet) makerOf(x *director.Execution) maker {
	m := makerOfStatement(x)
	for _, p := range x.Renamed {
		if t := s.get(p[0]); t != nil && t.def != nil && p[0].Schema != p[1].Schema {
			for i := range t.def.ForeignKeys {
				m.names = append(m.names, t.def.ForeignKeys[i].Name)
			}
		}
	}
	return m
}

// makerOfStatement is that of its text.
func makerOfStatement(x *director.Execution) maker {
	m := maker{schemas: x.Schemas()}
	for _, n := range x.Changes() {
		m.tables = append(m.tables, n.Name)
	}
	if st, err := ddl.Parse([]byte(x.Text), ddl.Session{Schema: x.Schema}); err == nil {
		m.names = st.ConstraintNames()
	} else if x.Statement != nil {
		m.names = x.Statement.ConstraintNames()
	}
	return m
}
