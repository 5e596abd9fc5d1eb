package truth

import (
	"maps"
	"slices"
	"strings"
)

// Part is what a restore of some tables alone has to make: names gives their names on the source,
// as schema.table, and on the target, in the same schema. Of triggers only those of tables that
// keep their names are compared: the text of the others names its table.
func (t *Truth) Part(names map[string]string) *Truth {
	p := newTruth()
	for from, to := range names {
		p.rows[to] = t.rows[from]
		if c := t.collations[from]; c != "" {
			p.collations[to] = c
		}
		if c, counts := t.counters[from]; counts {
			p.counters[to] = c
		}
		p.objects["table "+to] = renamedText(t.objects["table "+from], names)
		if from != to {
			continue
		}
		schema, table, _ := strings.Cut(from, ".")
		for k, text := range t.objects {
			if strings.HasPrefix(k, "trigger "+schema+".") && strings.Contains(text, "\non "+table+" order ") {
				p.objects[k] = text
			}
		}
	}
	return p
}

// renamedText is a definition behind RENAME TABLE of all names.
func renamedText(text string, names map[string]string) string {
	var pairs []string
	for from, to := range names {
		schema, old, _ := strings.Cut(from, ".")
		_, name, _ := strings.Cut(to, ".")
		old, name = doubled(old), doubled(name)
		parent := "REFERENCES `" + schema + "`.`" // of a child in another schema
		pairs = append(pairs, parent+old+"` (", parent+name+"` (")
		for _, around := range [][2]string{{"CREATE TABLE `", "` ("}, {"REFERENCES `", "` ("}, {"CONSTRAINT `", "_chk_"}, {"CONSTRAINT `", "_ibfk_"}} {
			pairs = append(pairs, around[0]+old+around[1], around[0]+name+around[1])
		}
	}
	return sortedChecks(strings.NewReplacer(pairs...).Replace(text))
}

// sortedChecks puts the checks of a definition in the order of their names, in which MySQL shows them.
func sortedChecks(text string) string {
	lines := strings.Split(text, "\n")
	first := slices.IndexFunc(lines, isCheck)
	if first < 0 {
		return text
	}
	end := first
	for end < len(lines) && isCheck(lines[end]) {
		end++
	}
	checks := lines[first:end]
	last := strings.HasSuffix(checks[len(checks)-1], ",")
	for i := range checks {
		checks[i] = strings.TrimSuffix(checks[i], ",")
	}
	slices.SortStableFunc(checks, func(a, b string) int { return strings.Compare(checkName(a), checkName(b)) })
	for i := range checks {
		if i < len(checks)-1 || last {
			checks[i] += ","
		}
	}
	return strings.Join(lines, "\n")
}

// isCheck tells the line of a check in a definition.
func isCheck(line string) bool {
	return strings.HasPrefix(line, "  CONSTRAINT `") && strings.Contains(line, "` CHECK (")
}

func checkName(line string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(line, "  CONSTRAINT `"), "` CHECK (")
	return strings.ToLower(name)
}

// doubled is a name as it stands between backticks.
func doubled(name string) string { return strings.ReplaceAll(name, "`", "``") }

// WithoutSchemas leaves out what schemas are like: a restore of tables alone makes those that it needs.
func (t *Truth) WithoutSchemas() *Truth {
	p := *t
	p.objects = maps.Clone(t.objects)
	maps.DeleteFunc(p.objects, func(k, _ string) bool { return strings.HasPrefix(k, "schema ") })
	return &p
}

// WithoutTriggersOf leaves out the triggers of tables, given as schema.table.
func (t *Truth) WithoutTriggersOf(tables ...string) *Truth {
	p := *t
	p.objects = maps.Clone(t.objects)
	for _, n := range tables {
		schema, table, _ := strings.Cut(n, ".")
		maps.DeleteFunc(p.objects, func(k, text string) bool {
			return strings.HasPrefix(k, "trigger "+schema+".") && strings.Contains(text, "\non "+table+" order ")
		})
	}
	return &p
}

// Loosen takes the rows of some tables from another truth, and returns how many of each differ.
func (t *Truth) Loosen(restored *Truth, tables map[string]bool) (loose *Truth, differ map[string]int) {
	p := *t
	p.rows = maps.Clone(t.rows)
	differ = map[string]int{}
	for n := range tables {
		differ[n] = len(minus(t.rows[n], restored.rows[n])) + len(minus(restored.rows[n], t.rows[n]))
		p.rows[n] = restored.rows[n]
	}
	return &p, differ
}
