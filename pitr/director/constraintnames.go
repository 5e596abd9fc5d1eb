package director

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
)

// FollowConstraint is how servers name constraints that nobody named, and how they follow when the
// table is renamed: t_ibfk_1, t_chk_1.
func FollowConstraint(from, to string) func(string) string {
	return func(name string) string {
		for _, infix := range []string{"_ibfk_", "_chk_"} {
			head := from + infix
			if len(name) > len(head) && strings.EqualFold(name[:len(head)], head) && strings.Trim(name[len(head):], "0123456789") == "" {
				return to + name[len(from):]
			}
		}
		return name
	}
}

// Servers call constraints that nobody named as their table, with a suffix, and do not rename a table
// whose constraints would get names that are too long. A table that is renamed to such a name would
// be refused at the very end.

// longestConstrained is how many characters of a table's name leave room for a suffix: _ibfk_99.
const longestConstrained = longestName - len("_ibfk_99")

// Constraints lists the checks and foreign keys of a definition.
func Constraints(def *schema.Table, n schema.Name) ([]ddl.Constraint, error) {
	st, err := ddl.Parse([]byte(def.Create), ddl.Session{Schema: n.Schema})
	if err != nil {
		return nil, fmt.Errorf("read the definition of %s: %w", n, err)
	}
	return st.Constraints()
}

// MakesConstraintNames tells it of a definition.
func MakesConstraintNames(t *schema.Table) bool {
	list, err := Constraints(t, t.Name)
	follow := FollowConstraint(t.Name.Name, "")
	return err != nil || slices.ContainsFunc(list, func(c ddl.Constraint) bool { return follow(c.Name) != c.Name })
}

var checkWord = regexp.MustCompile(`(?i)\bCHECK\b`)

// MayMakeConstraintNames tells it of a statement: too often costs another name.
func MayMakeConstraintNames(st *ddl.Statement) bool {
	return checkWord.MatchString(st.Text) || slices.ContainsFunc(st.Tables, func(t ddl.TableRef) bool { return t.Role == ddl.Parent })
}

// RefuseLongNames is the fault of a table whose new name leaves no room for those of its constraints.
// constrained are those, on the target, that have such constraints or may have them.
func (d *Director) RefuseLongNames(constrained map[schema.Name]bool) error {
	if d.Part == nil {
		return nil
	}
	for id, m := range d.Part.Members {
		n := d.lives.now[id]
		rule := d.Part.renames.rule(n)
		if !m.Wanted() || rule == nil || rule.wholeSchema() || !constrained[m.Working] {
			continue
		}
		if characters := utf8.RuneCountInString(m.Final.Name); characters > longestConstrained {
			return renameFault(rule.text, "choose a shorter name", "%s has %d characters, and %s has constraints that are named after it: their names may have %d in all", m.Final.Name, characters, n, longestName)
		}
	}
	return nil
}

// ConstraintName is the name of a check or a foreign key in a schema of the target, in lower case.
type ConstraintName struct {
	Schema, Name string
	ForeignKey   bool // else a check: the two do not meet
}

// NamedConstraint is one of a table of the backup.
type NamedConstraint struct {
	ConstraintName
	Spelled string      // as in the backup
	Of      schema.Name // on the source
}

// ConstraintsOf lists the constraints that a table brings along under names of their own.
func ConstraintsOf(t *schema.Table, b LoadBase) (named []NamedConstraint) {
	list, err := Constraints(t, b.Name)
	if err != nil {
		return nil // the load tells
	}
	follow := FollowConstraint(b.Name.Name, b.OnTarget.Name)
	for _, c := range list {
		if b.OnTarget.Name == b.Name.Name || follow(c.Name) == c.Name {
			named = append(named, NamedConstraint{ConstraintName{b.OnTarget.Schema, strings.ToLower(c.Name), c.ForeignKey}, c.Name, b.Name})
		}
	}
	return named
}

// RefuseConstraints is the fault of constraints from several schemas that would come into one.
func RefuseConstraints(list []NamedConstraint) error {
	first := map[ConstraintName]schema.Name{}
	for _, c := range list {
		other, both := first[c.ConstraintName]
		if both && other.Schema != c.Of.Schema {
			return fault.New(fault.CodeUsage, fault.KindUsage, "rename them into different schemas, or restore them one after the other",
				"--rename: %s and %s both have a constraint %s, and would be in schema %s", other, c.Of, c.Name, c.Schema)
		}
		first[c.ConstraintName] = c.Of
	}
	return nil
}
