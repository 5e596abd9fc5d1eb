package binlog

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

const (
	uuidA = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
	uuidB = "4e11fa47-71ca-11e1-9e33-c80aa9429562"
)

func mustSet(t testing.TB, s string) GTIDSet {
	t.Helper()
	set, err := ParseGTIDSet(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestGTIDSetText(t *testing.T) {
	for in, want := range map[string]string{
		"":                                       "",
		uuidB + ":1-3:5,\n " + uuidA + ":7":      uuidA + ":7," + uuidB + ":1-3:5",
		uuidA + ":1-3:4-9":                       uuidA + ":1-9",
		uuidA + ":1-3:blue:2:4-5":                uuidA + ":1-3:blue:2:4-5",
		"3E11FA47-71CA-11E1-9E33-C80AA9429562:1": uuidA + ":1",
	} {
		if got := mustSet(t, in).String(); got != want {
			t.Errorf("%q prints %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"x", uuidA, uuidA + ":", uuidA + ":0", uuidA + ":5-2"} {
		if s, err := ParseGTIDSet(bad); err == nil {
			t.Errorf("%q was read as %q", bad, s)
		}
	}
}

func TestGTIDSetAddIsMembership(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[GTID]bool{}
		var set, other GTIDSet
		sids := []uuid.UUID{uuid.MustParse(uuidA), uuid.MustParse(uuidB)}
		otherModel := map[GTID]bool{}
		draw := func(label string) GTID {
			return GTID{
				SID: rapid.SampledFrom(sids).Draw(t, label+"sid"),
				Tag: rapid.SampledFrom([]string{"", "blue"}).Draw(t, label+"tag"),
				GNO: rapid.Int64Range(1, 20).Draw(t, label+"gno"),
			}
		}
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			g := draw("g")
			set.Add(g)
			model[g] = true
		}
		for range rapid.IntRange(0, 20).Draw(t, "m") {
			g := draw("h")
			other.Add(g)
			otherModel[g] = true
		}
		minus := set.Minus(other)
		union := set.Clone()
		union.AddSet(other)
		all := true
		for _, sid := range sids {
			for _, tag := range []string{"", "blue"} {
				for n := int64(1); n <= 20; n++ {
					g := GTID{sid, tag, n}
					if set.Contains(g) != model[g] {
						t.Fatalf("Contains(%s) = %v", g, set.Contains(g))
					}
					if minus.Contains(g) != (model[g] && !otherModel[g]) {
						t.Fatalf("%s minus %s: %s", set, other, minus)
					}
					if union.Contains(g) != (model[g] || otherModel[g]) {
						t.Fatalf("%s and %s: %s", set, other, union)
					}
					all = all && (!otherModel[g] || model[g])
				}
			}
		}
		if set.ContainsSet(other) != all {
			t.Fatalf("%s contains %s: %v", set, other, set.ContainsSet(other))
		}
		again, err := ParseGTIDSet(set.String())
		if err != nil || !again.Equal(set) {
			t.Fatalf("%s read back as %s, %v", set, again, err)
		}
	})
}
