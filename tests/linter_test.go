package tests

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

var writeRules = flag.Bool("write-rules", false, "write the import table of ARCHITECTURE.md into .golangci.yml before comparing them")

// depguardRule is one rule of the linter's settings.
type depguardRule struct {
	ListMode string   `yaml:"list-mode"`
	Files    []string `yaml:"files"`
	Allow    []string `yaml:"allow"`
	Deny     []struct {
		Package string `yaml:"pkg"`
	} `yaml:"deny"`
}

func (r depguardRule) equal(name string, allow []string) bool {
	var got []string
	for _, pattern := range r.Allow {
		got = append(got, strings.TrimSuffix(strings.TrimPrefix(pattern, module+"/"), "$"))
	}
	slices.Sort(got)
	return slices.Equal(got, allow) && slices.Equal(r.Files, []string{"**/" + name + "/*.go"}) &&
		r.ListMode == "lax" && len(r.Deny) == 1 && r.Deny[0].Package == module
}

// allowedWithTests returns what the linter lets the files of a package import, tests among them. Other rules keep
// testOnly out of what is no test.
func (t importTable) allowedWithTests(name string) []string {
	list := slices.Concat(t.allowed(name), testOnly, []string{name}) // its external tests import it
	slices.Sort(list)
	return slices.Compact(list)
}

// rows returns the names, sorted, that the linter holds to the table.
func (t importTable) rows() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t)), func(name string) bool {
		return slices.Contains(t[name], everything)
	})
}

const linterSettings = "../.golangci.yml"

func TestDepguardHoldsTheTableOfArchitectureMD(t *testing.T) {
	table := loadTable(t)
	if *writeRules {
		if err := table.writeRules(linterSettings); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(linterSettings)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Enable   []string
			Settings struct {
				Depguard struct{ Rules map[string]depguardRule }
			}
		}
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(config.Linters.Enable, "depguard") {
		t.Error("depguard is not enabled")
	}
	rules := config.Linters.Settings.Depguard.Rules
	const remedy = "go test ./tests -run Depguard -write-rules mends that"
	for _, name := range table.rows() {
		if allow := table.allowedWithTests(name); !rules[ruleName(name)].equal(name, allow) {
			t.Errorf("the rule of %s in .golangci.yml is not the row of ARCHITECTURE.md; %s; it should be:\n%s", name, remedy, renderRule(name, allow))
		}
	}
	for name, rule := range rules {
		if len(rule.Files) == 1 && strings.HasSuffix(rule.Files[0], "/*.go") {
			folder := path.Dir(strings.TrimPrefix(rule.Files[0], "**/"))
			if _, has := table[folder]; !has {
				t.Errorf("rule %s in .golangci.yml is for %s, which has no row in ARCHITECTURE.md; %s", name, folder, remedy)
			}
		}
	}
}

// The rules made from the table stand between these two in .golangci.yml.
const (
	rulesBegin = "        # A test compares these rules with the table and prints what they should be.\n"
	rulesEnd   = "  exclusions:\n"
)

// writeRules replaces the rules made from the table.
func (t importTable) writeRules(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, hasBegin := strings.Cut(string(text), rulesBegin)
	_, after, hasEnd := strings.Cut(rest, rulesEnd)
	if !hasBegin || !hasEnd {
		return fmt.Errorf("%s has no %q before %q", file, rulesBegin, rulesEnd)
	}
	var rules strings.Builder
	for _, name := range t.rows() {
		rules.WriteString(renderRule(name, t.allowedWithTests(name)))
	}
	// The denial is the same for all: the first rule spells it, the others refer to it.
	denial := "deny: &ours\n            - pkg: " + module + "\n              desc: not in this package's row of ARCHITECTURE.md"
	spelled := strings.Replace(rules.String(), "deny: *ours", denial, 1)
	return os.WriteFile(file, []byte(before+rulesBegin+spelled+rulesEnd+after), 0o644)
}

func ruleName(name string) string { return strings.ReplaceAll(name, "/", "-") }

// renderRule writes a rule as it should stand in .golangci.yml.
func renderRule(name string, allow []string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "        %s:\n          list-mode: lax\n          files: [\"**/%s/*.go\"]\n          deny: *ours\n          allow:\n",
		ruleName(name), name)
	for _, other := range allow {
		fmt.Fprintf(&text, "            - %s/%s$\n", module, other)
	}
	return text.String()
}
