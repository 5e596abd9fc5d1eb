package target

import (
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// TestWarningsOfWhatIsComputed: a warning is about a generated column, an index of an expression or a CHECK only if it can be about nothing
// else, whatever values its text holds.
func TestWarningsOfWhatIsComputed(t *testing.T) {
	c := ComputedOf(&schema.Table{
		Columns: []schema.Column{{Name: "base"}, {Name: "x' for column 'g"}, {Name: "g", Generated: schema.Stored}, {Name: "v", Generated: schema.Virtual}},
		Keys:    []schema.Key{{Name: "k", Parts: []schema.KeyPart{{Expression: "(base + 1)"}}}, {Name: "plain", Parts: []schema.KeyPart{{Column: "base"}}}},
	})
	for message, want := range map[string]bool{
		"Data truncated for column 'g' at row 1":                                           true,
		"Data too long for column 'v' at row 7":                                            true,
		"Out of range value for column 'g' at row 12":                                      true,
		"Incorrect integer value: 'x' for column 'base' at row 1' for column 'g' at row 1": true,
		"Column 'g' cannot be null":                                                        true,
		"Data truncated for functional index 'k' at row 3":                                 true,
		"Data truncated for column 'base' at row 1":                                        false,
		"Incorrect integer value: 'g' for column 'base' at row 1":                          false,
		"Incorrect integer value: 'x' for column 'g' at row 1' for column 'base' at row 1": false,
		"Data truncated for column 'x' for column 'g' at row 1":                            false,
		"Column 'base' cannot be null":                                                     false,
		"Data truncated for functional index 'plain' at row 3":                             false,
		"Truncated incorrect INTEGER value: ' for column 'base' at row 1":                  true, // an expression's: the value ends the text
		"Truncated incorrect INTEGER value: 'g'":                                           true,
		"Incorrect datetime value: 'g' for function str_to_date":                           false,
		"Data truncated for column 'g' at row one":                                         false,
		"Duplicate entry '1' for key 'g'":                                                  false,
		"":                                                                                 false,
	} {
		if got := c.names(message); got != want {
			t.Errorf("%q: %v", message, got)
		}
	}
	if checked := ComputedOf(&schema.Table{Columns: []schema.Column{{Name: "base"}}, Checks: 1}); !checked.Any() || checked.names("Data truncated for column 'base' at row 1") {
		t.Errorf("%+v", checked)
	}
	if plain := ComputedOf(&schema.Table{Columns: []schema.Column{{Name: "base"}}}); plain.Any() || !c.Any() {
		t.Errorf("%+v, %+v", plain, c)
	}
}
