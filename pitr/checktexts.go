package pitr

import (
	"context"
	"fmt"
	"slices"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/target"
)

// MySQL prints the checks of a table as they were written, and behind its first ALTER as it has prepared them: next to a BIGINT
// or a YEAR `-(5)` becomes `-5`, and `'7'` becomes 7. Of `-5` a CREATE TABLE makes `-(5)` (measured on 9.7).

// printAsAltered has the target print the checks of a new, empty table as the source prints those of one that was altered: by
// ALTERs that change nothing in the end. Where this is not what makes them differ it is in vain.
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
	i := slices.IndexFunc(want, func(c ddl.Constraint) bool {
		k := slices.IndexFunc(have, sameConstraint(c))
		return !c.ForeignKey && k >= 0 && have[k].Clause != c.Clause
	})
	if i < 0 || s.checksOff {
		return nil
	}
	states := []string{" NOT ENFORCED", " ENFORCED"} // what it is already alters nothing
	if notEnforced.MatchString(want[i].Clause) {
		slices.Reverse(states)
	}
	for _, state := range states {
		if err := by.Exec(ctx, "ALTER TABLE "+t.Name.Quoted()+" ALTER CHECK "+schema.Quote(want[i].Name)+state); err != nil {
			return fmt.Errorf("alter check %s of %s, and back: %w", want[i].Name, t.Name, err)
		}
	}
	return s.read(ctx, t.Name)
}
