package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	heading    = regexp.MustCompile("^##+ (.*)\n$")
	memberLine = regexp.MustCompile("^\\| `([^`]+)` \\| (.*) \\|\n$")
)

// sections are the tables of members of format.md, by the heading that they stand under.
func sections(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	section := ""
	for line := range strings.Lines(page(t, "format.md")) {
		if h := heading.FindStringSubmatch(line); h != nil {
			section = h[1]
			if section == "Segments" {
				section = "segment"
			}
		}
		if m := memberLine.FindStringSubmatch(line); m != nil {
			found[section] = append(found[section], m[1])
			if m[2] == "" {
				t.Errorf("format.md says nothing about %s of %s", m[1], section)
			}
		}
	}
	return found
}

func TestFormatNamesEveryMember(t *testing.T) {
	told := sections(t)
	for section, document := range documents {
		want := members(reflect.TypeOf(document))
		if got := told[section]; !slices.Equal(got, want) {
			for _, m := range want {
				if !slices.Contains(got, m) {
					t.Errorf("%s lacks a line for %s", section, m)
				}
			}
			for _, m := range got {
				if !slices.Contains(want, m) {
					t.Errorf("%s has a line for %s, which is no member", section, m)
				}
			}
			if !t.Failed() {
				t.Errorf("%s has its members in another order: %v", section, want)
			}
		}
	}
	for section := range told {
		if documents[section] == nil {
			t.Errorf("%s is a section, but no document", section)
		}
	}
}

var placeholder = regexp.MustCompile(`<[a-z]+>`)

// keyPatterns are the lines of the first block of format.md.
func keyPatterns(t *testing.T) []*regexp.Regexp {
	t.Helper()
	_, rest, _ := strings.Cut(page(t, "format.md"), "## Keys\n\n```\n")
	block, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("format.md has no block of keys")
	}
	var patterns []*regexp.Regexp
	for line := range strings.Lines(block) {
		text := placeholder.ReplaceAllString(regexp.QuoteMeta(strings.TrimSpace(line)), `[A-Za-z0-9_%~-]+`)
		patterns = append(patterns, regexp.MustCompile("^"+text+"$"))
	}
	return patterns
}

// checkKeys wants every object of a store to have a key that format.md has.
func checkKeys(t *testing.T, store string) {
	t.Helper()
	patterns := keyPatterns(t)
	used := make([]bool, len(patterns))
	err := filepath.WalkDir(store, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(store, path)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(key) })
		if i < 0 {
			t.Errorf("the store holds %s, which format.md does not have", key)
			return nil
		}
		used[i] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range patterns {
		// Holes, limits and asks are for bad days; the archiver of a short story may never meet a closed file, or a statement.
		if !used[i] && !regexp.MustCompile(`holes|limits|ask|index|definitions`).MatchString(p.String()) {
			t.Errorf("no object of the store is %s", p)
		}
	}
}
