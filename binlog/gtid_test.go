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
		"0-1-7":                                  "0-1:7",
		"1-2-3, 0-1-9,0-1-7,0-1-8":               "0-1:7-9,1-2:3",
		"0-1:1-7:9":                              "0-1:1-7:9",
		"0-4294967295-1":                         "0-4294967295:1",
		"0-1-7," + uuidA + ":1":                  "0-1:7," + uuidA + ":1",
	} {
		if got := mustSet(t, in).String(); got != want {
			t.Errorf("%q prints %q, want %q", in, got, want)
		}
	}
	for _, bad := range []string{"x", uuidA, uuidA + ":", uuidA + ":0", uuidA + ":5-2", "0-1", "0-1-0", "0-0-1", "0-1:", "0-1:3-2", "0-1-2-3", "0-4294967296-1", "0-1-9223372036854775807"} {
		if s, err := ParseGTIDSet(bad); err == nil {
			t.Errorf("%q was read as %q", bad, s)
		}
	}
}

func TestGTIDSetAddIsMembership(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[GTID]bool{}
		var set, other GTIDSet
		sids := []GTID{{SID: uuid.MustParse(uuidA)}, {SID: uuid.MustParse(uuidB)}, {SID: uuid.MustParse(uuidB), Tag: "blue"}, {Origin: Origin{0, 1}}, {Origin: Origin{0, 2}}}
		otherModel := map[GTID]bool{}
		draw := func(label string) GTID {
			g := rapid.SampledFrom(sids).Draw(t, label+"sid")
			g.GNO = rapid.Int64Range(1, 20).Draw(t, label+"gno")
			return g
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
		for _, g := range sids {
			for n := int64(1); n <= 20; n++ {
				g.GNO = n
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
		if set.ContainsSet(other) != all {
			t.Fatalf("%s contains %s: %v", set, other, set.ContainsSet(other))
		}
		again, err := ParseGTIDSet(set.String())
		if err != nil || !again.Equal(set) {
			t.Fatalf("%s read back as %s, %v", set, again, err)
		}
	})
}

func TestGTIDSetOfMariaDBListsTheLastOfEachOrigin(t *testing.T) {
	var executed GTIDSet
	executed.AddThrough(GTID{Origin: Origin{0, 1}, GNO: 7})
	executed.AddThrough(GTID{Origin: Origin{5, 2}, GNO: 3})
	executed.Add(GTID{Origin: Origin{0, 1}, GNO: 8})
	if executed.String() != "0-1:1-8,5-2:1-3" {
		t.Errorf("%s", executed)
	}
	wanted := mustSet(t, "0-1-8")
	if g, ok := wanted.Single(); !ok || g.String() != "0-1-8" || !executed.ContainsSet(wanted) || wanted.ContainsSet(executed) {
		t.Errorf("%s, %v", g, ok)
	}
	if _, ok := executed.Single(); ok {
		t.Error("eleven ids are one")
	}
}
