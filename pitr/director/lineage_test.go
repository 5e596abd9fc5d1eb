package director

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A model of servers that hold tables: of each only what its rows and its definition come from.
type modelTable struct {
	rows       string // every insert that went into it
	definition string
}

type modelServer map[schema.Name]*modelTable

// modelHistory is a log of statements and inserts on a source.
type modelHistory struct {
	source modelServer
	log    []modelEntry
	n      int
}

type modelEntry struct {
	sql  string      // a statement, or
	into schema.Name // the table of an insert of the value n
	n    int
}

func modelName(s string) schema.Name { return schema.Name{Schema: s[:1], Name: s[2:]} }

var modelNames = []string{"d.a", "d.b", "d.c", "e.a", "e.x", "e.y"}

// step does something at random that a server would accept.
func (h *modelHistory) step(t *rapid.T) {
	names := slices.SortedFunc(maps.Keys(h.source), schema.Name.Compare)
	var free []schema.Name
	for _, s := range modelNames {
		if h.source[modelName(s)] == nil {
			free = append(free, modelName(s))
		}
	}
	pick := func(list []schema.Name, label string) schema.Name { return rapid.SampledFrom(list).Draw(t, label) }
	add := func(format string, args ...any) { h.log = append(h.log, modelEntry{sql: fmt.Sprintf(format, args...)}) }
	h.n++
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case len(names) == 0 || kind == 0 && len(free) > 0:
		n := pick(free, "new")
		h.source[n] = &modelTable{definition: fmt.Sprint("made", h.n)}
		add("CREATE TABLE %s (id INT PRIMARY KEY)", n.Quoted())
	case kind == 1 && len(free) > 0:
		n, like := pick(free, "new"), pick(names, "like")
		h.source[n] = &modelTable{definition: h.source[like].definition}
		add("CREATE TABLE %s LIKE %s", n.Quoted(), like.Quoted())
	case kind == 2 && len(free) > 0:
		from, to := pick(names, "from"), pick(free, "to")
		h.source[to] = h.source[from]
		delete(h.source, from)
		if rapid.Bool().Draw(t, "alter") {
			h.source[to].definition += fmt.Sprint(" renamed", h.n)
			add("ALTER TABLE %s RENAME TO %s, ADD COLUMN c%d INT", from.Quoted(), to.Quoted(), h.n)
		} else {
			add("RENAME TABLE %s TO %s", from.Quoted(), to.Quoted())
		}
	case kind == 3 && len(free) > 0 && len(names) > 1: // a swap, or a cycle of three
		a, b, tmp := pick(names, "a"), pick(names, "b"), pick(free, "tmp")
		if a == b {
			return
		}
		h.source[a], h.source[b] = h.source[b], h.source[a]
		add("RENAME TABLE %s TO %s, %s TO %s, %s TO %s", a.Quoted(), tmp.Quoted(), b.Quoted(), a.Quoted(), tmp.Quoted(), b.Quoted())
	case kind == 4 && len(names) > 1:
		a, b := pick(names, "a"), pick(names, "b")
		if a == b {
			return
		}
		h.source[a].rows, h.source[b].rows = h.source[b].rows, h.source[a].rows
		add("ALTER TABLE %s EXCHANGE PARTITION p WITH TABLE %s", a.Quoted(), b.Quoted())
	case kind == 5:
		a, b := pick(names, "a"), pick(names, "b")
		delete(h.source, a)
		delete(h.source, b)
		add("DROP TABLE IF EXISTS %s, %s, d.nothing", a.Quoted(), b.Quoted())
		if a == b {
			h.log[len(h.log)-1].sql = "DROP TABLE " + a.Quoted()
		}
	case kind == 6:
		n := pick(names, "alter")
		h.source[n].definition += fmt.Sprint(" altered", h.n)
		add("ALTER TABLE %s ADD COLUMN c%d INT", n.Quoted(), h.n)
	case kind == 7 && h.n%5 == 0:
		for _, n := range names {
			if n.Schema == "e" {
				delete(h.source, n)
			}
		}
		add("DROP DATABASE e")
		add("CREATE DATABASE e CHARACTER SET latin1")
	default:
		n := pick(names, "insert")
		h.source[n].rows += fmt.Sprint(" ", h.n)
		h.log = append(h.log, modelEntry{into: n, n: h.n})
	}
}

// modelTarget carries out what a director says, and knows nothing else.
type modelTarget struct {
	modelServer
	*Director
}

func (m modelTarget) play(t *rapid.T, log []modelEntry) {
	for i, e := range log {
		start := at(uint64(1000 + i))
		if e.sql == "" {
			if n, ok := m.RowTable(e.into); ok {
				if m.modelServer[n] == nil {
					t.Fatalf("an insert into %s, which is not there", n)
				}
				m.modelServer[n].rows += fmt.Sprint(" ", e.n)
			}
			continue
		}
		v, err := m.statement(start, &event.Query{Schema: "d", SQL: []byte(e.sql)})
		if err != nil {
			t.Fatalf("%s: %v", e.sql, err)
		}
		for _, x := range v.Executions {
			m.execute(t, &x, e.sql)
		}
	}
}

