package rewriter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// kind is a table of the window simulator: what the key and the unique values are made of.
type kind struct {
	name    string
	create  string
	columns []string // that statements write
	values  [][]string
	chunk   string // a column to cut chunks at, compared with chunkAt
	chunkAt string
	// caseless keys change by their case alone now and then (N4).
	caseless bool
}

// source and target are the names of the kind's tables.
func (k kind) source() string { return "src" + k.number() }
func (k kind) target() string { return "dst" + k.number() }

func (k kind) number() string {
	return fmt.Sprint(slices.IndexFunc(kinds, func(o kind) bool { return o.name == k.name }))
}

// begin makes the tables of all kinds. Every transaction touches beat, so that every one is logged.
func (s *simulator) begin(t *testing.T) {
	s.exec(t, "CREATE TABLE beat (n INT)")
	for _, k := range kinds {
		s.exec(t, "CREATE TABLE "+k.source()+" ("+k.create+")", "CREATE TABLE "+k.target()+" ("+k.create+")")
		s.tables[k.target()] = s.table(t, k.target(), k.target())
	}
}

var kinds = []kind{
	{"primary key", "id INT PRIMARY KEY, v INT", []string{"id", "v"},
		[][]string{{"0", "1", "2", "3", "4"}, {"0", "1", "2"}}, "id", "2", false},
	{"nullable unique key", "id INT PRIMARY KEY, u INT, v INT, UNIQUE (u)", []string{"id", "u", "v"},
		[][]string{{"0", "1", "2", "3"}, {"NULL", "0", "1", "2", "3"}, {"0", "1"}}, "id", "2", false},
	{"two unique keys", "id INT PRIMARY KEY, u INT NOT NULL, w INT NOT NULL, UNIQUE (u), UNIQUE (w)", []string{"id", "u", "w"},
		[][]string{{"0", "1", "2", "3"}, {"0", "1", "2", "3", "4"}, {"0", "1", "2", "3", "4"}}, "id", "2", false},
	{"case-insensitive keys", "id VARCHAR(3) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, u VARCHAR(3) COLLATE utf8mb4_general_ci UNIQUE, v INT", []string{"id", "u", "v"},
		[][]string{{"'a'", "'A'", "'b'", "'B'", "'ä'", "'c'"}, {"NULL", "'x'", "'X'", "'y'", "'y '"}, {"0", "1"}}, "id", "'b'", true},
	{"no primary key", "u INT NOT NULL UNIQUE, v INT", []string{"u", "v"},
		[][]string{{"0", "1", "2", "3"}, {"0", "1", "2"}}, "u", "2", false},
	{"composite key, overlapping unique key", "a INT, b INT, c INT, PRIMARY KEY (a,b), UNIQUE (b,c)", []string{"a", "b", "c"},
		[][]string{{"0", "1", "2"}, {"0", "1"}, {"0", "1", "2"}}, "a", "1", false},
	{"unique keys on generated columns", "id INT PRIMARY KEY, v INT, g INT AS (v DIV 2) UNIQUE, s INT AS (v+1) STORED UNIQUE", []string{"id", "v"},
		[][]string{{"0", "1", "2", "3"}, {"NULL", "0", "2", "4", "6"}}, "id", "2", false},
	{"values that are equal in the collation alone", "id VARCHAR(3) COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, u VARCHAR(3) COLLATE utf8mb4_unicode_ci UNIQUE, v INT", []string{"id", "u", "v"},
		[][]string{{"'ß'", "'ss'", "'SS'", "'é'", "'e'", "'e\u0301'"}, {"NULL", "'ß'", "'ss'", "'ﬁ'", "'fi'", "'x'"}, {"0", "1"}}, "id", "'f'", false},
	{"prefix unique key", "id INT PRIMARY KEY, s VARCHAR(6), UNIQUE (s(2))", []string{"id", "s"},
		[][]string{{"0", "1", "2", "3"}, {"NULL", "'aax'", "'aay'", "'bbx'", "'cc'"}}, "id", "2", false},
}

// simulator makes random histories in a real table and replays their windows into another.
type simulator struct {
	*bench
	r      *rand.Rand
	tables map[string]*Table // the targets
}

// history is one random history: the table after each of its transactions, and what was logged.
type history struct {
	kind   kind
	states [][][]string // after transaction i (0: before any), rows of literals
	logged []entry      // transaction i leads from state i to state i+1
}

// make runs transactions on the source. Statements may fail on duplicates; what is logged counts.
func (s *simulator) make(t *testing.T, k kind) history {
	s.exec(t, "DELETE FROM "+k.source())
	for range 1 + s.r.IntN(4) {
		s.exec(t, "INSERT IGNORE INTO "+k.source()+" ("+strings.Join(k.columns, ",")+") VALUES ("+s.row(k)+")")
	}
	s.mark(t)
	h := history{kind: k, states: [][][]string{s.state(t, k.columns, k.values, k.source())}}
	for range 4 + s.r.IntN(8) {
		s.exec(t, "START TRANSACTION")
		for range 1 + s.r.IntN(3) {
			s.change(t, k)
		}
		s.exec(t, "INSERT INTO beat VALUES (1)", "COMMIT")
		h.states = append(h.states, s.state(t, k.columns, k.values, k.source()))
	}
	if h.logged = s.transactions(t, k.source()); len(h.logged) != len(h.states)-1 {
		t.Fatalf("%d transactions logged, %d states", len(h.logged), len(h.states))
	}
	return h
}

