package docs

import "testing"

// TestMuseumNamesTestsThatAreThere: a test that is renamed or goes takes its line of museum.md along.
func TestMuseumNamesTestsThatAreThere(t *testing.T) {
	declares := declaredTests(t)
	rows := testedRows(t, "museum.md", "| peer | what broke | here |")
	for _, r := range rows {
		for _, p := range namingProblems(r.tests, declares, "open: ", "not ours: ") {
			t.Errorf("%s: %s", r.what, p)
		}
	}
	if len(rows) < 80 {
		t.Errorf("the museum has %d rows", len(rows))
	}
}
