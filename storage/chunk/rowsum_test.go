package chunk

import (
	"testing"

	"pgregory.net/rapid"
)

func sumOf(l Load, pieces ...string) RowSum {
	s := NewRowSummer(l)
	for _, p := range pieces {
		_, _ = s.Write([]byte(p))
	}
	return s.Sum()
}

// TestRowSumHasNoOrder: the sum is that of the set of lines, however they are ordered and cut; any
// other set has another one.
func TestRowSumHasNoOrder(t *testing.T) {
	l := Load{Columns: []LoadColumn{{Name: "a"}, {Name: "j", Through: Text}}}
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-c]{0,3}\t(\\N|\[[0-9]{1,3}(\.[0-9]{1,3})?, "x[0-9]"\])\n`), 0, 8).Draw(t, "lines")
		text := ""
		for _, line := range rapid.Permutation(lines).Draw(t, "order") {
			text += line
		}
		cut := rapid.IntRange(0, len(text)).Draw(t, "cut")
		whole := sumOf(l, lines...)
		if got := sumOf(l, text[:cut], text[cut:]); got != whole || got.Rows != uint64(len(lines)) {
			t.Fatalf("%+v and %+v", got, whole)
		}
		if len(lines) == 0 {
			return
		}
		if changed := sumOf(l, append([]string{"z" + lines[0]}, lines[1:]...)...); changed == whole {
			t.Fatal("a changed row has the same sum")
		}
		if twice := sumOf(l, append(lines, lines[0])...); twice == whole {
			t.Fatal("a doubled row has the same sum")
		}
	})
}

// TestRowSumOfDocuments: a document that was parsed again from its text is the same (fact 6.4), another
// number is not, and digits in strings are what they are.
func TestRowSumOfDocuments(t *testing.T) {
	l := Load{Columns: []LoadColumn{{Name: "j", Through: Text}}}
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`[1.50]`, `[1.5]`, true},
		{`{"a": 1e1, "b": -0.0}`, `{"a": 10.0, "b": -0.0}`, true},
		{`[1.5]`, `[1.51]`, false},
		{`["1.50"]`, `["1.5"]`, false},
		{`["\\"1.50"]`, `["\\"1.5"]`, false},
		{`["\\\\", 1.50]`, `["\\\\", 1.5]`, true},
		{`["\\\\\\"", 1.50]`, `["\\\\\\"", 1.5]`, true},
		{`[12345678901234567890123]`, `[1.2345678901234568e22]`, true},
		{`-1.0`, `-1.00`, true},
		{`[18446744073709551615]`, `[18446744073709551614]`, false},
		{`\N`, `null`, false},
	} {
		for i := range c.a {
			cut := NewRowSummer(l)
			for _, piece := range []string{c.a[:i], c.a[i:], "\n"} {
				_, _ = cut.Write([]byte(piece))
			}
			if cut.Sum() != sumOf(l, c.a+"\n") {
				t.Errorf("%s: another sum when it is cut at %d", c.a, i)
			}
		}
		if got := sumOf(l, c.a+"\n") == sumOf(l, c.b+"\n"); got != c.same {
			t.Errorf("%s and %s: same %v", c.a, c.b, got)
		}
	}
}
