package rewriter

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// TestLongRowsAreWrittenAsOthersAre: wherever the pieces and the blocks cut fields and escapes.
func TestLongRowsAreWrittenAsOthersAre(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	columns := []*schema.Column{{Name: "i", Type: "int"}, {Name: "b", Type: "longblob"}, {Name: "j", Type: "json"}, {Name: "s", Type: "longtext"}, {Name: "e", Type: "enum"}}
	held := NewTextBatch(schema.Name{Schema: "d", Name: "t"}, columns, true)
	long := NewTextBatch(schema.Name{Schema: "d", Name: "t"}, columns, true)
	var row LongRow
	text := func() []byte {
		b := make([]byte, []int{0, 10, largeValue - 1, largeValue, longBlock - 1, longBlock + 3}[random.IntN(6)])
		for i := range b {
			b[i] = "aZ\x00\n\t\\\xff"[random.IntN(7)]
		}
		return b
	}
	escape := func(b []byte) []byte {
		b = bytes.ReplaceAll(b, []byte{'\\'}, []byte(`\\`))
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte{'\t'}, []byte(`\t`)), []byte{'\n'}, []byte(`\n`))
	}
	for range 12 {
		fields := [][]byte{[]byte("-7"), escape(text()), escape(text()), escape(text()), []byte("3")}
		if random.IntN(3) == 0 {
			fields[random.IntN(5)] = []byte(`\N`)
		}
		line := bytes.Join(fields, []byte{'\t'})
		if err := held.Add(line); err != nil {
			t.Fatal(err)
		}
		for rest := line; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(100000))
			row.Append(rest[:n])
			rest = rest[n:]
		}
		s, err := long.Long(&row)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if n, err := s.WriteTo(&got); err != nil || int(n) != got.Len() || s.Len() != got.Len() || row.Size() != len(line) {
			t.Errorf("it says %d bytes and wrote %d, %d arrived (%v)", s.Len(), n, got.Len(), err)
		}
		if !bytes.Equal(got.Bytes(), held.SQL()) {
			t.Errorf("a line of %d bytes becomes another statement", len(line))
		}
		held.Reset()
		row.Reset()
	}
	for _, line := range []string{"1", "1\ta\t[]\tb\t2\tmore", "1\ta\t[]\tb\tx", "x\ta\t[]\tb\t2"} {
		row.Reset()
		row.Append([]byte(line))
		if _, err := long.Long(&row); err == nil {
			t.Errorf("%q is taken", line)
		}
	}
	row.Reset()
	row.Append(append(append([]byte("1\t"), bytes.Repeat([]byte{'a'}, largeValue)...), "\\\t[]\tb\t1"...))
	if _, err := long.Long(&row); err == nil {
		t.Error("a field that ends in a backslash is taken")
	}
}
