package mutants

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func moduleFolder(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestEveryRuleHasAMutantWithAFailpointAndATest(t *testing.T) {
	b, err := NewBench(t.Context(), moduleFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	covered := map[string]bool{}
	for _, m := range Table {
		covered[m.Rule] = true
		if !b.points[m.Failpoint] {
			t.Errorf("there is no failpoint %s", m.Failpoint)
		}
		if !strings.Contains(m.Test, m.Rule) {
			t.Errorf("the test %s does not carry the number of %s", m.Test, m.Rule)
		}
		name, _, _ := strings.Cut(m.Test, "/")
		if !declared(t, filepath.Join(b.Module, m.Package), "func "+name+"(") {
			t.Errorf("there is no %s in %s", name, m.Package)
		}
	}
	for _, rule := range Rules {
		if !covered[rule] {
			t.Errorf("rule %s has no mutant", rule)
		}
	}
}

func declared(t *testing.T, folder, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), text) {
			return true
		}
	}
	return false
}

// The bench itself has to tell a mutant that is caught from one that is not, and both from a
// test or a failpoint that is not there.
func TestVerdicts(t *testing.T) {
	b, err := NewBench(t.Context(), moduleFolder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		mutant Mutant
		want   Verdict
	}{
		{Mutant{Rule: "R6", Failpoint: "dumper/bases/R6", Package: "dumper/bases", Test: "TestR6NotDoneBeforeTheStreamHasPassedEveryHigh"}, Caught},
		{Mutant{Rule: "R6", Failpoint: "dumper/bases/R6", Package: "dumper/bases", Test: "TestR12ExcludedNames"}, Survived},
		{Mutant{Rule: "R6", Failpoint: "dumper/bases/R6", Package: "dumper/bases", Test: "TestR6"}, NoTest},
		{Mutant{Rule: "R6", Failpoint: "dumper/bases/none", Package: "dumper/bases", Test: "TestR12ExcludedNames"}, NoPoint},
	} {
		o, err := b.Try(t.Context(), c.mutant)
		if err != nil {
			t.Fatal(err)
		}
		if o.Verdict != c.want {
			t.Errorf("%+v: verdict %q, want %q\n%s", c.mutant, o.Verdict, c.want, lastLines(o.Output))
		}
	}
	var out strings.Builder
	if err := report(&out, []Outcome{{Mutant: Table[0], Verdict: Survived}}, nil); err == nil || !strings.Contains(out.String(), string(Survived)) {
		t.Errorf("a mutant that survived is reported as %v:\n%s", err, out.String())
	}
	if err := report(&out, nil, Rules); err == nil {
		t.Error("rules without mutants are no error")
	}
}
