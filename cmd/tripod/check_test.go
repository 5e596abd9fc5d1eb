package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// idsIn returns the ids of findings that the Go files of a package make.
func idsIn(t *testing.T, folder string, patterns ...string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", folder, err)
	}
	ids := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range patterns {
			for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
				ids[found[1]] = true
			}
		}
	}
	return ids
}

// docs/checks.md lists the ids of all findings and no other.
func TestEveryFindingIsDocumented(t *testing.T) {
	want := []string{"source-binlog-do-db", "source-binlog-ignore-db"} // one place makes both
	for _, subject := range []string{"source", "target"} {
		want = append(want, subject+"-connect", subject+"-password", subject+"-failed")
	}
	for _, operation := range []string{"list", "put", "get", "stat", "put-if-absent", "delete", "failed", "missing", "works", "instance", "instances"} {
		want = append(want, "store-"+operation)
	}
	kebab := func(subject string, ids map[string]bool, without ...string) {
		for id := range ids {
			if !slices.Contains(without, id) {
				want = append(want, subject+"-"+strings.ReplaceAll(id, "_", "-"))
			}
		}
	}
	kebab("source", idsIn(t, "../../binlog/source", `\bID: +"([a-z_]+)"`, `\badd\(\w+, "([a-z_]+)", Level`))
	// Those that only a plan has: they are about one restore.
	kebab("target", idsIn(t, "../../pitr", `\bID: +"([a-z_]+)"`, `\badd\("([a-z_]+)", Level`),
		"existing", "unfinished", "collations", "schema", "manifest", "constraints", "users", "tablespaces", "encryption")
	slices.Sort(want)
	want = slices.Compact(want)

	text, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [a-z, ]+ \\| .+ \\|$").FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(listed)
	if !slices.Equal(listed, want) {
		t.Errorf("docs/checks.md lists\n%s\nand there are\n%s", strings.Join(listed, "\n"), strings.Join(want, "\n"))
	}
}
