package archive

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/storage/catalog"
)

// partsOf makes parts of these sizes; an odd one overlaps the one before.
func partsOf(sizes []uint64, overlaps func(i int) bool) (parts []part) {
	end := uint64(0)
	for i, size := range sizes {
		p := part{SegmentRef: catalog.SegmentRef{Start: end, End: end + size}, from: end}
		if i > 0 && overlaps(i) {
			p.Start--
		}
		parts, end = append(parts, p), p.End
	}
	return parts
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		sizes   []uint64
		overlap int
		least   int
		want    string
	}{
		{[]uint64{1, 2, 3, 4, 5}, 0, 2, "[[0 4] [4 5]]"},
		{[]uint64{1, 2, 3, 4, 5}, 0, 5, "[[0 1] [1 2] [2 3] [3 4] [4 5]]"},
		{[]uint64{20, 3, 3, 20, 1}, 0, 2, "[[0 1] [1 3] [3 4] [4 5]]"},
		{[]uint64{1, 1, 1, 1}, 2, 2, "[[0 2] [2 4]]"},
	} {
		got := fmt.Sprint(groups(partsOf(c.sizes, func(i int) bool { return c.overlap > 0 && i == c.overlap }), 10, c.least))
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// What was put together is not put together again.
func TestGroupsAreStable(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		parts := partsOf(rapid.SliceOfN(rapid.Uint64Range(1, 30), 1, 60).Draw(r, "sizes"), func(int) bool { return rapid.IntRange(0, 9).Draw(r, "overlap") == 0 })
		size, least := rapid.Uint64Range(1, 100).Draw(r, "size"), rapid.IntRange(2, 6).Draw(r, "least")
		var objects []part
		end := uint64(0)
		for _, g := range groups(parts, size, least) {
			p := part{SegmentRef: catalog.SegmentRef{Start: parts[g[0]].Start, End: parts[g[1]-1].End}, from: end}
			if g[1]-g[0] > 1 && p.End-p.Start > size {
				r.Fatalf("an object of %d bytes", p.End-p.Start)
			}
			objects, end = append(objects, p), p.End
		}
		if end != parts[len(parts)-1].End {
			r.Fatalf("%d bytes of %d", end, parts[len(parts)-1].End)
		}
		if again := groups(objects, size, 2); least == 2 && len(again) != len(objects) {
			r.Fatalf("%v of %v", again, objects)
		}
		if again := groups(objects, size, least); len(again) != len(objects) {
			r.Fatalf("least %d: %v of %v", least, again, objects)
		}
	})
}
