package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Pattern is a name as an operator gives it: schema or schema.object, with * and ? as globs,
// in backticks where a part holds a dot or one of these. Inside backticks nothing is a glob.
type Pattern struct {
	schema glob
	object glob // matches everything where only a schema was given
	whole  bool
	text   string
}

// ParsePattern reads a pattern.
func ParsePattern(s string) (Pattern, error) {
	first, rest, err := parseGlob(s)
	if err != nil {
		return Pattern{}, err
	}
	p := Pattern{schema: first, text: s, whole: true}
	if rest == "" {
		return p, nil
	}
	if rest[0] != '.' {
		return Pattern{}, fmt.Errorf("read name %q: want schema or schema.object", s)
	}
	p.whole = false
	if p.object, rest, err = parseGlob(rest[1:]); err != nil {
		return Pattern{}, err
	}
	if rest != "" {
		return Pattern{}, fmt.Errorf("read name %q: want schema or schema.object, with backticks around a part that holds a dot", s)
	}
	return p, nil
}

// String returns the pattern as given.
func (p Pattern) String() string { return p.text }

// WholeSchema tells whether the pattern names schemas rather than objects in them.
func (p Pattern) WholeSchema() bool { return p.whole }

// Match tells whether an object is meant. fold: names are compared without case, as with
// lower_case_table_names other than 0.
func (p Pattern) Match(n Name, fold bool) bool {
	return p.schema.match(n.Schema, fold) && (p.whole || p.object.match(n.Name, fold))
}

// MatchSchema tells whether a schema, or an object in it, is meant.
func (p Pattern) MatchSchema(name string, fold bool) bool { return p.schema.match(name, fold) }

// Exact returns the only name that the pattern means; without wildcards it means one. Of a whole
// schema Name is empty.
func (p Pattern) Exact() (n Name, ok bool) {
	if n.Schema, ok = p.ExactSchema(); !ok || !p.whole && p.object.wild() {
		return Name{}, false
	}
	if !p.whole {
		n.Name = p.object.literal()
	}
	return n, true
}

// ExactSchema returns the only schema that the pattern means, or means something in.
func (p Pattern) ExactSchema() (name string, ok bool) {
	if p.schema.wild() {
		return "", false
	}
	return p.schema.literal(), true
}

// glob is a sequence of literal characters and wildcards.
type glob []globPart

func (g glob) wild() bool {
	return slices.ContainsFunc(g, func(p globPart) bool { return p.kind != literal })
}

func (g glob) literal() string {
	text := make([]rune, len(g))
	for i, p := range g {
		text[i] = p.char
	}
	return string(text)
}

type globPart struct {
	char rune
	kind globKind
}

type globKind int

const (
	literal  globKind = iota
	one               // ?
	wildcard          // *
)

// parseGlob reads up to a dot outside of backticks, or the end.
func parseGlob(s string) (g glob, rest string, err error) {
	if strings.HasPrefix(s, "`") {
		body := s[1:]
		for i := 0; i < len(body); i++ {
			if body[i] != '`' {
				continue
			}
			if i+1 < len(body) && body[i+1] == '`' {
				i++
				continue
			}
			for _, c := range strings.ReplaceAll(body[:i], "``", "`") {
				g = append(g, globPart{char: c})
			}
			return nonEmpty(g, s, body[i+1:])
		}
		return nil, "", fmt.Errorf("read name %q: a backtick is not closed", s)
	}
	end := strings.IndexByte(s, '.')
	if end < 0 {
		end = len(s)
	}
	for _, c := range s[:end] {
		part := globPart{char: c}
		switch c {
		case '*':
			part.kind = wildcard
		case '?':
			part.kind = one
		}
		g = append(g, part)
	}
	return nonEmpty(g, s, s[end:])
}

func nonEmpty(g glob, s, rest string) (glob, string, error) {
	if len(g) == 0 {
		return nil, "", fmt.Errorf("read name %q: a part is empty", s)
	}
	return g, rest, nil
}

func (g glob) match(name string, fold bool) bool {
	if fold {
		name = strings.ToLower(name)
	}
	text := []rune(name)
	// The usual walk with one point to come back to: the last * and where it began to match.
	i, j, star, mark := 0, 0, -1, 0
	for j < len(text) {
		switch {
		case i < len(g) && g[i].kind == wildcard:
			star, mark = i, j
			i++
		case i < len(g) && g[i].matches(text[j], fold):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(g) && g[i].kind == wildcard {
		i++
	}
	return i == len(g)
}

func (p globPart) matches(c rune, fold bool) bool {
	if p.kind == one {
		return true
	}
	if fold {
		return strings.ToLower(string(p.char)) == string(c)
	}
	return p.char == c
}

// Patterns prints names as the flags of a command line take them, so that they mean these names alone:
// with backticks around a part that holds a dot, a comma or a wildcard, and in a shell's quotes where one needs them.
func Patterns(names ...Name) string {
	list := make([]string, len(names))
	for i, n := range names {
		if list[i] = patternPart(n.Schema); n.Name != "" {
			list[i] += "." + patternPart(n.Name)
		}
	}
	text := strings.Join(list, ",")
	if !strings.ContainsFunc(text, shellReads) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func patternPart(s string) string {
	if strings.ContainsAny(s, ".,`*?") {
		return Quote(s)
	}
	return s
}

// shellReads tells whether a character may mean something to a shell.
func shellReads(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.,+:@%/", r)
}
