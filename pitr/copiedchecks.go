package pitr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/pitr/director"
)

// numberChecks gives the checks of a copy (CREATE TABLE .. LIKE) the names that they have on the source. MySQL calls all of them by
// number, in the order of their names in the table that is copied. That one has a name of its own here, and so have those of its checks
// that nobody named: others may come first. A second run of it finds nothing to do.
func (r *replay) numberChecks(ctx context.Context, x *director.Execution) error {
	if !x.Copied || x.SourceCalledAs == "" || x.SourceCalledAs == x.Source.Name {
		return nil
	}
	want, err := r.tables.copiedChecks(ctx, x)
	if err != nil {
		return err
	}
	for _, n := range x.Created {
		have, err := director.Constraints(r.tables.get(n).def, n)
		if err != nil {
			return err
		}
		have = slices.DeleteFunc(have, func(c ddl.Constraint) bool { return c.ForeignKey })
		var drop, add []string
		for i, c := range want {
			name := fmt.Sprintf("%s_chk_%d", n.Name, i+1)
			k := slices.IndexFunc(have, func(c ddl.Constraint) bool { return strings.EqualFold(c.Name, name) })
			if k < 0 { // MariaDB keeps the names: they are each table's own
				return nil
			}
			if clause := c.Called(name); clause != have[k].Clause {
				drop, add = append(drop, have[k].DropConstraint()), append(add, clause)
			}
		}
		if len(add) == 0 {
			continue
		}
		if err := r.own.Exec(ctx, "ALTER TABLE "+n.Quoted()+" "+strings.Join(append(drop, add...), ", ")); err != nil {
			return fmt.Errorf("give checks of %s their names: %w", n, err)
		}
		if err := r.tables.read(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// copiedChecks lists the checks that a copy has, in the order of its numbers on the source.
func (s *tableSet) copiedChecks(ctx context.Context, x *director.Execution) ([]ddl.Constraint, error) {
	source := s.get(x.Source)
	if source == nil {
		return nil, fmt.Errorf("%s: %w", x.Source, director.ErrMissing)
	}
	if source.def == nil { // a run that goes on
		if err := s.read(ctx, source.Name); err != nil {
			return nil, err
		}
	}
	list, err := director.Constraints(source.def, source.Name)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(c ddl.Constraint) bool { return c.ForeignKey })
	for i, c := range list {
		if source.off != nil && slices.Contains(source.off.checks, c.Name) {
			list[i].Clause = notEnforced.ReplaceAllString(c.Clause, "") // see copiedInPlace
		}
	}
	follow := director.FollowConstraint(source.Name.Name, x.SourceCalledAs)
	slices.SortStableFunc(list, func(a, b ddl.Constraint) int { return compareChecks(follow(a.Name), follow(b.Name)) })
	return list, nil
}
