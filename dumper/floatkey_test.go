package dumper

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// A chunk holds a FLOAT(p,s) within its digits; the walk goes on behind the value that is stored,
// or the row at the limit would come again and again.
func TestWalkBoundOfAFloatWithDigits(t *testing.T) {
	table := &schema.Table{
		Columns: []schema.Column{{Name: "f", Type: "float", Length: 10, Decimals: 3}},
		Keys:    []schema.Key{{Name: "PRIMARY", Primary: true, Unique: true, Parts: []schema.KeyPart{{Column: "f"}}}},
	}
	p := paths(table)[0]
	if !strings.HasSuffix(p.list, ", `f`*1e0") || p.fields[0] != 1 {
		t.Errorf("the bound is field %d of %s", p.fields[0], p.list)
	}
}
