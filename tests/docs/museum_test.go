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
	museumRow = regexp.MustCompile(`^\| (.+) \| (.+) \| (.+) \|\n$`)
	testName  = regexp.MustCompile(`\bTest[A-Z0-9]\w*`)
	namedTest = regexp.MustCompile("`([a-z0-9_/]+_test\\.go):(Test\\w+)`")
)

// museumProblems says what is wrong with what stands behind a peer's bug: it names tests that are
// there, or says why none is.
func museumProblems(here string, declares func(file, test string) bool) (problems []string) {
	tests := namedTest.FindAllStringSubmatch(here, -1)
	if len(tests) == 0 && !strings.HasPrefix(here, "open: ") && !strings.HasPrefix(here, "not ours: ") {
		problems = append(problems, "names no test, and does not say why")
	}
	for _, n := range tests {
		if !declares(n[1], n[2]) {
			problems = append(problems, n[1]+" has no "+n[2])
		}
	}
	if n := len(testName.FindAllString(here, -1)); n != len(tests) {
		problems = append(problems, "names a test without its file")
	}
	return problems
}

// TestMuseumNamesTestsThatAreThere: a test that is renamed or goes takes its line of museum.md along.
func TestMuseumNamesTestsThatAreThere(t *testing.T) {
	sources := map[string]string{}
	declares := func(file, test string) bool {
		if _, read := sources[file]; !read {
			text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
			if err != nil {
				t.Error(err)
			}
			sources[file] = string(text)
		}
		return strings.Contains(sources[file], "\nfunc "+test+"(t *testing.T) {")
	}
	rows := 0
	for line := range strings.Lines(page(t, "museum.md")) {
		if !strings.HasPrefix(line, "| ") || line == "| peer | what broke | here |\n" {
			continue
		}
		row := museumRow.FindStringSubmatch(line)
		if row == nil || strings.Count(line, " | ") != 2 {
			t.Errorf("no row of three cells: %s", line)
			continue
		}
		rows++
		for _, p := range museumProblems(row[3], declares) {
			t.Errorf("%s: %s", row[1], p)
		}
	}
	if rows < 80 {
		t.Errorf("the museum has %d rows", rows)
	}
}

func TestMuseumProblems(t *testing.T) {
	declares := func(file, test string) bool { return file == "a/b_test.go" && test == "TestB" }
	for here, want := range map[string][]string{
		"`a/b_test.go:TestB`":             nil,
		"`a/b_test.go:TestB`; open: more": nil,
		"open: why":                       nil,
		"not ours: why":                   nil,
		"nothing":                         {"names no test, and does not say why"},
		"`a/b_test.go:TestC`":             {"a/b_test.go has no TestC"},
		"`a/c_test.go:TestB`, `a/b_test.go:TestB`":    {"a/c_test.go has no TestB"},
		"`a/b_test.go:TestB`, TestC, `TestB` of more": {"names a test without its file"},
	} {
		if got := museumProblems(here, declares); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", here, got, want)
		}
	}
}
