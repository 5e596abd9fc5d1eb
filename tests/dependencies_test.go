package tests

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// goList runs go list and returns its lines.
func goList(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}

func TestEveryDirectDependencyHasItsLine(t *testing.T) {
	text, err := os.ReadFile("../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		if cell, found := strings.CutPrefix(line, "| `"); found {
			name, _, _ := strings.Cut(cell, "`")
			described[name] = false
		}
	}
	modules := goList(t, "-m", "-f", "{{.Path}}", "all")
	// The longest path in front of an import is its module.
	slices.SortFunc(modules, func(a, b string) int { return len(b) - len(a) })
	const imports = `{{join .Imports "\n"}}{{"\n"}}{{join .TestImports "\n"}}{{"\n"}}{{join .XTestImports "\n"}}`
	for _, imported := range goList(t, "-f", imports, "../...") {
		at := slices.IndexFunc(modules, func(path string) bool { return imported == path || strings.HasPrefix(imported, path+"/") })
		if at < 0 || modules[at] == module {
			continue // the standard library, or ours
		}
		if _, has := described[modules[at]]; !has {
			t.Errorf("%s (imported as %s) has no line in docs/dependencies.md", modules[at], imported)
		}
		described[modules[at]] = true
	}
	for name, used := range described {
		if !used {
			t.Errorf("%s has a line in docs/dependencies.md, but nothing imports it", name)
		}
	}
}
