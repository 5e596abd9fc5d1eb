package schema

import "testing"

func TestSystemSchemasAreComparedAsTheSourceComparesNames(t *testing.T) {
	for _, c := range []struct {
		name       string
		cased, any bool // a system schema where case counts, where it does not
	}{
		{"mysql", true, true}, {"sys", true, true}, {"performance_schema", true, true}, {"information_schema", true, true},
		{"MySQL", false, true}, {"SYS", false, true}, {"Performance_Schema", false, true},
		{"INFORMATION_SCHEMA", true, true}, // without case on any server
		{"sys2", false, false}, {"", false, false},
	} {
		if got := IsSystem(c.name, false); got != c.cased {
			t.Errorf("with case, %s is the server's own: %v, want %v", c.name, got, c.cased)
		}
		if got := IsSystem(c.name, true); got != c.any {
			t.Errorf("without case, %s is the server's own: %v, want %v", c.name, got, c.any)
		}
	}
}
