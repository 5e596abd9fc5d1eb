package bases

import (
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// TestR5CascadesBesidePartialImages: a row that a foreign key hits by mistake comes back by an event of its own, but
// not whole where images lack columns. Such a child is read again.
func TestR5CascadesBesidePartialImages(t *testing.T) {
	parent := &schema.Table{Name: named("p")}
	child := &schema.Table{Name: named("c"), ForeignKeys: []schema.ForeignKey{
		{Name: "f", Columns: []string{"p"}, Parent: named("p"), References: []string{"id"}, OnDelete: schema.Cascade},
	}}
	for _, partial := range []bool{false, true} {
		b := backup(t, "p", "c")
		for _, table := range []*schema.Table{parent, child} {
			b.TableDone(b.want(t, table.Name.Name), TableRead{Present: true, Table: table, First: mark(0, 0), DefinitionAfter: mark(4, 4),
				Chunks: mark(0, 0), Rows: mark(4, 4), After: mark(4, 4)})
		}
		b.log(0, nil)
		b.Receive(&Entry{Start: place(1), End: place(2), Rows: []RowTouch{{Name: named("p"), Hidden: Hidden{Deletes: true}}}})
		b.Receive(&Entry{Start: place(2), End: place(3), Rows: []RowTouch{{Name: named("c"), Partial: partial}}})
		b.log(3, nil)
		b.log(4, nil)
		if !partial {
			b.mustBeDone(t)
			continue
		}
		b.mustNotBeDone(t, "a cascade and a partial image lie in the window of a child")
		b.want(t, "c")
	}
}
