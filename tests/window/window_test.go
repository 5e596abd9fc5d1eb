package window

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

func TestMain(m *testing.M) { mysqltest.Main(m) }

// TestFact11_5_NaiveRulesFail: in random histories the real rules are right every time, and
// each naive rule is seen to fail. make window runs 20,000 for each.
func TestFact11_5_NaiveRulesFail(t *testing.T) {
	c := Config{Seed: rand.Uint64N(1 << 40), Histories: 40, AtMost: 5000}
	t.Logf("first seed %d", c.Seed)
	r, err := Run(t.Context(), mysqltest.Take(t, Options), c)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.Write(&text); err != nil {
		t.Error(err)
	}
	t.Log(text.String())
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if r.Keyed < c.Histories || r.Keyless < c.Histories || r.Filled < c.Histories {
		t.Errorf("%d and %d histories, %d windows with changes", r.Keyed, r.Keyless, r.Filled)
	}
}

// TestReplayOfASeed: a seed makes the same history and the same statements every time, whatever ran
// before it.
func TestReplayOfASeed(t *testing.T) {
	b, err := newBench(t.Context(), mysqltest.Take(t, Options), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	first := rand.Uint64N(1 << 40)
	stories := map[uint64]string{}
	for _, seed := range []uint64{first, first + 1, first + 2, first + 3, first, first + 2, first + 3, first + 1} {
		var story strings.Builder
		if err := b.replay(t.Context(), seed, &story); err != nil {
			t.Fatal(err)
		}
		if before := stories[seed]; before != "" && before != story.String() {
			t.Errorf("seed %d made\n%s\nand then\n%s", seed, before, &story)
		}
		stories[seed] = story.String()
	}
}

// TestDifference: rows that are there twice count twice.
func TestDifference(t *testing.T) {
	got, want := difference([]string{"(1)", "(1)", "(2)"}, []string{"(1)", "(2)", "(3)"}), "missing: (3)\ntoo many: (1)"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestReportErr: the simulator says when it proves nothing.
func TestReportErr(t *testing.T) {
	for _, c := range []struct {
		rule RuleReport
		want string
	}{
		{RuleReport{Name: "a", Tried: 3}, ""},
		{RuleReport{Name: "a", Tried: 3, Failed: 1}, "a: failed in 1 histories of 3"},
		{RuleReport{Name: "a"}, "a: never tried"},
		{RuleReport{Name: "a", Naive: true, Tried: 3, Failed: 1}, ""},
		{RuleReport{Name: "a", Naive: true, Tried: 3}, "a: never failed in 3 histories"},
	} {
		got := ""
		if err := (&Report{Rules: []RuleReport{c.rule}}).Err(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.rule, got, c.want)
		}
	}
}
