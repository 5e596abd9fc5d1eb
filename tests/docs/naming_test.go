package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testName  = regexp.MustCompile(`\bTest[A-Z0-9]\w*`)
	namedTest = regexp.MustCompile("`([a-z0-9_/]+_test\\.go):(Test\\w+)`")
)

// testedRow is one row of a page's tables: what its first cells say, and the cell that names tests.
type testedRow struct {
	what, tests string
}

// testedRows returns the rows of a page whose tables have this head; each has three cells, the last of them names tests.
func testedRows(t *testing.T, file, head string) (rows []testedRow) {
	t.Helper()
	for line := range strings.Lines(page(t, file)) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || line == head {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		if len(cells) != 3 {
			t.Errorf("%s: no row of three cells: %s", file, line)
			continue
		}
		rows = append(rows, testedRow{what: cells[0], tests: cells[2]})
	}
	return rows
}

// namingProblems says what is wrong with a cell: it names tests that are there, or begins with one of the reasons
// why it names none.
func namingProblems(cell string, declares func(file, test string) bool, reasons ...string) (problems []string) {
	tests := namedTest.FindAllStringSubmatch(cell, -1)
	reason := slices.ContainsFunc(reasons, func(r string) bool { return strings.HasPrefix(cell, r) })
	if len(tests) == 0 && !reason {
		problems = append(problems, "names no test, and does not say why")
	}
	for _, n := range tests {
		if !declares(n[1], n[2]) {
			problems = append(problems, n[1]+" has no "+n[2])
		}
	}
	if n := len(testName.FindAllString(cell, -1)); n != len(tests) {
		problems = append(problems, "names a test without its file")
	}
	return problems
}

// declaredTests tells whether a file of the project declares a test.
func declaredTests(t *testing.T) func(file, test string) bool {
	sources := map[string]string{}
	return func(file, test string) bool {
		if _, read := sources[file]; !read {
			text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
			if err != nil {
				t.Error(err)
			}
			sources[file] = string(text)
		}
		return strings.Contains(sources[file], "\nfunc "+test+"(t *testing.T) {")
	}
}

func TestNamingProblems(t *testing.T) {
	declares := func(file, test string) bool { return file == "a/b_test.go" && test == "TestB" }
	for cell, want := range map[string][]string{
		"`a/b_test.go:TestB`":             nil,
		"`a/b_test.go:TestB`; open: more": nil,
		"open: why":                       nil,
		"not ours: why":                   nil,
		"nothing":                         {"names no test, and does not say why"},
		"`a/b_test.go:TestC`":             {"a/b_test.go has no TestC"},
		"`a/c_test.go:TestB`, `a/b_test.go:TestB`":    {"a/c_test.go has no TestB"},
		"`a/b_test.go:TestB`, TestC, `TestB` of more": {"names a test without its file"},
	} {
		if got := namingProblems(cell, declares, "open: ", "not ours: "); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", cell, got, want)
		}
	}
}