func (s *simulator) row(k kind) string {
	values := make([]string, len(k.columns))
	for i, list := range k.values {
		values[i] = list[s.r.IntN(len(list))]
	}
	return strings.Join(values, ",")
}

// change is one random statement.
func (s *simulator) change(t *testing.T, k kind) {
	columns := strings.Join(k.columns, ",")
	i := s.r.IntN(len(k.columns))
	pick := func(i int) string { return k.values[i][s.r.IntN(len(k.values[i]))] }
	where := k.columns[0] + "=" + pick(0)
	if k.caseless && s.r.IntN(3) == 0 {
		s.exec(t, "UPDATE "+k.source()+" SET id=IF(CAST(id AS BINARY)=CAST(LOWER(id) AS BINARY), UPPER(id), LOWER(id)) WHERE "+where)
		return
	}
	statements := []string{
		"INSERT IGNORE INTO " + k.source() + " (" + columns + ") VALUES (" + s.row(k) + ")",
		"REPLACE INTO " + k.source() + " (" + columns + ") VALUES (" + s.row(k) + "),(" + s.row(k) + ")",
		"UPDATE IGNORE " + k.source() + " SET " + k.columns[i] + "=" + pick(i) + " WHERE " + where,
		"UPDATE IGNORE " + k.source() + " SET " + k.columns[0] + "=" + pick(0) + " WHERE " + where,
		"UPDATE IGNORE " + k.source() + " SET " + k.columns[0] + "=" + pick(0) + " ORDER BY " + k.columns[0] + " DESC LIMIT 1",
		"UPDATE IGNORE " + k.source() + " SET " + k.columns[len(k.columns)-1] + "=" + pick(len(k.columns)-1) + " WHERE " + where,
		"DELETE FROM " + k.source() + " WHERE " + where,
		"DELETE FROM " + k.source() + " WHERE " + k.columns[i] + "=" + pick(i),
	}
	s.exec(t, statements[s.r.IntN(len(statements))])
}

// state reads all rows as literals.
func (s *simulator) state(t *testing.T, columns []string, values [][]string, table string) [][]string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = "IF(" + c + " IS NULL,'NULL',CONCAT('x''',HEX(" + c + "),''''))"
		if !strings.Contains(strings.Join(values[i], ""), "'") {
			quoted[i] = "IFNULL(" + c + ",'NULL')"
		}
	}
	var list [][]string
	for _, row := range s.rows(t, "SELECT "+strings.Join(quoted, ",")+" FROM "+table+" ORDER BY "+strings.Join(quoted, ",")) {
		list = append(list, strings.Split(row, "|"))
	}
	return list
}

// window chooses low <= snapshots <= high, and makes the dump: one snapshot, or two chunks each at its own.
func (s *simulator) window(t *testing.T, h history) (low, high int, dump []string) {
	last := len(h.states) - 1
	low = s.r.IntN(last/2 + 1)
	high = last - s.r.IntN(last/2)
	at := func() int { return low + s.r.IntN(high-low+1) }
	snapshots := []int{at(), at()}
	if s.r.IntN(2) == 0 {
		snapshots[1] = snapshots[0]
	}
	column := slices.Index(h.kind.columns, h.kind.chunk)
	for chunk, snapshot := range snapshots {
		for _, row := range h.states[snapshot] {
			first := s.rows(t, "SELECT "+s.typed(h.kind, column, row[column])+" < "+s.typed(h.kind, column, h.kind.chunkAt))[0] == "1"
			if first == (chunk == 0) {
				dump = append(dump, "("+strings.Join(row, ",")+")")
			}
		}
	}
	s.r.Shuffle(len(dump), func(i, j int) { dump[i], dump[j] = dump[j], dump[i] })
	return low, high, dump
}

// typed makes a literal compare as its column does.
func (s *simulator) typed(k kind, column int, literal string) string {
	if !strings.Contains(literal, "'") {
		return literal
	}
	if strings.HasPrefix(literal, "x'") {
		literal = "CONVERT(" + literal + " USING utf8mb4)"
	}
	return literal + " COLLATE utf8mb4_0900_ai_ci"
}

// load puts a dump into the target table, as a restore does.
func (s *simulator) load(t *testing.T, k kind, dump []string) {
	s.exec(t, "DELETE FROM "+k.target())
	if len(dump) > 0 {
		s.exec(t, "REPLACE INTO "+k.target()+" ("+strings.Join(k.columns, ",")+") VALUES "+strings.Join(dump, ","))
	}
}

