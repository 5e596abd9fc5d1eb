package docs

import "testing"

// TestGuaranteesAreProved: each line of guarantees.md, also one that says what is refused, names a test that is there.
func TestGuaranteesAreProved(t *testing.T) {
	declares := declaredTests(t)
	rows := testedRows(t, "guarantees.md", "| what | where | proved by |")
	for _, r := range rows {
		for _, p := range namingProblems(r.tests, declares) {
			t.Errorf("%s: %s", r.what, p)
		}
	}
	if len(rows) < 59 {
		t.Errorf("guarantees.md has %d rows", len(rows))
	}
}
