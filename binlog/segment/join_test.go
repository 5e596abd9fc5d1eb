package segment_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
)

// joined makes one segment of several without expanding them.
func joined(t testing.TB, parts [][]byte) []byte {
	t.Helper()
	var whole segment.Header
	var bodies []byte
	for i, p := range parts {
		h, err := segment.DecodeHeader(bytes.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, p[len(p)-int(h.StoredBytes):]...)
		if i == 0 {
			whole = h
		} else if err := whole.Append(&h); err != nil {
			t.Fatal(err)
		}
	}
	whole.StoredBytes, whole.StoredSHA256 = uint64(len(bodies)), binlog.Digest(sha256.Sum256(bodies))
	frame, err := segment.Frame(whole)
	if err != nil {
		t.Fatal(err)
	}
	return append(frame, bodies...)
}

// Segments that are joined as they are stored are one segment of the same bytes, and a part of it
// is read by its own header.
func TestJoinedSegmentsAreASegment(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		file := rapid.SliceOfN(rapid.Byte(), 1, 3000).Draw(r, "file")
		parts := cut(t, file, rapid.SliceOf(rapid.IntRange(1, 1000)).Draw(r, "sizes"))
		from := rapid.IntRange(0, len(parts)-1).Draw(r, "from")
		to := rapid.IntRange(from+1, len(parts)).Draw(r, "to")
		whole := joined(t, parts[from:to])
		h, err := segment.Check(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		_, plain, err := segment.Plain(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(plain)
		if err != nil || !bytes.Equal(got, file[h.Start:h.End]) {
			t.Fatalf("%d bytes of %d: %v", len(got), h.End-h.Start, err)
		}
		if want := uint64(to-from) * 8; h.Entries != want || h.FirstCommit != 1 || h.GreatestCommit != 9 {
			t.Fatalf("header %+v", h)
		}
		if to-from < 2 {
			return
		}
		last, err := segment.DecodeHeader(bytes.NewReader(parts[to-1]))
		if err != nil {
			t.Fatal(err)
		}
		body, err := segment.Body(last, bytes.NewReader(whole[len(whole)-int(last.StoredBytes):]))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, file[last.Start:last.End]) {
			t.Fatalf("%d bytes of the last part: %v", len(got), err)
		}
		if err := segment.CheckBody(last, bytes.NewReader(whole[len(whole)-int(last.StoredBytes)+1:])); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("a part without its first byte: %v", err)
		}
		first, err := segment.DecodeHeader(bytes.NewReader(parts[from]))
		if err != nil {
			t.Fatal(err)
		}
		if err := last.Append(&first); !errors.Is(err, segment.ErrApart) {
			t.Fatalf("segments in the wrong order: %v", err)
		}
	})
}

