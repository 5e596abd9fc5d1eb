package pitr

import (
	"context"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
)

// MySQL prints the checks of a table as they were written, and behind its first ALTER as it has prepared them: next to a BIGINT
// or a YEAR `-(5)` becomes `-5`, and `'7'` becomes 7. Of `-5` a CREATE TABLE makes `-(5)` (measured on 9.7).

// printAsAltered has the target print the checks of a new, empty table as the source prints those of one that was altered: by
// an ALTER that changes nothing. Where this is not what makes them differ it is in vain.
func (s *tableSet) printAsAltered(ctx context.Context, by *target.Session, t *table, create string) error {
	st, err := ddl.Parse([]byte(create), ddl.Session{Schema: t.Name.Schema})
	if err != nil {
		return fmt.Errorf("read the definition of %s in the backup: %w", t.Name, err)
	}
	want, err := st.Constraints()
	if err != nil {
		return err
	}
	have, err := director.Constraints(t.def, t.Name)
	if err != nil {
		return err
	}
	differs := slices.ContainsFunc(want, func(c ddl.Constraint) bool {
		k := slices.IndexFunc(have, sameConstraint(c))
		return !c.ForeignKey && k >= 0 && have[k].Clause != c.Clause
	})
	if !differs || s.checksOff {
		return nil
	}
	if err := by.Exec(ctx, "ALTER TABLE "+t.Name.Quoted()+" FORCE"); err != nil {
		return fmt.Errorf("alter %s to what it is: %w", t.Name, err)
	}
	return s.read(ctx, t.Name)
}
