package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tripod-db/tripod"

// everything stands in the table for a package that may import all others.
const everything = "everything"

// testOnly are packages that every package's tests may import, and that only tests, cmd and tests/ do.
var testOnly = []string{"internal/mysqltest", "storage/file", "storage/storagetest", "tests/truth"}

// importTable is the table of ARCHITECTURE.md: package -> what it may import. Paths are relative to the module.
type importTable map[string][]string

func readTable(text string) (importTable, error) {
	table := make(importTable)
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "`") {
			continue
		}
		may := []string{}
		for name := range strings.SplitSeq(cells[2], ",") {
			if name = strings.Trim(strings.TrimSpace(name), "`"); name != "-" {
				may = append(may, name)
			}
		}
		for name := range strings.SplitSeq(cells[0], ",") {
			table[strings.Trim(strings.TrimSpace(name), "`")] = may
		}
	}
	for of, may := range table {
		for _, name := range may {
			if _, known := table[name]; !known && name != everything {
				return nil, fmt.Errorf("the row of %s names %s, which has no row", of, name)
			}
		}
	}
	if len(table) < 10 {
		return nil, fmt.Errorf("only %d rows: is the table | package | duty | may import | still there?", len(table))
	}
	return table, nil
}

// open reports whether a package is open to all above it: what is in internal (servers for tests apart), and the two
// packages that hold everybody's words.
func open(name string) bool {
	return strings.HasPrefix(name, "internal/") && name != "internal/mysqltest" || name == "binlog" || name == "storage"
}

// above reports whether an open package is beneath name. internal/fault is beneath all, internal beneath all outside it,
// binlog and storage beneath all but internal and each other.
func above(name, beneath string) bool {
	switch {
	case name == beneath:
		return false
	case beneath == "internal/fault":
		return true
	case strings.HasPrefix(name, "internal/"):
		return false
	case strings.HasPrefix(beneath, "internal/"):
		return true
	default:
		return name != "binlog" && name != "storage"
	}
}

// allowed returns, sorted, what name may import according to the table: what its row names, what those may import in
// turn, and the open packages beneath it.
func (t importTable) allowed(name string) []string {
	if slices.Contains(t[name], everything) {
		return slices.Sorted(maps.Keys(t))
	}
	found := make(map[string]bool)
	var follow func(string)
	follow = func(from string) {
		for _, to := range t[from] {
			if !found[to] {
				found[to] = true
				follow(to)
			}
		}
	}
	follow(name)
	for other := range t {
		if open(other) && above(name, other) {
			found[other] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// goPackage is what is read of `go list -json`.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// rowOf returns the row that holds for a package: its own, or tests for what lies in that folder.
func (t importTable) rowOf(name string) (string, bool) {
	if strings.HasPrefix(name, "tests/") {
		name = "tests"
	}
	_, has := t[name]
	return name, has
}

// violations returns one line for every import that the table does not allow, and for every package without a row.
// Programs under scripts have no row and may import nothing of ours.
func (t importTable) violations(packages []goPackage) (lines []string) {
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		row, has := t.rowOf(name)
		if !has && !strings.HasPrefix(name, "scripts/") {
			lines = append(lines, name+" has no row in the table")
			continue
		}
		if slices.Contains(t[row], everything) {
			continue
		}
		may := t.allowed(row)
		inTests := slices.Concat(may, testOnly, []string{name})
		check := func(what string, imports, may []string) {
			for _, imported := range imports {
				relative, ours := strings.CutPrefix(imported, module+"/")
				if ours && !slices.Contains(may, relative) {
					lines = append(lines, fmt.Sprintf("%s %s %s, its row allows: %s", name, what, relative, strings.Join(may, ", ")))
				}
			}
		}
		check("imports", p.Imports, may)
		check("imports in its tests", p.TestImports, inTests)
		check("imports in its tests", p.XTestImports, inTests)
	}
	return lines
}

func loadTable(t *testing.T) importTable {
	t.Helper()
	text, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := readTable(string(text))
	if err != nil {
		t.Fatalf("read the table of ARCHITECTURE.md: %v", err)
	}
	return table
}

func listPackages(t *testing.T) (packages []goPackage) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "../...")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func TestImportsAreThoseOfArchitectureMD(t *testing.T) {
	table, packages := loadTable(t), listPackages(t)
	for _, line := range table.violations(packages) {
		t.Error(line)
	}
	for name := range table {
		exists := slices.ContainsFunc(packages, func(p goPackage) bool {
			return p.ImportPath == module+"/"+name || strings.HasPrefix(p.ImportPath, module+"/"+name+"/")
		})
		if !exists {
			t.Errorf("%s has a row but no code", name)
		}
	}
}

func TestViolationsAreFound(t *testing.T) {
	table := loadTable(t)
	ours := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, module+"/"+name)
		}
		return paths
	}
	for _, c := range []struct {
		what string
		p    goPackage
		want string
	}{
		{"across", goPackage{ImportPath: module + "/dumper", Imports: ours("pitr")}, "dumper imports pitr"},
		{"upward", goPackage{ImportPath: module + "/binlog/event", Imports: ours("binlog", "dumper")}, "binlog/event imports dumper"},
		{"a leaf", goPackage{ImportPath: module + "/internal/schema", Imports: ours("binlog")}, "internal/schema imports binlog"},
		{"servers for tests", goPackage{ImportPath: module + "/pitr", Imports: ours("internal/mysqltest")}, "pitr imports internal/mysqltest"},
		{"tests", goPackage{ImportPath: module + "/dumper", TestImports: ours("internal/mysqltest", "dumper", "pitr")}, "dumper imports in its tests pitr"},
		{"external tests", goPackage{ImportPath: module + "/dumper", XTestImports: ours("cmd/tripod")}, "dumper imports in its tests cmd/tripod"},
		{"no row", goPackage{ImportPath: module + "/helpers"}, "helpers has no row"},
		{"allowed in turn", goPackage{ImportPath: module + "/pitr", Imports: ours("binlog/segment", "internal/fault", "storage")}, ""},
		{"of others", goPackage{ImportPath: module + "/pitr", Imports: []string{"fmt", "golang.org/x/sync/errgroup"}}, ""},
	} {
		got := table.violations([]goPackage{c.p})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
