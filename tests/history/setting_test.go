package history

import (
	"slices"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	all, err := ParseSettings("all")
	want := slices.DeleteFunc(slices.Clone(settings), func(s Setting) bool { return s.Name == "mixed" })
	if err != nil || len(all) != len(want) || len(want) < len(settings)-2 {
		t.Fatalf("all are %v: %v", all, err)
	}
	if _, err := ParseSettings("gtid,none"); err == nil || !strings.Contains(err.Error(), "native-keys") {
		t.Errorf("an unknown setting: %v", err)
	}
	for _, s := range settings {
		if !strings.Contains(ListSettings(), s.Name) {
			t.Errorf("%s is not listed", s.Name)
		}
		gtids := 0
		for i := range 9 {
			c := s.apply(Config{Seed: 7, With: []string{xa.Name}, Without: []string{everything, nativeKeys.Name}}, i)
			on, err := choose(c)
			if err != nil {
				t.Fatalf("%s: %v", s.Name, err)
			}
			for _, f := range append(s.With, xa.Name) {
				if !on.has(f) {
					t.Errorf("%s has no %s: %s", s.Name, f, on)
				}
			}
			if c.Seed != uint64(7+i) || slices.Contains(c.Without, s.Name) && len(s.With) > 0 {
				t.Errorf("%s: seed %d, without %v", s.Name, c.Seed, c.Without)
			}
			if c.GTID {
				gtids++
			}
		}
		if want := map[string]int{"gtid": 9, "file": 0, "mariadb": 9}[s.Name]; s.GTIDs != nil && gtids != want || s.GTIDs == nil && gtids != 6 {
			t.Errorf("%s: %d of 9 have GTIDs", s.Name, gtids)
		}
	}
}