// execute does what the tables of an execution say; the text has to name them.
func (m modelTarget) execute(t *rapid.T, x *Execution, sql string) {
	for _, list := range [][]schema.Name{x.Created, x.Dropped, x.Altered, x.Truncated} {
		for _, n := range list {
			if !strings.Contains(x.Text, n.Quoted()) {
				t.Fatalf("%q does not name %s", x.Text, n)
			}
		}
	}
	number := func(word string) string {
		_, rest, _ := strings.Cut(sql, " c")
		digits, _, _ := strings.Cut(rest, " INT")
		return " " + word + digits
	}
	for _, n := range x.Created {
		if m.modelServer[n] != nil {
			t.Fatalf("%s is there already: %s", n, x.Text)
		}
		m.modelServer[n] = &modelTable{}
		if x.Copied {
			m.modelServer[n].definition = m.modelServer[x.Source].definition
		}
	}
	for _, n := range append(slices.Clone(x.Dropped), x.Truncated...) {
		if m.modelServer[n] == nil {
			t.Fatalf("%s is not there: %s", n, x.Text)
		}
	}
	for _, n := range x.Dropped {
		delete(m.modelServer, n)
	}
	for _, n := range x.Truncated {
		m.modelServer[n].rows = ""
	}
	switch {
	case len(x.Altered) == 2:
		a, b := m.modelServer[x.Altered[0]], m.modelServer[x.Altered[1]]
		a.rows, b.rows = b.rows, a.rows
	case len(x.Altered) == 1 && strings.Contains(sql, "RENAME TO"):
		m.modelServer[x.Altered[0]].definition += number("renamed")
	case len(x.Altered) == 1:
		m.modelServer[x.Altered[0]].definition += number("altered")
	}
	if len(x.Renamed) > 0 {
		t.Fatalf("a part renames on the target: %s", x.Text)
	}
}

// Whatever was renamed, swapped, exchanged, copied and dropped: a part of the tables holds at the
// stop point what the source holds, and on the way nothing but what it needs.
func TestR8R11LineageOfRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &catalog.Manifest{ID: "b", Source: catalog.SourceFacts{Flavor: "mysql", Version: "9.7.4"}}
		m.Floor.Position, m.RecoverableFrom.Position = at(100), at(100)
		h := &modelHistory{source: modelServer{}}
		for _, s := range modelNames[:rapid.IntRange(0, len(modelNames)-1).Draw(t, "tables")] {
			n := modelName(s)
			h.source[n] = &modelTable{rows: " " + s, definition: s}
			m.Names = append(m.Names, catalog.NameBase{Name: n, Base: catalog.BaseRead, Class: "keyed", Statements: between(100, 100), Definition: between(100, 100), Rows: between(100, 100)})
		}
		for _, s := range []string{"d", "e"} {
			m.Schemas = append(m.Schemas, catalog.SchemaBase{Name: s, Exists: true, Charset: "utf8mb4", Collation: "utf8mb4_bin", Window: between(100, 100)})
		}
		begun := modelServer{}
		for n, table := range h.source {
			copied := *table
			begun[n] = &copied
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			h.step(t)
		}
		names := slices.SortedFunc(maps.Keys(h.source), schema.Name.Compare)
		if len(names) == 0 {
			return
		}
		wish := Scope{}
		for _, n := range names {
			if rapid.Bool().Draw(t, "wanted") || len(wish.Selection.Tables) == 0 {
				wish.Selection.Tables = append(wish.Selection.Tables, n.String())
				if rapid.IntRange(0, 3).Draw(t, "rename") == 0 {
					wish.Rename = append(wish.Rename, fmt.Sprintf("%s=f.%s_%s", n, n.Schema, n.Name))
				}
			}
		}
		checkPart(t, m, h, begun, wish)
	})
}

// checkPart surveys, plays and compares.
func checkPart(t *rapid.T, m *catalog.Manifest, h *modelHistory, begun modelServer, wish Scope) {
	renames, err := NewRenames(wish.Rename, foldOf(m))
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(m, wish, &Part{renames: renames})
	if err != nil {
		t.Fatal(err)
	}
	d.trail = &trail{}
	modelTarget{modelServer{}, d}.play(t, h.log)
	p, err := (&survey{Director: d, manifest: m}).part()
	if err != nil {
		t.Fatal(err)
	}
	if d, err = New(m, wish, p); err != nil {
		t.Fatal(err)
	}
	target := modelTarget{modelServer{}, d}
	for _, l := range d.Loads(m) {
		loaded := &modelTable{definition: begun[l.NameBase.Name].definition}
		if _, rows := d.RowTable(l.NameBase.Name); rows {
			loaded.rows = begun[l.NameBase.Name].rows
		}
		target.modelServer[l.OnTarget] = loaded
	}
	target.play(t, h.log)
	wanted := 0
	for id, member := range p.Members {
		if !member.Wanted() {
			continue
		}
		wanted++
		source, got := h.source[d.lives.now[id]], target.modelServer[member.Working]
		if got == nil || got.rows != source.rows || !sameDefinition(got.definition, source.definition) {
			t.Errorf("%s is %+v, on the source %+v", member.Final, got, source)
		}
		if member.Working != member.Final && !strings.HasPrefix(member.Working.Name, PrivatePrefix) {
			t.Errorf("%s lives as %s", member.Final, member.Working)
		}
	}
	if wanted != len(wish.Selection.Tables) || len(target.modelServer) != wanted {
		t.Errorf("%d of %d tables were found; on the target are %v", wanted, len(wish.Selection.Tables), slices.Collect(maps.Keys(target.modelServer)))
	}
}

// sameDefinition compares what a definition became; the target model does not see what a CREATE makes.
func sameDefinition(got, source string) bool {
	if strings.HasPrefix(source, "made") {
		_, source, _ = strings.Cut(source, " ")
	}
	return strings.TrimSpace(got) == strings.TrimSpace(source)
}
