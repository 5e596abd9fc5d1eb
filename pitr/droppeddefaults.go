package pitr

import (
	"context"
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/target"
)

// printsNoDefault tells of the types of which MySQL shows no default where that is NULL: nothing is known of theirs.
func printsNoDefault(c *schema.Column) bool {
	switch c.Type {
	case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		return true
	}
	return false
}

// dropDefaults takes the defaults away that the source does not have: behind ALTER .. DROP DEFAULT a nullable column has none, and its
// definition is printed without one; made from that text it has NULL.
func (s *tableSet) dropDefaults(ctx context.Context, by *target.Session, t *table, source *schema.Table) error {
	var clauses []string
	for i := range t.def.Columns {
		have := &t.def.Columns[i]
		want, _ := source.Column(have.Name)
		if want != nil && want.Default == "" && !printsNoDefault(want) && strings.EqualFold(have.Default, "NULL") && have.Generated == schema.NotGenerated {
			clauses = append(clauses, "ALTER COLUMN "+schema.Quote(have.Name)+" DROP DEFAULT")
		}
	}
	if len(clauses) == 0 {
		return nil
	}
	if err := by.Exec(ctx, "ALTER TABLE "+t.Name.Quoted()+" "+strings.Join(clauses, ", ")); err != nil {
		return fmt.Errorf("take defaults of %s away: %w", t.Name, err)
	}
	return s.read(ctx, t.Name)
}
