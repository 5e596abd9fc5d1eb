package history

import (
	"slices"
	"strings"
	"testing"
)

func TestFeaturesAreChosen(t *testing.T) {
	for _, test := range []struct {
		with, without string
		gtid          bool
		want          string // begins with ~: is among them; !: is not; else exactly these
	}{
		{"views,keyless", "all", true, "keyless,views"},
		{"all", "", true, "~skip-gtid"},
		{"all", "", false, "!skip-gtid"},
		{"all", "views", true, "!views"},
		{"", "all", true, ""},
		{"big", "", true, "~big"},
		{"all", "views,routines,triggers,events", true, "!definers"},
	} {
		c := Config{Seed: 3, GTID: test.gtid}
		var err error
		c.With, err = ParseFeatures(test.with)
		must(t, err)
		c.Without, err = ParseFeatures(test.without)
		must(t, err)
		on, err := choose(c)
		must(t, err)
		switch got := on.String(); {
		case strings.HasPrefix(test.want, "~") && !on.has(test.want[1:]), strings.HasPrefix(test.want, "!") && on.has(test.want[1:]),
			!strings.ContainsAny(test.want, "~!") && got != test.want:
			t.Errorf("-features %s -without %s has %s, want %s", test.with, test.without, got, test.want)
		}
	}
	for seed := range uint64(20) {
		on, err := choose(Config{Seed: seed, GTID: true, Tables: 2, With: []string{keyless.Name}})
		must(t, err)
		if n := len(slices.DeleteFunc(slices.Clone(on), func(f *Feature) bool { return len(f.Tables) == 0 })); n != 3 || !on.has(keyless.Name) {
			t.Errorf("%d features of %s have tables, want two and keyless", n, on)
		}
	}
	restoring := func(f *Feature) bool { return f.Judge != nil && len(f.DDL) == 0 }
	drawnJudges := map[string]bool{}
	for seed := range uint64(40) {
		on, err := choose(Config{Seed: seed, GTID: true, Judges: 1, With: []string{renamedTables.Name}})
		must(t, err)
		for _, f := range on {
			drawnJudges[f.Name] = drawnJudges[f.Name] || restoring(f)
		}
		if n := len(slices.DeleteFunc(slices.Clone(on), func(f *Feature) bool { return !restoring(f) })); n > 2 || !on.has(renamedTables.Name) {
			t.Errorf("%d features of %s restore something more, want one at most and renames", n, on)
		}
	}
	for _, f := range features {
		if restoring(&f) && !drawnJudges[f.Name] {
			t.Errorf("40 seeds that restore one thing more never drew %s", f.Name)
		}
	}
	if _, err := choose(Config{With: []string{skips.Name}}); err == nil || !strings.Contains(err.Error(), "no GTIDs") {
		t.Errorf("got %v for a feature that cannot be, want why", err)
	}
	if _, err := ParseFeatures("nonsense"); err == nil {
		t.Error("a feature that is not there was taken")
	}
	drawn := map[string]int{}
	for seed := range uint64(400) {
		on, err := choose(Config{Seed: seed, GTID: true})
		must(t, err)
		for _, f := range on {
			drawn[f.Name]++
		}
	}
	for _, f := range features {
		if n := drawn[f.Name]; n < f.Share*4/2 || n > f.Share*8 {
			t.Errorf("400 seeds draw %s %d times, its share is %d%%", f.Name, n, f.Share)
		}
	}
}

// A feature whose counts are not all there has held too little.
func TestFeaturesThatDidNothingAreTold(t *testing.T) {
	c := newCensus()
	on := chosen{&partitions, &compression, &definers}
	c.add(partitions.Name, byTables, 3)
	c.changed(partitions.Name, insidePhase)
	l := newLogCensus(on)
	for _, part := range []string{"#26 server id 1 Transaction_Pay", "load\n# nothing\n", "Transaction_Payload"} {
		if _, err := l.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if l.found[compression.Name] != 1 {
		t.Errorf("%d lines of a log tell of compression, want 1", l.found[compression.Name])
	}
	held, idle := c.held(on)
	if !slices.Equal(idle, []string{"compression (log)", "definers (done)"}) || held[partitions.Name] != 1 {
		t.Errorf("idle are %v, partitions did %d", idle, held[partitions.Name])
	}
}
