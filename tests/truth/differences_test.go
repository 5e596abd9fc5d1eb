package truth

import (
	"strings"
	"testing"
)

// The rules for counters and definers have to pass for what is right and to tell each way to be
// wrong.
func TestCounterDifferences(t *testing.T) {
	source := &Truth{counters: map[string]Counter{"d.t": {Next: 20, Greatest: 9}}}
	for _, c := range []struct {
		restored Counter
		atLeast  uint64
		exact    bool
		want     string
	}{
		{Counter{20, 9}, 15, true, ""},
		{Counter{12, 9}, 12, false, ""}, // what was rolled back left no trace
		{Counter{19, 9}, 0, true, "exactly 20"},
		{Counter{21, 9}, 0, false, "beyond the source's 20"},
		{Counter{9, 9}, 0, false, "not behind its row 9"},
		{Counter{14, 9}, 15, false, "values up to 14"},
		{Counter{20, 9}, 30, false, "the source itself"},
	} {
		restored := &Truth{counters: map[string]Counter{"d.t": c.restored}}
		got := source.CounterDifferences(restored, map[string]uint64{"d.t": c.atLeast}, map[string]bool{"d.t": c.exact})
		wantOne(t, got, c.want)
	}
}

func TestDefinerDifferences(t *testing.T) {
	for _, c := range []struct {
		source, restored string
		mayAll           bool
		changed          []string
		want             string
	}{
		{"app@%", "app@%", true, nil, ""},
		{"app@%", "app@%", false, nil, ""},
		{"app@%", "me@%", false, []string{"view d.v: app@%"}, ""},
		{"app@%", "me@%", false, nil, "and not told"},
		{"app@%", "me@%", false, []string{"view d.v: root@%"}, "told to have been root@%"},
		{"app@%", "me@%", true, []string{"view d.v: app@%"}, "the source has app@%"},
		{"app@%", "other@%", false, []string{"view d.v: app@%"}, "the source has app@%"},
		{"app@%", "app@%", false, []string{"view d.v: app@%"}, "kept, but told"},
		{"app@%", "me@%", false, []string{"view d.v: app@%", "view d.v: app@%"}, "told twice"},
		{"app@%", "app@%", false, []string{"view d.other: app@%"}, "no such object"},
	} {
		source := &Truth{definers: map[string]string{"view d.v": c.source}}
		restored := &Truth{definers: map[string]string{"view d.v": c.restored}}
		wantOne(t, source.DefinerDifferences(restored, "me@%", c.mayAll, c.changed), c.want)
	}
}

// wantOne wants no difference, or one with the wanted words.
func wantOne(t *testing.T, got []string, want string) {
	t.Helper()
	if want == "" && len(got) == 0 {
		return
	}
	if want == "" || len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("got %q, want one with %q", got, want)
	}
}
