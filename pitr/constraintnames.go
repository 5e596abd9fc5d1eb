package pitr

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
)

// followConstraint is how servers name constraints that nobody named, and how they follow when the
// table is renamed: t_ibfk_1, t_chk_1.
func followConstraint(from, to string) func(string) string {
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

// constraintsOfTable lists the checks and foreign keys of a definition.
func constraintsOfTable(def *schema.Table, n schema.Name) ([]ddl.Constraint, error) {
	st, err := ddl.Parse([]byte(def.Create), ddl.Session{Schema: n.Schema})
	if err != nil {
		return nil, fmt.Errorf("read the definition of %s: %w", n, err)
	}
	return st.Constraints()
}

// makesConstraintNames tells it of a definition.
func makesConstraintNames(t *schema.Table) bool {
	list, err := constraintsOfTable(t, t.Name)
	follow := followConstraint(t.Name.Name, "")
	return err != nil || slices.ContainsFunc(list, func(c ddl.Constraint) bool { return follow(c.Name) != c.Name })
}

var checkWord = regexp.MustCompile(`(?i)\bCHECK\b`)

// mayMakeConstraintNames tells it of a statement: too often costs another name.
func mayMakeConstraintNames(st *ddl.Statement) bool {
	return checkWord.MatchString(st.Text) || slices.ContainsFunc(st.Tables, func(t ddl.TableRef) bool { return t.Role == ddl.Parent })
}

// refuseLongNames is the fault of a table whose new name leaves no room for those of its constraints.
func (s *scan) refuseLongNames() error {
	d := s.director
	if d.part == nil {
		return nil
	}
	for id, m := range d.part.members {
		n := d.lives.now[id]
		rule := d.part.renames.rule(n)
		if !m.wanted() || rule == nil || rule.wholeSchema() || !s.constrained[m.working] {
			continue
		}
		if characters := utf8.RuneCountInString(m.final.Name); characters > longestConstrained {
			return renameFault(rule.text, "choose a shorter name", "%s has %d characters, and %s has constraints that are named after it: their names may have %d in all", m.final.Name, characters, n, longestName)
		}
	}
	return nil
}

// nameIndexes gives indexes that came with a foreign key their names: a server calls them as the key,
// also where that has a name of the kind that servers make, which is another one here as long as the
// table is. Unlike the key such an index does not follow when the table gets its own name.
func (r *replay) nameIndexes(ctx context.Context, x *execution) error {
	for _, n := range slices.Concat(x.created, x.altered) {
		t := r.tables.get(n)
		if x.calledAs == "" || x.calledAs == n.Name || t == nil {
			continue
		}
		follow := followConstraint(n.Name, x.calledAs)
		var clauses []string
		for _, k := range t.def.Keys {
			if own := follow(k.Name); own != k.Name {
				clauses = append(clauses, "RENAME INDEX "+schema.Quote(k.Name)+" TO "+schema.Quote(own))
			}
		}
		if len(clauses) == 0 {
			continue
		}
		if err := r.own.Exec(ctx, "ALTER TABLE "+n.Quoted()+" "+strings.Join(clauses, ", ")); err != nil {
			return fmt.Errorf("give indexes of %s their names: %w", n, err)
		}
		if err := r.tables.read(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// constraintName is the name of a check or a foreign key in a schema of the target, in lower case.
type constraintName struct {
	schema, name string
	foreignKey   bool
}

// namedConstraint is one of a table of the backup.
type namedConstraint struct {
	constraintName
	spelled string
	of      schema.Name // on the source
}

// constraintsOf lists the constraints that a table brings along under names of their own.
func constraintsOf(t *schema.Table, b loadBase) (named []namedConstraint) {
	list, err := constraintsOfTable(t, b.Name)
	if err != nil {
		return nil // the load tells
	}
	follow := followConstraint(b.Name.Name, b.onTarget.Name)
	for _, c := range list {
		if b.onTarget.Name == b.Name.Name || follow(c.Name) == c.Name {
			named = append(named, namedConstraint{constraintName{b.onTarget.Schema, strings.ToLower(c.Name), c.ForeignKey}, c.Name, b.Name})
		}
	}
	return named
}

// refuseConstraints is the fault of constraints from several schemas that would come into one.
func refuseConstraints(list []namedConstraint) error {
	first := map[constraintName]schema.Name{}
	for _, c := range list {
		other, both := first[c.constraintName]
		if both && other.Schema != c.of.Schema {
			return fault.New(fault.CodeUsage, fault.KindUsage, "rename them into different schemas, or restore them one after the other",
				"--rename: %s and %s both have a constraint %s, and would be in schema %s", other, c.of, c.name, c.schema)
		}
		first[c.constraintName] = c.of
	}
	return nil
}