// The joined header says what both say.
func TestAppendedHeaders(t *testing.T) {
	a, b := schema.Name{Schema: "d", Name: "a"}, schema.Name{Schema: "d", Name: "b"}
	h := segment.Header{Timeline: timeline, File: "binlog.000007", End: 10, EndsInside: true, FirstCommit: 5, SmallestCommit: 4, LastCommit: 6, GreatestCommit: 6,
		Content: &segment.Content{Tables: []segment.Touched{{Name: b, Rows: 2, Largest: 7}}}}
	next := segment.Header{Timeline: timeline, File: "binlog.000007", Start: 10, End: 20, Closed: true, BeginsInside: true, Entries: 1, Boundary: 20, FirstCommit: 3, SmallestCommit: 3, LastCommit: 3, GreatestCommit: 3,
		Content: &segment.Content{RowEntries: 1, XA: true, Tables: []segment.Touched{{Name: a, Rows: 1, Entries: 1}, {Name: b, Rows: 1, Entries: 1, LargestDelete: 3, Uncounted: true}},
			Statements: []segment.Statement{{Start: 10, Verb: "DROP TABLE", Kind: "meaning", Tables: []schema.Name{a}}}}}
	first := *h.Content
	if err := h.Append(&next); err != nil {
		t.Fatal(err)
	}
	want := &segment.Content{RowEntries: 1, XA: true, Tables: []segment.Touched{{Name: a, Rows: 1, Entries: 1}, {Name: b, Rows: 3, Entries: 1, Largest: 7, LargestDelete: 3, Uncounted: true}},
		Statements: next.Content.Statements}
	if !reflect.DeepEqual(h.Content, want) || h.End != 20 || !h.Closed || h.EndsInside || h.Boundary != 20 || h.Entries != 1 ||
		h.FirstCommit != 5 || h.SmallestCommit != 3 || h.LastCommit != 3 || h.GreatestCommit != 6 {
		t.Errorf("joined %+v with %+v", h, h.Content)
	}
	if len(first.Tables) != 1 {
		t.Errorf("the first segment's own content has become %+v", first)
	}
	unknown := segment.Header{Timeline: timeline, File: "binlog.000007", Start: 20, End: 30}
	if err := h.Append(&unknown); err != nil || h.Content != nil {
		t.Errorf("joined with one of which nothing is known: %+v, %v", h.Content, err)
	}
}

// A content of very much says that there is more.
// TestCascadesOfJoinedContents: what one half does not know the whole does not; what is hidden stays so.
func TestCascadesOfJoinedContents(t *testing.T) {
	n := schema.Name{Schema: "d", Name: "t"}
	for _, c := range [][3]segment.Cascades{
		{segment.CascadesNone, segment.CascadesNone, segment.CascadesNone},
		{segment.CascadesNone, "", ""}, {"", segment.CascadesNone, ""}, {"", "", ""},
		{segment.CascadesHidden, segment.CascadesNone, segment.CascadesHidden}, {segment.CascadesNone, segment.CascadesHidden, segment.CascadesHidden},
		{segment.CascadesHidden, "", segment.CascadesHidden}, {"", segment.CascadesHidden, segment.CascadesHidden},
	} {
		var sum segment.Content
		for _, half := range c[:2] {
			sum.Add(&segment.Content{Tables: []segment.Touched{{Name: n, Rows: 1, Cascades: half}}})
		}
		if got := sum.Tables[0].Cascades; got != c[2] {
			t.Errorf("%q and %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
	var fresh segment.Content
	if got := fresh.Touch(n).Cascades; got != segment.CascadesNone {
		t.Errorf("in front of the first event: %q", got)
	}
}

// TestLengthsOfJoinedContents: where one half holds lengths as earlier versions took them, the whole does.
func TestLengthsOfJoinedContents(t *testing.T) {
	n := schema.Name{Schema: "d", Name: "t"}
	for _, c := range [][3]bool{{true, true, true}, {true, false, false}, {false, true, false}} {
		var sum segment.Content
		for _, half := range c[:2] {
			sum.Add(&segment.Content{Tables: []segment.Touched{{Name: n, Rows: 1, Unpacked: half}}})
		}
		if got := sum.Tables[0].Unpacked; got != c[2] {
			t.Errorf("%v: %v", c, got)
		}
	}
}

func TestContentIsBounded(t *testing.T) {
	var c segment.Content
	for i := range 2000 {
		if touched := c.Touch(schema.Name{Schema: "d", Name: string(rune('a' + i))}); touched != nil {
			touched.Rows++
		}
		c.State(segment.Statement{Start: uint64(i)})
	}
	if !c.More || len(c.Tables) != 1024 || len(c.Statements) != 256 {
		t.Errorf("%d tables, %d statements, more: %v", len(c.Tables), len(c.Statements), c.More)
	}
	many := segment.Content{}
	many.State(segment.Statement{Tables: make([]schema.Name, 1000)})
	if s := many.Statements[0]; !s.Unnamed || len(s.Tables) > 0 {
		t.Errorf("a statement of 1000 tables: %+v", s)
	}
}
