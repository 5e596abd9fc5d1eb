package schema

import (
	"strings"
	"testing"
)

func TestPatternMatches(t *testing.T) {
	for _, c := range []struct {
		pattern string
		name    Name
		fold    bool
		want    bool
	}{
		{"a", Name{"a", "t"}, false, true},
		{"a", Name{"b", "t"}, false, false},
		{"a.t", Name{"a", "t"}, false, true},
		{"a.t", Name{"a", "t2"}, false, false},
		{"a.*", Name{"a", "anything"}, false, true},
		{"*.t?", Name{"x", "t1"}, false, true},
		{"*.t?", Name{"x", "t12"}, false, false},
		{"sh*op.*_log", Name{"shoop", "a_b_log"}, false, true},
		{"sh*op.*_log", Name{"shoop", "a_log_b"}, false, false},
		{"A.T", Name{"a", "t"}, false, false},
		{"A.T", Name{"a", "t"}, true, true},
		{"a.t", Name{"A", "T"}, true, true},
		{"`a.b`.`c``d`", Name{"a.b", "c`d"}, false, true},
		{"`a*`.t", Name{"abc", "t"}, false, false},
		{"`a*`.t", Name{"a*", "t"}, false, true},
		{"a.表?", Name{"a", "表名"}, false, true},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Fatalf("ParsePattern(%q): %v", c.pattern, err)
		}
		if got := p.Match(c.name, c.fold); got != c.want {
			t.Errorf("%q matches %v (fold %v): %v, want %v", c.pattern, c.name, c.fold, got, c.want)
		}
	}
}

func TestPatternRefusesWhatIsNoName(t *testing.T) {
	for _, s := range []string{"", ".", "a.", ".t", "a.b.c", "`a", "`a`b", "``.t"} {
		if p, err := ParsePattern(s); err == nil {
			t.Errorf("ParsePattern(%q) = %v, want an error", s, p)
		}
	}
}

func TestPatternExact(t *testing.T) {
	for pattern, want := range map[string]string{"a": "a", "a.t": "a.t", "`a.b`.`c?`": "a.b.c?", "a*": "", "a.*": "", "?.t": ""} {
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		n, ok := p.Exact()
		got := ""
		switch {
		case ok && p.WholeSchema():
			got = n.Schema
		case ok:
			got = n.String()
		}
		if got != want {
			t.Errorf("%s means %q, want %q", pattern, got, want)
		}
	}
}

// TestPatternsMeanTheirNames: what a hint prints can be given as it stands.
func TestPatternsMeanTheirNames(t *testing.T) {
	for _, c := range []struct {
		names []Name
		want  string
	}{
		{[]Name{{"shop", "orders"}}, "shop.orders"},
		{[]Name{{"shop", "orders"}, {"Ängste-2", "a_1"}}, "shop.orders,Ängste-2.a_1"},
		{[]Name{{"a.b", "c"}, {"d", "e,f"}}, "'`a.b`.c,d.`e,f`'"},
		{[]Name{{"d", "what?"}}, "'d.`what?`'"},
		{[]Name{{"d", "it's `so`"}}, "'d.`it'\\''s ``so```'"},
		{[]Name{{"d", "a b"}}, "'d.a b'"},
	} {
		if got := Patterns(c.names...); got != c.want {
			t.Errorf("%v: %s, want %s", c.names, got, c.want)
		}
	}
	for _, n := range []Name{{"a.b", "c"}, {"d", "e,f"}, {"d", "what?"}, {"d", "so``"}, {"d", "*"}, {"d", "a b"}} {
		p, err := ParsePattern(strings.Trim(Patterns(n), "'"))
		if err != nil {
			t.Fatal(err)
		}
		if exact, ok := p.Exact(); !ok || exact != n {
			t.Errorf("%v: %v, %v", n, exact, ok)
		}
	}
}