// replay applies logged changes by a rule and returns the target's rows and what went wrong.
func (s *simulator) replay(t *testing.T, k kind, dump []string, changes []Change, rule func(*Table, Change) []string) ([][]string, error) {
	s.load(t, k, dump)
	var list []string
	for _, c := range changes {
		list = append(list, rule(s.tables[k.target()], c)...)
	}
	if len(list) > 0 {
		if _, err := s.counts(t, strings.Join(list, ";")); err != nil {
			return nil, err
		}
	}
	return s.target(t, k), nil
}

func (s *simulator) target(t *testing.T, k kind) [][]string {
	return s.state(t, k.columns, k.values, k.target())
}

// literals renders parts of a change for the naive rules.
func literals(table *Table, c Change) (before, after, tuple, set string) {
	must := func(b []byte, err error) string {
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	if c.Before.Exists() {
		before = must(table.appendIdentityMatch(nil, c.Map, c.Before))
	}
	if c.After.Exists() {
		after = must(table.appendIdentityMatch(nil, c.Map, c.After))
		tuple = must(table.appendTuple(nil, c.Map, c.After))
		set = must(table.appendAssignments(nil, c.Map, c.After))
	}
	return before, after, tuple, set
}

// naive are obvious rules that lose or keep rows (fact 11.5). The test must see each of them fail:
// then it would see rule A fail, too.
var naive = map[string]func(*Table, Change) []string{
	"N1 REPLACE without deleting the old key": func(table *Table, c Change) []string {
		before, _, tuple, _ := literals(table, c)
		if !c.After.Exists() {
			return []string{table.deleteHead + before}
		}
		return []string{table.replaceHead + tuple}
	},
	"N2 INSERT IGNORE, UPDATE IGNORE, DELETE": func(table *Table, c Change) []string {
		before, _, tuple, set := literals(table, c)
		switch {
		case !c.Before.Exists():
			return []string{"INSERT IGNORE" + strings.TrimPrefix(table.insertHead, "INSERT") + tuple}
		case !c.After.Exists():
			return []string{table.deleteHead + before}
		}
		return []string{"UPDATE IGNORE" + strings.TrimPrefix(table.updateHead, "UPDATE") + set + " WHERE " + before}
	},
	"N4 REPLACE first, then delete the old key": func(table *Table, c Change) []string {
		before, _, tuple, _ := literals(table, c)
		if !c.After.Exists() {
			return []string{table.deleteHead + before}
		}
		list := []string{table.replaceHead + tuple}
		if c.Before.Exists() && !table.sameIdentity(c) {
			list = append(list, table.deleteHead+before)
		}
		return list
	},
}

// ruleA applies changes as the lanes do: through a Batch, neighbours joined.
func (s *simulator) ruleA(t *testing.T, k kind, dump []string, changes []Change) ([][]string, error) {
	s.load(t, k, dump)
	table, batch := s.tables[k.target()], new(Batch)
	for _, c := range changes {
		if err := batch.Add(table, Window, c, Origin{}); err != nil {
			return nil, err
		}
	}
	for statement := range batch.Statements(1 + s.r.IntN(2000)) {
		if _, err := s.counts(t, string(statement.SQL)); err != nil {
			return nil, fmt.Errorf("%s: %w", statement.SQL, err)
		}
	}
	return s.target(t, k), nil
}

// run replays one window by rule A and by the naive rules. It returns which naive rules failed.
func (s *simulator) run(t *testing.T, k kind, tryNaive bool) (failed []string) {
	h := s.make(t, k)
	low, high, dump := s.window(t, h)
	var changes []Change
	for i, e := range h.logged {
		if i >= low && i < high {
			changes = append(changes, e.changes...)
		}
	}
	want := h.states[high]
	got, err := s.ruleA(t, k, dump, changes)
	if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%s: rule A diverges: window (%d,%d], dump %v\n got %v (%v)\nwant %v", k.name, low, high, dump, got, err, want)
	}
	if !tryNaive {
		return nil
	}
	for name, rule := range naive {
		got, err := s.replay(t, k, dump, changes, rule)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			failed = append(failed, name)
		}
	}
	return failed
}

func newSimulator(t *testing.T) *simulator {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := &simulator{bench: newBench(t), r: rand.New(rand.NewPCG(seed, 0)), tables: map[string]*Table{}}
	s.begin(t)
	return s
}

// allFailed demands that each of the naive ways failed at least once: a test in which one does not
// would not see it in the code either.
func allFailed[V any](t *testing.T, naive map[string]V, failures map[string]int, histories int) {
	t.Helper()
	for name := range naive {
		t.Logf("%s: %d of %d histories diverge", name, failures[name], histories)
		if failures[name] == 0 {
			t.Errorf("%s never failed", name)
		}
	}
}

// TestRuleAConverges replays the windows of random histories of real tables (fact 11): rule A
// leads to the source's rows every time, and each naive rule is seen to fail.
func TestRuleAConverges(t *testing.T) {
	const histories = 320
	s := newSimulator(t)
	failures := map[string]int{}
	for i := range histories {
		for _, name := range s.run(t, kinds[i%len(kinds)], true) {
			failures[name]++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	allFailed(t, naive, failures, histories)
}
