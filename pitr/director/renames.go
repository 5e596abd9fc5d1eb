package director

import (
	"strings"
	"unicode/utf8"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/schema"
)

// renames are the rules of --rename: what has one name at the stop point gets another one on the
// target. A rule for a table comes before that of its schema.
type renames struct {
	fold  func(schema.Name) schema.Name
	rules []renameRule
}

// renameRule is a.t=b.u, or a=b with empty Name on both sides.
type renameRule struct {
	text     string
	from, to schema.Name
}

func (r renameRule) wholeSchema() bool { return r.from.Name == "" }

func renameFault(text, hint, format string, args ...any) error {
	return fault.New(fault.CodeUsage, fault.KindUsage, hint, "--rename "+strings.ReplaceAll(text, "%", "%%")+": "+format, args...)
}

// NewRenames reads the rules and refuses those that cannot be meant, whatever the backup holds.
// fold is how the source compares names.
func NewRenames(texts []string, fold func(schema.Name) schema.Name) (*renames, error) {
	r := &renames{fold: fold}
	from, to := map[schema.Name]string{}, map[schema.Name]string{}
	for _, text := range texts {
		rule, err := parseRename(text)
		if err != nil {
			return nil, err
		}
		if fold(rule.from) == fold(rule.to) {
			return nil, renameFault(text, "leave it out", "both names are the same")
		}
		if first, twice := from[fold(rule.from)]; twice {
			return nil, renameFault(text, "give each name once", "%s is renamed already, by %s", rule.from, first)
		}
		if first, twice := to[fold(rule.to)]; twice {
			return nil, renameFault(text, "give each its own new name", "%s is the new name of %s already", rule.to, first)
		}
		from[fold(rule.from)], to[fold(rule.to)] = text, text
		r.rules = append(r.rules, rule)
	}
	for _, rule := range r.rules {
		if other, both := from[fold(rule.to)]; both {
			return nil, renameFault(rule.text, "rename in two restores, or choose a name that is nobody's", "%s is an old name too, of %s: nothing is made under an old name", rule.to, other)
		}
		if other, both := from[fold(schema.Name{Schema: rule.to.Schema})]; both && !rule.wholeSchema() {
			return nil, renameFault(rule.text, "choose a schema that is not renamed itself", "schema %s is an old name too, of %s: nothing is made under an old name", rule.to.Schema, other)
		}
		for _, n := range []schema.Name{rule.from, rule.to} {
			// Whatever the source's rule: no server takes another spelling for a schema of its own.
			if schema.IsSystem(n.Schema, true) {
				return nil, renameFault(rule.text, "choose another schema", "%s is a schema of the server itself", n.Schema)
			}
		}
	}
	return r, nil
}

// parseRename reads one rule.
func parseRename(text string) (renameRule, error) {
	const hint = "write schema.table=schema.table or schema=schema, with backticks around a name that holds a dot or an equals sign"
	rule := renameRule{text: text}
	rest := text
	for i, into := range []*schema.Name{&rule.from, &rule.to} {
		if i == 1 {
			if !strings.HasPrefix(rest, "=") {
				return rule, renameFault(text, hint, "want old=new")
			}
			rest = rest[1:]
		}
		var err error
		if into.Schema, rest, err = renamePart(text, rest, hint); err != nil {
			return rule, err
		}
		if !strings.HasPrefix(rest, ".") {
			continue
		}
		if into.Name, rest, err = renamePart(text, rest[1:], hint); err != nil {
			return rule, err
		}
	}
	switch {
	case rest != "":
		return rule, renameFault(text, hint, "%q is left over", rest)
	case (rule.from.Name == "") != (rule.to.Name == ""):
		return rule, renameFault(text, hint, "one side is a schema, the other a table")
	}
	return rule, nil
}

// longestName is how many characters any name of a server has at most.
const longestName = 64

// renamePart reads one name up to a dot, an equals sign or the end.
func renamePart(text, s, hint string) (name, rest string, err error) {
	if strings.HasPrefix(s, "`") {
		end := 1
		for end < len(s) && (s[end] != '`' || end+1 < len(s) && s[end+1] == '`') {
			if s[end] == '`' {
				end++
			}
			end++
		}
		if end >= len(s) {
			return "", "", renameFault(text, hint, "a backtick is not closed")
		}
		name, rest = strings.ReplaceAll(s[1:end], "``", "`"), s[end+1:]
	} else {
		end := strings.IndexAny(s, ".=")
		if end < 0 {
			end = len(s)
		}
		name, rest = s[:end], s[end:]
		if strings.ContainsAny(name, "*?") {
			return "", "", renameFault(text, "give every name in full", "%s is a pattern: it says nothing about the new name", name)
		}
	}
	switch {
	case name == "":
		return "", "", renameFault(text, hint, "a name is empty")
	case utf8.RuneCountInString(name) > longestName:
		return "", "", renameFault(text, "choose a shorter name", "%s has %d characters, a server takes %d", name, utf8.RuneCountInString(name), longestName)
	case strings.HasSuffix(name, " "), strings.ContainsRune(name, 0):
		return "", "", renameFault(text, "choose another name", "no server takes the name %q", name)
	}
	return name, rest, nil
}

// rule returns the rule that holds for a table, nil for none.
func (r *renames) rule(n schema.Name) *renameRule {
	var whole *renameRule
	for i := range r.rules {
		rule := &r.rules[i]
		switch {
		case rule.wholeSchema() && r.fold(schema.Name{Schema: n.Schema}) == r.fold(rule.from):
			whole = rule
		case !rule.wholeSchema() && r.fold(n) == r.fold(rule.from):
			return rule
		}
	}
	return whole
}

// table is the new name of a table.
func (r *renames) table(n schema.Name) schema.Name {
	rule := r.rule(n)
	switch {
	case rule == nil:
		return n
	case rule.wholeSchema():
		return schema.Name{Schema: rule.to.Schema, Name: n.Name}
	}
	return rule.to
}

// schema is the new name of a schema, and of everything in it that is no table.
func (r *renames) schema(name string) string {
	for _, rule := range r.rules {
		if rule.wholeSchema() && r.fold(schema.Name{Schema: name}) == r.fold(rule.from) {
			return rule.to.Schema
		}
	}
	return name
}

// object is the new name of a view, routine, trigger or event.
func (r *renames) object(n schema.Name) schema.Name {
	return schema.Name{Schema: r.schema(n.Schema), Name: n.Name}
}
